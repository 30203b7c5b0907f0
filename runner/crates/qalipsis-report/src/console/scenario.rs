//! The figures of one scenario.

use super::page::Page;
use super::style::{Mark, Paint, Style};
use super::table::{Column, Table};
use crate::gaps;
use crate::ledger;
use crate::measured;
use crate::text::{counted, number};
use crate::times::Measure;
use crate::zones;
use qalipsis_judge::report::{Outcome, Report, ScenarioReport, StepReport};
use qalipsis_model::duration::human_ns;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::join::JoinFigures;
use qalipsis_model::timestamp::Timestamp;

/// Service times are shown as well when the p95 of the response times is more than this above theirs.
const WORTH_SHOWING: f64 = 1.05;

pub(super) fn show(page: &mut Page, report: &Report, scenario: &ScenarioReport) {
    page.gap();
    header(page, report, scenario);
    steps(page, scenario);
    for join in &scenario.joins {
        source(page, scenario, join);
    }
    meters(page, scenario);
    measured(page, scenario);
    criteria(page, scenario);
}

fn header(page: &mut Page, report: &Report, scenario: &ScenarioReport) {
    let failed = report.reasons.iter().any(|r| r.scenario.as_deref() == Some(scenario.name.as_str()));
    let mark = match failed {
        true => Mark::Failed,
        // What was not judged has not passed.
        false if scenario.released == 0 || unjudged(scenario) => Mark::Skipped,
        false => Mark::Passed,
    };
    let mut facts = vec![
        if scenario.released == scenario.minions {
            format!("{} {}", counted(scenario.minions, "minion"), scenario.profile)
        } else {
            format!(
                "{} of {} released, {}",
                number(scenario.released),
                counted(scenario.minions, "minion"),
                scenario.profile
            )
        },
        counted(scenario.iterations.executions(), "iteration"),
    ];
    if scenario.dropped > 0 {
        facts.push(format!("{} dropped", counted(scenario.dropped, "minion")));
    }
    if let Some(lag) = scenario.release_lag.percentile_ns(99.0) {
        facts.push(format!("release lag p99 {}", human_ns(lag)));
    }
    match scenario.zones.as_slice() {
        [] => {}
        [one] => facts.push(format!("zone {one}")),
        several => facts.push(format!("zones {}", several.join(", "))),
    }
    page.headed(mark, &format!("scenario {}", scenario.name), Paint::Strong, "");
    page.detail(Paint::Plain, &facts.join("; "));
    for line in zones::untold(scenario) {
        page.detail(Paint::Strong, &line);
    }
}

fn steps(page: &mut Page, scenario: &ScenarioReport) {
    if scenario.steps.is_empty() {
        return;
    }
    let cancelled = scenario.steps.iter().any(|s| s.figures.cancelled > 0);
    let flaky = scenario.steps.iter().any(|s| s.figures.flaky > 0);
    let tolerated = scenario.steps.iter().any(|s| s.tolerated.is_some());
    let mut columns =
        vec![Column { title: "executions", expendable: 0 }, Column { title: "failed", expendable: 0 }];
    for (there, title) in [(tolerated, "tolerated"), (flaky, "flaky"), (cancelled, "cancelled")] {
        if there {
            columns.push(Column { title, expendable: 5 });
        }
    }
    let counts = columns.len();
    columns.push(Column { title: "time", expendable: 0 });
    columns.extend(times_columns());
    let mut table = Table::new("step", columns);
    for step in &scenario.steps {
        if step.skipped {
            table.remark(Mark::Skipped, step.name.clone(), measured::never_executed(step));
            continue;
        }
        let figures = &step.figures;
        let failures = figures.failures();
        let counted = |count: u64, paint| (number(count), if count > 0 { paint } else { Paint::Plain });
        let failed = if step.tolerated.is_some() { Paint::Warning } else { Paint::Bad };
        let mut cells = vec![plain(number(figures.executions())), counted(failures, failed)];
        if tolerated {
            cells.push(counted(step.tolerated_executions(), Paint::Warning));
        }
        if flaky {
            cells.push(counted(figures.flaky, Paint::Warning));
        }
        if cancelled {
            cells.push(plain(number(figures.cancelled)));
        }
        let (measure, shown) = (Measure::of(figures), figures.times_shown());
        cells.push(plain(measure.short().to_owned()));
        cells.extend(times(&shown));
        table.row(mark_of(step), step.name.clone(), cells);

        let service = figures.service();
        if measure == Measure::Response && differs(&service, &shown) {
            let mut cells = vec![plain(String::new()); counts];
            cells.push(plain(Measure::Service.short().to_owned()));
            cells.extend(times(&service));
            table.row(Mark::None, String::new(), cells);
        }
    }
    page.table(&table);
}

fn unjudged(scenario: &ScenarioReport) -> bool {
    scenario.steps.iter().any(|step| step.cause.is_some())
        || scenario.criteria.iter().any(|criterion| criterion.cause().is_some())
}

fn mark_of(step: &StepReport) -> Mark {
    if step.headline.is_some() {
        Mark::Failed
    } else if step.figures.executions() == 0 || step.cause.is_some() {
        Mark::Skipped
    } else {
        Mark::Passed
    }
}

fn differs(service: &Histogram, response: &Histogram) -> bool {
    match (service.percentile_ns(95.0), response.percentile_ns(95.0)) {
        (Some(service), Some(response)) => response as f64 > service as f64 * WORTH_SHOWING,
        _ => false,
    }
}

fn source(page: &mut Page, scenario: &ScenarioReport, join: &JoinFigures) {
    page.gap();
    let remarks = [ledger::records_line(join)].into_iter().chain(ledger::remarks(join));
    page.detail(Paint::Plain, &format!("{}: {}", join.name, remarks.collect::<Vec<_>>().join("; ")));
    // The latencies are in the table of steps.
    let awaiting = join.steps.iter().filter_map(|index| scenario.steps.get(*index as usize));
    let names: Vec<&str> = awaiting.map(|step| step.name.as_str()).collect();
    if !names.is_empty() {
        page.detail(Paint::Plain, &format!("{}: {}", names.join(", "), ledger::keys_line(join)));
    }
    gaps::first_lines(join).iter().for_each(|line| page.detail(Paint::Warning, line));
}

fn meters(page: &mut Page, scenario: &ScenarioReport) {
    for (name, meter) in &scenario.meters {
        let (Some(max), Some(last)) = (meter.max, meter.last()) else { continue };
        let unit = if meter.unit.is_empty() { String::new() } else { format!(" {}", meter.unit) };
        let peak = meter.series.iter().find(|(_, value)| *value == max);
        let peak = peak.map_or_else(String::new, |(at, _)| format!(" at {}", at.time_of_day()));
        let mut facts = format!("max {}{unit}{peak}, last {}{unit}", decimal(max), decimal(last));
        if let Some(from) = scenario.last_started
            && last < max
            && let Some(at) = meter.drained_at(from)
        {
            facts.push_str(&format!(
                ", drained {} after the last iteration began",
                human_ns(at.since(from).as_nanos() as u64)
            ));
        }
        page.gap();
        page.detail(Paint::Plain, &format!("meter {name}, {}: {facts}", meter.gauge));
        let line = sparkline(page.style(), &meter.series, max);
        page.detail(Paint::Plain, &line);
    }
}

fn measured(page: &mut Page, scenario: &ScenarioReport) {
    if !scenario.measured.is_empty() {
        page.gap();
    }
    for meter in &scenario.measured {
        page.detail(Paint::Plain, &format!("{}: {}", measured::title(meter), measured::facts(meter)));
    }
}

/// The series in one line, each sign the largest value of its time.
fn sparkline(style: Style, series: &[(Timestamp, f64)], max: f64) -> String {
    let signs: Vec<char> = if style.unicode { "▁▂▃▄▅▆▇█" } else { "_.-~=+*#" }.chars().collect();
    let columns = series.len().min(style.columns() - 4).max(1);
    let sign = |value: f64| {
        let share = if max > 0.0 { (value / max).clamp(0.0, 1.0) } else { 0.0 };
        signs[(share * (signs.len() - 1) as f64).round() as usize]
    };
    (0..columns)
        .map(|column| {
            let (from, to) = (column * series.len() / columns, (column + 1) * series.len() / columns);
            sign(series[from..to].iter().map(|(_, value)| *value).fold(0.0, f64::max))
        })
        .collect()
}

fn decimal(value: f64) -> String {
    if value.fract() == 0.0 && value >= 0.0 { number(value as u64) } else { format!("{value:.2}") }
}

fn criteria(page: &mut Page, scenario: &ScenarioReport) {
    if scenario.criteria.is_empty() {
        return;
    }
    page.gap();
    let mut table = Table::new("criterion", vec![Column { title: "observed", expendable: 0 }]);
    for criterion in &scenario.criteria {
        let (mark, paint) = match &criterion.outcome {
            Outcome::Met => (Mark::Passed, Paint::Plain),
            // The cause is named above.
            Outcome::NotJudged { .. } | Outcome::Repeats { .. } => (Mark::Skipped, Paint::Dim),
            Outcome::Breached => (Mark::Failed, Paint::Bad),
        };
        table.row(mark, criterion.criterion.to_string(), vec![(criterion.observed_text(), paint)]);
    }
    page.table(&table);
}

fn times_columns() -> Vec<Column> {
    vec![
        Column { title: "p50", expendable: 2 },
        Column { title: "p95", expendable: 0 },
        Column { title: "p99", expendable: 3 },
        Column { title: "max", expendable: 1 },
    ]
}

/// The figures of [`times_columns`].
fn times(histogram: &Histogram) -> Vec<(String, Paint)> {
    crate::times::cells(histogram).map(plain).collect()
}

fn plain(text: String) -> (String, Paint) {
    (text, Paint::Plain)
}
