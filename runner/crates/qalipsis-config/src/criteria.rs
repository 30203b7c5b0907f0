//! `criteria:` of a configuration file: criteria beside those that scenarios declare, or in their place.

use super::entry::{Entry, Origin};
use super::settings::Settings;
use super::sources::must_be;
use crate::problem::Problem;
use crate::reason;
use qalipsis_model::criterion::{Criterion, Limit, Quantity, Statistic, Subject};
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::duration::{self, human};
use qalipsis_model::location::SourceLocation;
use qalipsis_model::plan::ScenarioPlan;
use qalipsis_model::scope::{Scope, Window};
use qalipsis_model::suggest::hint;
use qalipsis_profile::speed::Speed;
use std::time::Duration;

/// One item of the list, as it is written.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct GivenCriterion {
    pub(super) origin: Origin,
    pub(super) fields: Vec<Entry>,
}

/// A field of a criterion.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
}

/// The fields of a criterion, in the order in which one writes them.
pub(super) const FIELDS: [Field; 12] = [
    Field { name: "scenario", doc: "Its scenario. Must be given." },
    Field { name: "step", doc: "The step that it is about." },
    Field { name: "meter", doc: "The meter that it is about, in place of a step." },
    Field { name: "measure", doc: "What is measured, see below. Must be given." },
    Field { name: "below", doc: "It must be less than this." },
    Field { name: "at-most", doc: "It must not exceed this." },
    Field {
        name: "at-least",
        doc: "It must not be less than this. With `at-most`: it must lie between them.",
    },
    Field { name: "from", doc: "Only what comes after this time since the start of the load counts." },
    Field { name: "to", doc: "Only what comes before this time since the start of the load counts." },
    Field { name: "stage", doc: "Only what comes in the stage of this number, from 1, counts." },
    Field { name: "zone", doc: "Only the factories of this zone count." },
    Field {
        name: "abort-on-breach",
        doc: "Stops the campaign, which then has failed, as soon as it is breached. It is checked each second, for the \
              first time this long after the start of the load or of its window.",
    },
];

/// A figure that can be measured, with what stands before its statistic.
pub(super) struct Measure {
    pub(super) name: &'static str,
    quantity: Quantity,
    pub(super) unit: Unit,
    /// Whether a statistic follows: `response-time.p95`.
    pub(super) distribution: bool,
    pub(super) doc: &'static str,
}

/// How a limit is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Duration,
    Number,
    Share,
    Rate,
}

impl Unit {
    /// What a limit must be, to follow "must be".
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Duration => "a duration with its unit, for example 250ms, 1.5s, 2m or 1h",
            Self::Number => "a number",
            Self::Share => "a share, for example 1% or 0.01",
            Self::Rate => "a number per second, for example 50 or 50/s",
        }
    }

    fn parse(self, text: &str) -> Option<f64> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        match self {
            Self::Duration => duration::parse(text).ok().map(|d| d.as_nanos() as f64),
            Self::Number => number(text),
            Self::Rate => number(text.trim().trim_end_matches("/s")),
            Self::Share => match text.trim().strip_suffix('%') {
                Some(percent) => number(percent).map(|n| n / 100.0),
                None => number(text),
            },
        }
    }
}

/// What can be measured of a step.
pub(super) const OF_STEPS: [Measure; 11] = {
    const fn of(
        name: &'static str,
        quantity: Quantity,
        unit: Unit,
        distribution: bool,
        doc: &'static str,
    ) -> Measure {
        Measure { name, quantity, unit, distribution, doc }
    }
    use Unit::{Duration, Number, Rate, Share};
    [
        of(
            "response-time",
            Quantity::ResponseTime,
            Duration,
            true,
            "From the instant for which an execution was intended to its end.",
        ),
        of(
            "service-time",
            Quantity::ServiceTime,
            Duration,
            true,
            "From the start of an execution to its end.",
        ),
        of(
            "latency",
            Quantity::Latency,
            Duration,
            true,
            "Of a join: from the start of the trigger to the arrival, late ones included.",
        ),
        of("lateness", Quantity::Lateness, Duration, true, "Of a join: the same of late ones alone."),
        of("count", Quantity::Count, Number, false, "Executions that ended."),
        of(
            "throughput",
            Quantity::Throughput,
            Rate,
            false,
            "Executions that ended, per second, until the last iteration ended.",
        ),
        of("error-rate", Quantity::ErrorRate, Share, false, "Share of the executions that did not succeed."),
        of("missing", Quantity::Missing, Number, false, "Of a join: awaited records that never came."),
        of("late", Quantity::Late, Number, false, "Of a join: records that came after their deadline."),
        of(
            "duplicates",
            Quantity::Duplicates,
            Number,
            false,
            "Of a join: further records of keys already matched.",
        ),
        of("orphans", Quantity::Orphans, Number, false, "Of a join: records that no minion expected."),
    ]
};

/// What can be measured of a meter, beside `p` with any percentile: name, quantity, statistic, unit, meaning.
pub(super) const OF_METERS: [(&str, Quantity, Statistic, Unit, &str); 10] = [
    (
        "max",
        Quantity::Value,
        Statistic::Max,
        Unit::Number,
        "Of what is watched, a gauge or a summary: its largest value.",
    ),
    ("min", Quantity::Value, Statistic::Min, Unit::Number, "Of the same: its smallest value."),
    ("mean", Quantity::Value, Statistic::Mean, Unit::Number, "Of the same: the mean of its values."),
    (
        "last",
        Quantity::Value,
        Statistic::Value,
        Unit::Number,
        "Of what is watched or a gauge: its last value.",
    ),
    (
        "growth",
        Quantity::Growth,
        Statistic::Value,
        Unit::Duration,
        "Of what is watched: the longest time for which it rose.",
    ),
    (
        "drain",
        Quantity::Drain,
        Statistic::Value,
        Unit::Duration,
        "Of what is watched: from the start of the last iteration until it is back where it was before the load.",
    ),
    (
        "total",
        Quantity::Total,
        Statistic::Value,
        Unit::Number,
        "Of a counter or a throughput: all that it counted.",
    ),
    (
        "throughput",
        Quantity::Throughput,
        Statistic::Value,
        Unit::Rate,
        "Of a counter or a throughput: what it counted per second, until the last iteration ended.",
    ),
    ("rate", Quantity::Rate, Statistic::Value, Unit::Share, "Of a rate: its hits by its tries."),
    (
        "count",
        Quantity::Count,
        Statistic::Value,
        Unit::Number,
        "Of all others: the number of values, durations or tries.",
    ),
];

/// What can be measured of a timer, with a figure after it.
pub(super) const TIME: &str = "time";

/// What may follow a distribution, beside `p` with any percentile.
const STATISTICS: [(&str, Statistic); 3] =
    [("mean", Statistic::Mean), ("min", Statistic::Min), ("max", Statistic::Max)];

impl Settings {
    /// The planned scenarios with the criteria of the configuration.
    pub(super) fn with_criteria(
        &self,
        mut planned: Vec<ScenarioPlan>,
        all: &[&ScenarioDescription],
        problems: &mut Vec<Problem>,
    ) -> Vec<ScenarioPlan> {
        for given in &self.criteria {
            let (scenario, criterion) = match given.read(all) {
                Ok(read) => read,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            // One file configures all scenarios of a project: it may be another's turn.
            let profile = planned.iter().find(|p| p.name == scenario.name).map(|p| &p.profile);
            match criterion.problem(scenario, profile.unwrap_or(&scenario.profile)) {
                Some(problem) => {
                    let problem = reason::of_criterion(&criterion, &problem);
                    problems.push(Problem::at(
                        given.place(),
                        format_args!("scenario '{}': {problem}", scenario.name),
                    ));
                }
                None => {
                    if let Some(planned) = planned.iter_mut().find(|p| p.name == scenario.name) {
                        put(&mut planned.criteria, criterion);
                    }
                }
            }
        }
        for planned in &planned {
            problems.extend(planned.criteria.iter().filter_map(|criterion| {
                let problem = self
                    .at_another_speed(criterion, planned, all)
                    .or_else(|| self.unreachable(criterion))
                    .or_else(|| {
                        let problem = criterion.beyond(planned, &self.limits)?;
                        Some(reason::of_criterion(criterion, &problem))
                    })?;
                Some(Problem::at(&criterion.location, format_args!("scenario '{}': {problem}", planned.name)))
            }));
        }
        planned
    }

    /// Why a criterion that fits the declared profile does not fit the one that campaign.speed-factor makes of it.
    fn at_another_speed(
        &self,
        criterion: &Criterion,
        planned: &ScenarioPlan,
        all: &[&ScenarioDescription],
    ) -> Option<String> {
        if self.speed == Speed::NORMAL {
            return None;
        }
        let scenario = all.iter().find(|scenario| scenario.name == planned.name)?;
        let problem = criterion.problem(scenario, &planned.profile)?;
        Some(reason::of_criterion(criterion, &problem))
    }

    /// Why this campaign can have no data for a criterion.
    fn unreachable(&self, criterion: &Criterion) -> Option<String> {
        if let Some(zone) = &criterion.scope.zone
            && !self.zones().contains(zone.as_str())
        {
            let zones = self.zones();
            let known = match zones.len() {
                0 => "no factory has a zone, set factory.zone".to_owned(),
                1 => zones.iter().map(|known| format!("the factory is in zone '{known}'")).collect(),
                _ => hint(zone, zones.iter().copied()),
            };
            return Some(format!("the criterion '{criterion}' is on the unknown zone '{zone}', {known}"));
        }
        if criterion.scope.zone.is_some() && criterion.quantity == Quantity::Orphans && self.zones().len() > 1
        {
            return Some(format!(
                "the criterion '{criterion}' is on one of several zones, and a record that no minion expected is of none: leave \
                 its zone out"
            ));
        }
        let limit = self.limits.campaign?;
        match criterion.scope.window {
            Window::After(from) | Window::During(from, _) if from >= limit => Some(format!(
                "the window of the criterion '{criterion}' begins after the campaign was stopped, at {} \
                 (campaign.timeout)",
                human(limit)
            )),
            _ => None,
        }
    }
}

/// Adds a criterion; one on the same measure that bounds the same side goes.
fn put(criteria: &mut Vec<Criterion>, criterion: Criterion) {
    let replaced = |old: &Criterion| {
        let measure = |c: &Criterion| (c.subject.clone(), c.quantity, c.statistic, c.scope.clone());
        let both = matches!(criterion.limit, Limit::Between(..));
        measure(old) == measure(&criterion) && (both || is_upper(old.limit) == is_upper(criterion.limit))
    };
    let place = criteria.iter().position(replaced).unwrap_or(criteria.len());
    criteria.retain(|old| !replaced(old));
    criteria.insert(place.min(criteria.len()), criterion);
}

/// Whether a limit bounds from above; `None` for both sides.
fn is_upper(limit: Limit) -> Option<bool> {
    match limit {
        Limit::Below(_) | Limit::AtMost(_) => Some(true),
        Limit::AtLeast(_) => Some(false),
        Limit::Between(..) => None,
    }
}

impl GivenCriterion {
    fn place(&self) -> String {
        match &self.origin {
            Origin::File { path, line, column } => format!("{path}:{line}:{column}"),
            Origin::Environment | Origin::Flag | Origin::Given { .. } => "criteria".to_owned(),
        }
    }

    /// The field of this name with its text, when it is given.
    fn field(&self, name: &str) -> Result<Option<(&Entry, &str)>, Problem> {
        let Some(entry) = self.fields.iter().find(|field| field.name == name) else { return Ok(None) };
        match &entry.value.text {
            Ok(text) => Ok(Some((entry, text))),
            Err(error) => Err(Problem::at(entry.place(), error)),
        }
    }

    fn required(&self, name: &str) -> Result<(&Entry, &str), Problem> {
        self.field(name)?.ok_or_else(|| {
            Problem::at(self.place(), format_args!("this criterion has no '{name}', which must be given"))
        })
    }

    fn duration(&self, name: &str) -> Result<Option<Duration>, Problem> {
        let Some((entry, text)) = self.field(name)? else { return Ok(None) };
        let wrong = || must_be(entry, &format!("'{name}'"), Unit::Duration.expected());
        duration::parse(text).map(Some).map_err(|_| wrong())
    }

    fn read<'a>(
        &self,
        all: &[&'a ScenarioDescription],
    ) -> Result<(&'a ScenarioDescription, Criterion), Problem> {
        let known = FIELDS.iter().map(|field| field.name);
        if let Some(unknown) = self.fields.iter().find(|field| !known.clone().any(|name| name == field.name))
        {
            let what = format!("a criterion has no field '{}', {}", unknown.name, hint(&unknown.name, known));
            return Err(Problem::at(unknown.place(), what));
        }
        let (entry, name) = self.required("scenario")?;
        let names = all.iter().map(|s| s.name.as_str());
        let scenario = all.iter().find(|s| s.name == name).ok_or_else(|| {
            Problem::at(
                entry.place(),
                format_args!("a criterion is on the unknown scenario '{name}', {}", hint(name, names)),
            )
        })?;
        let (subject, quantity, statistic, unit) = self.measured()?;
        let criterion = Criterion {
            subject,
            quantity,
            statistic,
            limit: self.limit(unit)?,
            scope: Scope {
                window: self.window()?,
                zone: self.field("zone")?.map(|(_, zone)| zone.to_owned()),
            },
            abort_after: self.duration("abort-on-breach")?,
            location: self.location(),
        };
        Ok((scenario, criterion))
    }

    fn measured(&self) -> Result<(Subject, Quantity, Statistic, Unit), Problem> {
        let (entry, measure) = self.required("measure")?;
        match (self.field("step")?, self.field("meter")?) {
            (Some((_, step)), None) => {
                let (measure, statistic) = of_step(measure).ok_or_else(|| {
                    let known = names_of_step_measures();
                    unknown_measure(entry, measure, "steps", known.iter().map(String::as_str))
                })?;
                Ok((Subject::Step(step.to_owned()), measure.quantity, statistic, measure.unit))
            }
            (None, Some((_, meter))) => {
                let (quantity, statistic, unit) = of_meter(measure).ok_or_else(|| {
                    let known = names_of_meter_measures();
                    unknown_measure(entry, measure, "meters", known.iter().map(String::as_str))
                })?;
                Ok((Subject::Meter(meter.to_owned()), quantity, statistic, unit))
            }
            _ => Err(Problem::at(
                self.place(),
                "a criterion is on a step or on a meter, give exactly one of them",
            )),
        }
    }

    fn limit(&self, unit: Unit) -> Result<Limit, Problem> {
        let value = |name: &str| match self.field(name)? {
            None => Ok(None),
            Some((entry, text)) => {
                let wrong = || must_be(entry, &format!("'{name}'"), unit.expected());
                unit.parse(text).map(Some).ok_or_else(wrong)
            }
        };
        match (value("below")?, value("at-most")?, value("at-least")?) {
            (Some(limit), None, None) => Ok(Limit::Below(limit)),
            (None, Some(limit), None) => Ok(Limit::AtMost(limit)),
            (None, None, Some(limit)) => Ok(Limit::AtLeast(limit)),
            (None, Some(high), Some(low)) => Ok(Limit::Between(low, high)),
            _ => Err(Problem::at(
                self.place(),
                "a criterion needs one limit: 'below', 'at-most', 'at-least', or the last two together",
            )),
        }
    }

    fn window(&self) -> Result<Window, Problem> {
        let stage = match self.field("stage")? {
            None => None,
            Some((entry, text)) => Some(
                text.parse::<u32>()
                    .map_err(|_| must_be(entry, "'stage'", "the number of a stage, from 1"))?,
            ),
        };
        match (self.duration("from")?, self.duration("to")?, stage) {
            (None, None, None) => Ok(Window::Whole),
            (Some(from), None, None) => Ok(Window::After(from)),
            (from, Some(to), None) => Ok(Window::During(from.unwrap_or_default(), to)),
            (None, None, Some(stage)) => Ok(Window::Stage(stage)),
            (_, _, Some(_)) => Err(Problem::at(
                self.place(),
                "'stage' is a window already, remove 'from' and 'to' or the stage",
            )),
        }
    }

    fn location(&self) -> SourceLocation {
        match &self.origin {
            Origin::File { path, line, column } => {
                SourceLocation { file: path.clone(), line: *line as u32, column: *column as u32 }
            }
            Origin::Environment | Origin::Flag | Origin::Given { .. } => {
                SourceLocation { file: "criteria".to_owned(), line: 1, column: 1 }
            }
        }
    }
}

fn of_step(text: &str) -> Option<(&'static Measure, Statistic)> {
    let (name, figure) = match text.split_once('.') {
        Some((name, figure)) => (name, Some(figure)),
        None => (text, None),
    };
    let measure = OF_STEPS.iter().find(|measure| measure.name == name)?;
    let statistic = match figure {
        None if !measure.distribution => Statistic::Value,
        Some(figure) if measure.distribution => statistic(figure)?,
        _ => return None,
    };
    Some((measure, statistic))
}

/// A figure of a distribution: `p95`, `mean`.
fn statistic(figure: &str) -> Option<Statistic> {
    let named = STATISTICS.iter().find(|(name, _)| *name == figure).map(|(_, statistic)| *statistic);
    named.or_else(|| percentile(figure))
}

fn percentile(figure: &str) -> Option<Statistic> {
    figure.strip_prefix('p')?.parse().ok().map(Statistic::Percentile)
}

fn of_meter(text: &str) -> Option<(Quantity, Statistic, Unit)> {
    if let Some((TIME, figure)) = text.split_once('.') {
        return Some((Quantity::Time, statistic(figure)?, Unit::Duration));
    }
    let named = OF_METERS.iter().find(|(name, ..)| *name == text);
    named
        .map(|(_, quantity, statistic, unit, _)| (*quantity, *statistic, *unit))
        .or_else(|| Some((Quantity::Value, percentile(text)?, Unit::Number)))
}

/// Measures of meters as one might write them.
fn names_of_meter_measures() -> Vec<String> {
    let times = FIGURES.map(|figure| format!("{TIME}{figure}"));
    let percentiles = ["p95", "p50", "p99"].map(str::to_owned);
    OF_METERS.iter().map(|(name, ..)| (*name).to_owned()).chain(percentiles).chain(times).collect()
}

/// What may follow a distribution, as one might write it.
const FIGURES: [&str; 6] = [".p95", ".p50", ".p99", ".mean", ".min", ".max"];

/// Measures of steps as one might write them.
fn names_of_step_measures() -> Vec<String> {
    let names = OF_STEPS.iter().flat_map(|measure| {
        let figures: &[&str] = if measure.distribution { &FIGURES } else { &[""] };
        figures.iter().map(|figure| format!("{}{figure}", measure.name))
    });
    names.collect()
}

fn unknown_measure<'a>(
    entry: &Entry,
    measure: &str,
    of: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    Problem::at(entry.place(), format_args!("{of} have no measure '{measure}', {}", hint(measure, known)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::scenario;
    use crate::{Environment, Sources};
    use qalipsis_model::criterion::{Durations, NumberFigure};
    use qalipsis_model::description::MeterDescription;
    use qalipsis_model::measured::MeterKind;
    use qalipsis_profile::profile::{Profile, Stage};

    fn checkout() -> ScenarioDescription {
        let mut checkout = scenario("checkout");
        let secs = Duration::from_secs;
        checkout.profile = Profile::stages([Stage::percent(100).total(secs(60))]);
        let meter = |(name, kind): (&str, MeterKind)| MeterDescription {
            name: name.into(),
            kind,
            unit: String::new(),
            description: String::new(),
        };
        checkout.meters = [
            ("baskets", MeterKind::Counter),
            ("payment", MeterKind::Timer),
            ("amount", MeterKind::Summary),
            ("accepted", MeterKind::Rate),
        ]
        .map(meter)
        .to_vec();
        checkout.criteria = vec![
            Durations::of("place", Quantity::ResponseTime).p(95).below(Duration::from_millis(130)),
            NumberFigure::of("place", Quantity::Count).at_least(100),
            NumberFigure::of("place", Quantity::ErrorRate).at_most(0.01),
        ];
        checkout
    }

    /// The criteria of a campaign with this file, each with the place where it is written when that is the file.
    fn planned(yaml: &str, pairs: &[&str]) -> Result<Vec<String>, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("qalipsis.yml"), yaml).unwrap();
        let sources = Sources {
            directory: folder.path().to_owned(),
            pairs: pairs.iter().map(|pair| (*pair).to_owned()).collect(),
            environment: Environment::from([("LIMIT", "77ms")]),
            ..Sources::default()
        };
        let (settings, problems) = sources.read();
        let texts = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        if !problems.is_empty() {
            return Err(texts(problems));
        }
        let (checkout, other) = (checkout(), scenario("other"));
        let plan = settings.plan(&[&checkout, &other], &[&checkout], 1, "key".into()).map_err(texts)?;
        let shown = plan.scenarios[0].criteria.iter().map(|criterion| {
            let at = if criterion.location.file.ends_with(".yml") {
                format!(" ({}:{})", criterion.location.file, criterion.location.line)
            } else {
                String::new()
            };
            let abort =
                criterion.abort_after.map_or(String::new(), |after| format!(", abort {}", human(after)));
            format!("{criterion}{abort}{at}")
        });
        Ok(shown.collect())
    }

    fn refused(item: &str) -> String {
        let problems = planned(&format!("criteria:\n  - {item}\n"), &[]).unwrap_err();
        assert_eq!(problems.len(), 1, "{item}: {problems:?}");
        problems.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn criteria_are_added_and_replace_those_of_the_same_measure() {
        let yaml = "\
criteria:
  - scenario: checkout
    step: place
    measure: response-time.p95
    below: ${LIMIT}
  - {scenario: checkout, step: place, measure: count, at-most: 500}
  - {scenario: checkout, step: place, measure: error-rate, below: 0.5%, from: 10s}
  - {scenario: checkout, step: place, measure: throughput, at-least: 5/s, from: 10s, to: 50s, abort-on-breach: 3s}
  - {scenario: checkout, meter: lag, measure: drain, at-most: 30s}
  - {scenario: checkout, meter: lag, measure: max, at-least: -5, at-most: 1e3, stage: 1, zone: eu}
  - {scenario: checkout, meter: payment, measure: time.p99, below: 80ms}
  - {scenario: checkout, meter: amount, measure: p50, at-most: 9.5}
  - {scenario: checkout, meter: accepted, measure: rate, at-least: 99%}
  - {scenario: checkout, meter: baskets, measure: total, at-least: 1000}
  - {scenario: checkout, meter: baskets, measure: throughput, at-least: 20/s}
  - {scenario: checkout, meter: payment, measure: count, at-least: 1}
  - {scenario: other, step: place, measure: late, at-most: 0}
";
        assert_eq!(
            planned(yaml, &["factory.zone=eu"]).unwrap(),
            [
                "place response time p95 below 77 ms (qalipsis.yml:2)",
                "place count at least 100",
                "place error rate at most 1 %",
                "place count at most 500 (qalipsis.yml:6)",
                "place error rate after 10 s below 0.5 % (qalipsis.yml:7)",
                "place throughput from 10 s to 50 s at least 5 per s, abort 3 s (qalipsis.yml:8)",
                "lag time to drain at most 30 s (qalipsis.yml:9)",
                "lag value max in stage 1 in zone eu between -5 and 1000 (qalipsis.yml:10)",
                "payment time p99 below 80 ms (qalipsis.yml:11)",
                "amount value p50 at most 9.5 (qalipsis.yml:12)",
                "accepted rate at least 99 % (qalipsis.yml:13)",
                "baskets total at least 1000 (qalipsis.yml:14)",
                "baskets throughput at least 20 per s (qalipsis.yml:15)",
                "payment count at least 1 (qalipsis.yml:16)",
            ]
        );
    }

    #[test]
    fn both_sides_replace_whatever_bounds_the_measure() {
        let yaml = "\
criteria:
- {scenario: checkout, step: place, measure: count, at-most: 500}
- {scenario: checkout, step: place, measure: count, at-least: 5, at-most: 10}
";
        assert_eq!(
            planned(yaml, &[]).unwrap()[1..],
            ["place count between 5 and 10 (qalipsis.yml:3)", "place error rate at most 1 %"]
        );
    }

    #[test]
    fn what_is_wrong_names_the_place_and_the_nearest() {
        for (item, expected) in [
            (
                "{scenario: chekcout, step: place, measure: count, below: 1}",
                "qalipsis.yml:2:6: a criterion is on the unknown scenario 'chekcout', did you mean 'checkout'?",
            ),
            (
                "{scenario: checkout, step: plaec, measure: count, below: 1}",
                "qalipsis.yml:2:5: scenario 'checkout': a criterion is on the unknown step 'plaec', did you mean \
                 'place'?",
            ),
            (
                "{scenario: other, step: plaec, measure: count, below: 1}",
                "qalipsis.yml:2:5: scenario 'other': a criterion is on the unknown step 'plaec', did you mean \
                 'place'?",
            ),
            (
                "{scenario: checkout, step: place, measure: respons-time.p95, below: 1s}",
                "qalipsis.yml:2:39: steps have no measure 'respons-time.p95', did you mean 'response-time.p95'?",
            ),
            (
                "{scenario: checkout, step: place, measure: count.p95, below: 1}",
                "qalipsis.yml:2:39: steps have no measure 'count.p95', did you mean 'count'?",
            ),
            (
                "{scenario: checkout, meter: lag, measure: drains, below: 1s}",
                "qalipsis.yml:2:38: meters have no measure 'drains', did you mean 'drain'?",
            ),
            (
                "{scenario: checkout, meter: payment, measure: time, below: 1s}",
                "qalipsis.yml:2:42: meters have no measure 'time', did you mean 'time.max'?",
            ),
            (
                "{scenario: checkout, meter: payment, measure: p95, below: 1}",
                "qalipsis.yml:2:5: scenario 'checkout': the criterion 'payment value p95 below 1' does not fit its \
                 meter, which is a timer: it has time (percentiles, mean, min, max) and a count",
            ),
            (
                "{scenario: checkout, meter: basket, measure: total, below: 1}",
                "qalipsis.yml:2:5: scenario 'checkout': the criterion 'basket total below 1' is on an unknown meter, \
                 did you mean 'baskets'?",
            ),
            (
                "{scenario: checkout, step: place, measure: response-time.p95, below: 130}",
                "qalipsis.yml:2:67: 'below' must be a duration with its unit, for example 250ms, 1.5s, 2m or 1h, it \
                 is '130'",
            ),
            (
                "{scenario: checkout, step: place, measure: error-rate, at-most: few}",
                "qalipsis.yml:2:60: 'at-most' must be a share, for example 1% or 0.01, it is 'few'",
            ),
            (
                "{scenario: checkout, step: place, measure: count}",
                "qalipsis.yml:2:5: a criterion needs one limit: 'below', 'at-most', 'at-least', or the last two \
                 together",
            ),
            (
                "{scenario: checkout, step: place, measure: count, below: 1, at-least: 0}",
                "qalipsis.yml:2:5: a criterion needs one limit: 'below', 'at-most', 'at-least', or the last two \
                 together",
            ),
            (
                "{scenario: checkout, measure: count, below: 1}",
                "qalipsis.yml:2:5: a criterion is on a step or on a meter, give exactly one of them",
            ),
            (
                "{step: place, measure: count, below: 1}",
                "qalipsis.yml:2:5: this criterion has no 'scenario', which must be given",
            ),
            (
                "{scenario: checkout, step: place, mesure: count, below: 1}",
                "qalipsis.yml:2:39: a criterion has no field 'mesure', did you mean 'measure'?",
            ),
            (
                "{scenario: checkout, step: place, measure: count, below: 9, stage: 2}",
                "qalipsis.yml:2:5: scenario 'checkout': the criterion 'place count in stage 2 below 9' is on an \
                 unknown stage, the profile has stages 1 to 1",
            ),
            (
                "{scenario: checkout, step: place, measure: count, below: 9, stage: 1, from: 1s}",
                "qalipsis.yml:2:5: 'stage' is a window already, remove 'from' and 'to' or the stage",
            ),
            (
                "{scenario: checkout, step: place, measure: count, below: 9, zone: mars}",
                "qalipsis.yml:2:5: scenario 'checkout': the criterion 'place count in zone mars below 9' is on the \
                 unknown zone 'mars', no factory has a zone, set factory.zone",
            ),
            (
                "{scenario: checkout, step: place, measure: count, below: '${NOT_SET}'}",
                "qalipsis.yml:2:55: environment variable NOT_SET is not set, set it or write $${ for a literal ${",
            ),
            (
                "place",
                "qalipsis.yml:2:5: an item of 'criteria' must be a map of fields, for example 'step: place'",
            ),
        ] {
            assert_eq!(refused(item), expected, "{item}");
        }
        assert_eq!(
            planned("criteria:\n  scenario: checkout\n", &[]).unwrap_err(),
            ["qalipsis.yml:1:1: 'criteria' must be a list, with '- ' before each item"]
        );
        assert_eq!(
            planned(
                "criteria:\n- {scenario: checkout, step: place, measure: count, below: 9, from: 30s}\n",
                &["campaign.timeout=20s"]
            )
            .unwrap_err(),
            [
                "qalipsis.yml:2:3: scenario 'checkout': the window of the criterion 'place count after 30 s below 9' \
                 begins after the campaign was stopped, at 20 s (campaign.timeout)"
            ]
        );
    }

    #[test]
    fn a_list_may_be_empty() {
        assert_eq!(planned("criteria:\n", &[]).unwrap().len(), 3);
        assert_eq!(planned("criteria: []\n", &[]).unwrap().len(), 3);
    }
}
