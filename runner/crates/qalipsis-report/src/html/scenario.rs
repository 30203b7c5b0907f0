//! The section of one scenario.

use super::{Room, evidence_of, step, zones};
use crate::controls;
use crate::gaps;
use crate::ledger;
use crate::markup::{self, paragraph, text};
use crate::measured;
use crate::text::{counted, number, one_line};
use crate::times::{self, Measure, PERCENTILES};
use maud::{Markup, Render as _, html};
use qalipsis_chart::{Band, Distribution, Durations, Line, Marker, Marks, TimeChart, Unit};
use qalipsis_judge::report::{Outcome, Report, ScenarioReport, StepReport};
use qalipsis_model::control::{self, Pause};
use qalipsis_model::criterion::{Criterion, Limit, Quantity, Subject};
use qalipsis_model::duration::human_ns;
use qalipsis_model::evidence::{Evidence, FailureKind};
use qalipsis_model::histogram::Histogram;
use qalipsis_model::join::{Gap, JoinFigures};
use qalipsis_model::measured::Measured;
use qalipsis_model::meter::MeterFigures;
use qalipsis_model::timestamp::Timestamp;

pub(super) fn section(report: &Report, scenario: &ScenarioReport, index: usize, room: &mut Room) -> Markup {
    let mut facts = vec![
        format!("{} of {} released", number(scenario.released), counted(scenario.minions, "minion")),
        scenario.profile.clone(),
        counted(scenario.iterations.executions(), "iteration"),
    ];
    if !scenario.zones.is_empty() {
        facts.push(format!("zones {}", scenario.zones.join(", ")));
    }
    let mut bands = paused(report);
    bands.extend(unread(report.started, scenario));
    let markers = markers(report);
    let marks = Marks { bands: &bands, markers: &markers, ..Marks::default() };
    html! {
        section id={ "scenario-" (index) } {
            h2 { (text(&format!("Scenario {}", scenario.name))) }
            (paragraph("", &scenario.description))
            (paragraph("dim", &facts.join(" · ")))
            (load(scenario, marks))
            (steps(scenario, index))
            (zones::section(scenario))
            @for join in &scenario.joins { (joined(scenario, join, room)) }
            (meters(report, scenario, marks))
            (measured(scenario))
            (criteria(scenario))
            (step::times(scenario, index, marks))
            (generator(scenario))
        }
    }
}

fn load(scenario: &ScenarioReport, marks: Marks<'_>) -> Markup {
    let timeline = &scenario.timeline;
    let width = timeline.width.as_secs_f64();
    // One point is no course.
    if timeline.executions.len() < 2 {
        return html! {};
    }
    let at = |index: usize| (index as f64 + 0.5) * width;
    let per_second = |counts: &[u64]| -> Vec<(f64, Option<f64>)> {
        counts.iter().enumerate().map(|(i, n)| (at(i), Some(*n as f64 / width))).collect()
    };
    let executions = [
        Line { name: "executions", class: "a", points: per_second(&timeline.executions) },
        Line { name: "failures", class: "bad", points: per_second(&timeline.failures) },
    ];
    let active = timeline.active.iter().enumerate().map(|(i, n)| (at(i), Some(*n as f64))).collect();
    let minions = [Line { name: "active", class: "b", points: active }];
    html! {
        div.charts {
            (TimeChart { title: "Executions over time", lines: &executions, marks, unit: Unit::Number("/s") })
            (TimeChart { title: "Minions over time", lines: &minions, marks, unit: Unit::Number("") })
        }
    }
}

/// When the load was paused.
fn paused(report: &Report) -> Vec<Band> {
    let since = |at: Timestamp| at.since(report.started).as_secs_f64();
    let one = |pause: &Pause| Band {
        from: since(pause.from),
        to: pause.until.map(since),
        label: format!("paused {}", controls::pause(pause)),
        class: "pause",
        key: "paused",
    };
    report.controls.pauses.iter().map(one).collect()
}

/// The instants that users marked.
fn markers(report: &Report) -> Vec<Marker> {
    let one = |marker: &control::Marker| Marker {
        at: marker.at.since(report.started).as_secs_f64(),
        label: one_line(&marker.label),
    };
    report.controls.markers.iter().map(one).collect()
}

/// When sources could not be read, with the line that says so.
fn unread(started: Timestamp, scenario: &ScenarioReport) -> Vec<Band> {
    let since = |at: Timestamp| at.since(started).as_secs_f64();
    let of = |join: &JoinFigures| -> Vec<Band> {
        let one = |gap: &Gap| Band {
            from: since(gap.from),
            to: gap.to.map(since),
            label: one_line(&format!("{} {}", join.name, gaps::gap(gap))),
            class: "gap",
            key: "a source could not be read",
        };
        join.gaps.iter().map(one).collect()
    };
    scenario.joins.iter().flat_map(of).collect()
}

pub(super) fn class_of(step: &StepReport) -> Option<&'static str> {
    match step {
        _ if step.headline.is_some() => Some("bad"),
        // Its failures only say what another cause says.
        _ if step.skipped || step.cause.is_some() => Some("dim"),
        _ => None,
    }
}

/// The head of a table of numbers. A table that goes on over the page repeats it on paper.
pub fn heads(titles: &[&str]) -> Markup {
    html! {
        thead {
            tr {
                @for (index, title) in titles.iter().enumerate() {
                    th class=[(index > 0).then_some("number")] { (text(title)) }
                }
            }
        }
    }
}

/// Cells of these percentiles and of the maximum.
pub fn percentiles(histogram: &Histogram, percentiles: &[f64]) -> Markup {
    let shown = percentiles.iter().map(|percent| histogram.percentile_ns(*percent));
    html! {
        @for ns in shown.chain([histogram.max_ns()]) { (time(ns)) }
    }
}

/// A cell of a duration.
pub fn time(ns: Option<u64>) -> Markup {
    markup::number(&ns.map_or_else(|| "–".to_owned(), human_ns))
}

fn steps(scenario: &ScenarioReport, index: usize) -> Markup {
    if scenario.steps.is_empty() {
        return html! {};
    }
    let flaky = scenario.steps.iter().any(|step| step.figures.flaky > 0);
    let tolerated = scenario.steps.iter().any(|step| step.tolerated.is_some());
    let mut titles = vec!["step", "executions", "failed"];
    titles.extend(tolerated.then_some("of these tolerated"));
    titles.extend(flaky.then_some("flaky"));
    titles.extend(["minions failed", "time", "p50", "p95", "p99", "max", "service p95"]);
    let cells = |step: &StepReport| {
        let figures = &step.figures;
        let mut counts = vec![figures.executions(), figures.failures()];
        counts.extend(tolerated.then(|| step.tolerated_executions()));
        counts.extend(flaky.then_some(figures.flaky));
        counts.push(figures.failed_minions);
        let measure = Measure::of(figures);
        let service = figures.service().percentile_ns(95.0).filter(|_| measure == Measure::Response);
        html! {
            @for count in counts { (markup::number(&number(count))) }
            (markup::number(measure.short()))
            (percentiles(&figures.times_shown(), &PERCENTILES))
            (time(service))
        }
    };
    html! {
        h3 id={ "steps-" (index) } { "Steps" }
        div.wide {
            table {
                (heads(&titles))
                tbody data-ordered="" {
                    @for step in &scenario.steps {
                        tr class=[class_of(step)] {
                            td { (text(&step.name)) }
                            @if step.skipped {
                                td colspan=(titles.len() - 1) { (text(&measured::never_executed(step))) }
                            } @else {
                                (cells(step))
                            }
                        }
                    }
                }
            }
        }
        (paragraph("dim", times::LEGEND))
        @if flaky { (paragraph("dim", "Flaky executions succeeded only after a retry.")) }
    }
}

fn joined(scenario: &ScenarioReport, join: &JoinFigures, room: &mut Room) -> Markup {
    let facts: Vec<String> = [ledger::records_line(join)].into_iter().chain(ledger::remarks(join)).collect();
    let cells = |step: &StepReport| {
        let figures = &step.figures;
        let late = figures.of_kind(FailureKind::JoinLate);
        let missing = figures.of_kind(FailureKind::JoinMissing);
        let matched = figures.latency.as_deref().map_or(0, Histogram::count);
        html! {
            tr class=[class_of(step)] {
                td { (text(&step.name)) }
                @for count in [matched, late, missing] { (markup::number(&number(count))) }
                (percentiles(&figures.arrivals(), &PERCENTILES))
            }
        }
    };
    html! {
        h3 { (text(&format!("Join with {}", join.name))) }
        (paragraph("", &ledger::keys_line(join)))
        (paragraph("dim", &facts.join(" · ")))
        @for line in gaps::lines(join) { (paragraph("gap", &line)) }
        (unexpected(scenario, join, room))
        div.wide {
            table {
                (heads(&["awaited by", "matched", "late", "missing", "latency p50", "p95", "p99", "max"]))
                @for step in join.steps.iter().filter_map(|index| scenario.steps.get(*index as usize)) {
                    (cells(step))
                }
            }
        }
    }
}

/// Records that warn: duplicates and those that no minion expected.
fn unexpected(scenario: &ScenarioReport, join: &JoinFigures, room: &mut Room) -> Markup {
    let ours: Vec<&Evidence> =
        scenario.join_evidence.iter().filter(|one| one.source.as_ref() == Some(&join.name)).collect();
    html! {
        @if !ours.is_empty() {
            details {
                summary { (text(&format!("evidence of {} that warn", counted(ours.len() as u64, "record")))) }
                @for one in ours { (evidence_of(one, room)) }
            }
        }
    }
}

fn meters(report: &Report, scenario: &ScenarioReport, marks: Marks<'_>) -> Markup {
    if scenario.meters.is_empty() {
        return html! {};
    }
    let drawn = |name: &str, meter: &MeterFigures| {
        let at = |at: Timestamp| at.since(report.started).as_secs_f64();
        let points = meter.series.iter().map(|(when, value)| (at(*when), Some(*value))).collect();
        let gauge = one_line(&meter.gauge);
        let lines = [Line { name: &gauge, class: "b", points }];
        let title = if meter.unit.is_empty() { name.to_owned() } else { format!("{name} ({})", meter.unit) };
        let limits = limits(scenario, name);
        let marks = Marks { limits: &limits, ..marks };
        TimeChart { title: &one_line(&title), lines: &lines, marks, unit: Unit::Number("") }.render()
    };
    html! {
        h3 { "Watched values" }
        div.charts {
            @for (name, meter) in &scenario.meters {
                div.step {
                    (drawn(name, meter))
                    @if meter.failures > 0 {
                        @let why = meter.last_failure.as_deref().unwrap_or_default();
                        (paragraph("bad", &format!("{} failed: {why}", counted(meter.failures, "reading"))))
                    }
                }
            }
        }
    }
}

/// What the scenario measured itself.
fn measured(scenario: &ScenarioReport) -> Markup {
    if scenario.measured.is_empty() {
        return html! {};
    }
    let timers = scenario.measured.iter().filter_map(|meter| match &meter.figures {
        Some(Measured::Timer(times)) => Some((&meter.name, times)),
        _ => None,
    });
    html! {
        h3 { "Meters" }
        div.wide {
            table {
                thead { tr { th { "meter" } th { "kind" } th { "figures" } th {} } }
                @for meter in &scenario.measured {
                    tr {
                        @for cell in [&meter.name, meter.kind.name(), &measured::facts(meter), &meter.description] {
                            td { (text(cell)) }
                        }
                    }
                }
            }
        }
        div.charts {
            @for (name, times) in timers.take(step::DRAWN) {
                @let filled = [Durations { name: "time", class: "c", times }];
                (Distribution { title: &one_line(name), filled: &filled, outlined: None })
            }
        }
    }
}

/// The limits on the values of a meter.
fn limits(scenario: &ScenarioReport, meter: &str) -> Vec<qalipsis_chart::Limit> {
    let subject = Subject::Meter(meter.to_owned());
    limits_of(scenario, |one| one.quantity == Quantity::Value && one.subject == subject)
}

/// The limits of some criteria.
pub(super) fn limits_of(
    scenario: &ScenarioReport,
    is_wanted: impl Fn(&Criterion) -> bool,
) -> Vec<qalipsis_chart::Limit> {
    let criteria = scenario.criteria.iter().map(|one| &one.criterion);
    criteria
        .filter(|criterion| is_wanted(criterion))
        .flat_map(|criterion| {
            let values = match criterion.limit {
                Limit::Below(value) | Limit::AtMost(value) | Limit::AtLeast(value) => vec![value],
                Limit::Between(low, high) => vec![low, high],
            };
            let of = |value| qalipsis_chart::Limit { label: one_line(&criterion.rule()), value };
            values.into_iter().map(of)
        })
        .collect()
}

fn criteria(scenario: &ScenarioReport) -> Markup {
    if scenario.criteria.is_empty() {
        return html! {};
    }
    let class = |outcome: &Outcome| match outcome {
        Outcome::Met => None,
        Outcome::Breached => Some("bad"),
        // What follows from a failure is no failure of its own.
        Outcome::NotJudged { .. } | Outcome::Repeats { .. } => Some("dim"),
    };
    html! {
        h3 { "Criteria" }
        div.wide {
            table {
                thead { tr { th { "criterion" } th.number { "observed" } th { "outcome" } } }
                @for one in &scenario.criteria {
                    tr class=[class(&one.outcome)] {
                        td { (text(&format!("{}: {}", one.criterion.subject.name(), one.criterion.rule()))) }
                        (markup::number(&one.observed_text()))
                        td { (text(&measured::outcome(one))) }
                    }
                }
            }
        }
    }
}

/// Whether the figures can be trusted.
fn generator(scenario: &ScenarioReport) -> Markup {
    let lag = &scenario.release_lag;
    if lag.is_empty() {
        return html! {};
    }
    let shown = |percent: f64| lag.percentile_ns(percent).map_or_else(String::new, human_ns);
    let max = lag.max_ns().map_or_else(String::new, human_ns);
    let sentence = format!(
        "Minions were released {} late in the middle, {} at the 99th percentile, {max} at most; {} of {} ended.",
        shown(50.0),
        shown(99.0),
        number(scenario.ended),
        number(scenario.released),
    );
    html! {
        h3 { "The load generator itself" }
        (paragraph("", &sentence))
        @let filled = [Durations { name: "lag", class: "c", times: lag }];
        div.charts { (Distribution { title: "Release lag", filled: &filled, outlined: None }) }
    }
}
