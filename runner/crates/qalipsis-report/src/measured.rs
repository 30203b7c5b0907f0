//! What a scenario measured itself and how its criteria came out, in words.

use crate::text::number;
use qalipsis_judge::report::{CriterionReport, MeasuredReport, Outcome, StepReport};
use qalipsis_model::criterion::Quantity;
use qalipsis_model::duration::human_ns;
use qalipsis_model::measured::Measured;

const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

/// Its name with its description: `meter baskets, baskets that were filled`.
pub(crate) fn title(meter: &MeasuredReport) -> String {
    if meter.description.is_empty() {
        format!("meter {}", meter.name)
    } else {
        format!("meter {}, {}", meter.name, meter.description.trim_end_matches('.'))
    }
}

/// Its figures: `80 in total, 41.2 per s`.
pub(crate) fn facts(meter: &MeasuredReport) -> String {
    let unit = if meter.unit.is_empty() { String::new() } else { format!(" {}", meter.unit) };
    let shown = |value: f64| format!("{}{unit}", amount(value));
    let per_second = || meter.per_second.map(|value| format!("{} per s", shown(value)));
    let facts: Vec<Option<String>> = match &meter.figures {
        None => vec![Some("no data".to_owned())],
        Some(Measured::Counter(total)) => {
            vec![Some(format!("{}{unit} in total", number(*total))), per_second()]
        }
        Some(Measured::Throughput(total)) => {
            vec![per_second(), Some(format!("{}{unit} in total", number(*total)))]
        }
        Some(Measured::Rate { hits, tries }) => {
            let share = *hits as f64 / (*tries).max(1) as f64;
            let counts = format!("{} of {}", number(*hits), number(*tries));
            vec![Some(Quantity::Rate.show(share)), Some(counts)]
        }
        Some(Measured::Timer(times)) => {
            let percentiles = PERCENTILES.map(|p| {
                let ns = times.percentile_ns(p)?;
                Some(format!("p{p} {}", human_ns(ns)))
            });
            let max = times.max_ns().map(|ns| format!("max {}", human_ns(ns)));
            percentiles.into_iter().chain([max, Some(samples(times.count()))]).collect()
        }
        Some(Measured::Summary(amounts)) => {
            let percentiles = PERCENTILES.map(|p| Some(format!("p{p} {}", shown(amounts.percentile(p)?))));
            let max = amounts.max().map(|value| format!("max {}", shown(value)));
            let count = Some(samples(amounts.histogram().count()));
            percentiles.into_iter().chain([max, count]).collect()
        }
    };
    facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// How a criterion came out, and from what that follows when it is no failure of its own.
pub(crate) fn outcome(criterion: &CriterionReport) -> String {
    let (state, why) = match &criterion.outcome {
        Outcome::Met => ("met", None),
        Outcome::Breached => ("breached", criterion.no_data.as_ref()),
        Outcome::NotJudged { cause } => ("not judged", Some(cause)),
        Outcome::Repeats { cause } => ("follows from another failure", Some(cause)),
    };
    why.map_or_else(|| state.to_owned(), |why| format!("{state}: {why}"))
}

/// What a table says of a step that was never executed.
pub(crate) fn never_executed(step: &StepReport) -> String {
    match &step.cause {
        Some(cause) => format!("not judged: {cause}"),
        None if step.optional => "never executed (optional)".to_owned(),
        None => "never executed".to_owned(),
    }
}

/// An amount without needless digits, whole ones in groups of three.
fn amount(value: f64) -> String {
    if value.fract() == 0.0 { number(value as u64) } else { Quantity::Value.show(value) }
}

fn samples(count: u64) -> String {
    format!("{} in all", number(count))
}
