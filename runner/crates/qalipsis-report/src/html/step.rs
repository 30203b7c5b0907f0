//! How long each step took: charts of those that act and await, and a row of a table for each check.

use super::scenario::{class_of, heads, limits_of, percentiles};
use crate::markup::{self, paragraph, text};
use crate::text::{counted, number, one_line};
use crate::times::{Measure, PERCENTILES};
use maud::{Markup, Render as _, html};
use qalipsis_chart::{Distribution, Durations, Limit, Line, Marks, TimeChart, Unit, spark, spark_of};
use qalipsis_judge::report::{ScenarioReport, StepReport, StepTimeline};
use qalipsis_model::criterion::{Quantity, Subject};
use qalipsis_model::snapshot::StepKind;

/// Steps that are drawn, those that failed if not all can be: a page of hundreds would be too heavy for a phone.
pub(super) const DRAWN: usize = 100;

/// How many times longer than the longest execution a limit may be to be drawn: a farther one would leave a flat line.
const FARTHEST: f64 = 4.0;

/// A step with its index.
type Indexed<'a> = (usize, &'a StepReport);

/// The times of all steps, in the order of the scenario.
pub(super) fn times(scenario: &ScenarioReport, index: usize, marks: Marks<'_>) -> Markup {
    let mut steps: Vec<Indexed<'_>> =
        scenario.steps.iter().enumerate().filter(|(_, step)| step.figures.executions() > 0).collect();
    if steps.is_empty() {
        return html! {};
    }
    let more = steps.len().saturating_sub(DRAWN);
    if more > 0 {
        steps.sort_by_key(|(_, step)| step.headline.is_none());
        steps.truncate(DRAWN);
        steps.sort_by_key(|(index, _)| *index);
    }
    let (checks, acting): (Vec<_>, Vec<_>) =
        steps.into_iter().partition(|(_, step)| step.figures.kind == Some(StepKind::Verification));
    html! {
        h3 id={ "times-" (index) } { "Times" }
        @if !acting.is_empty() {
            div.charts data-ordered="" {
                @for (index, step) in &acting { (charts(scenario, *index, step, marks)) }
            }
        }
        @if !checks.is_empty() { (verifications(scenario, &checks)) }
        @if more > 0 { (paragraph("dim", &format!("{} more are in the table above.", counted(more as u64, "step")))) }
    }
}

/// The charts of a step, which are open and can be closed down to its name.
fn charts(scenario: &ScenarioReport, index: usize, step: &StepReport, marks: Marks<'_>) -> Markup {
    let class = if class_of(step) == Some("bad") { "step bad" } else { "step" };
    html! {
        details class=(class) open="" data-name=(text(&step.name)) {
            summary { (text(&step.name)) }
            (distribution(step))
            (over_time(scenario, index, step, marks))
        }
    }
}

/// Checks take nanoseconds: a row is enough to see one that does not.
fn verifications(scenario: &ScenarioReport, checks: &[Indexed<'_>]) -> Markup {
    let row = |(index, step): &Indexed<'_>| {
        let times = step.figures.response();
        let p95 = scenario
            .timeline
            .steps
            .get(*index)
            .map(|timeline| timeline.p95_ns.as_slice())
            .unwrap_or_default();
        let p95: Vec<_> = p95.iter().map(|ns| ns.map(|ns| ns as f64)).collect();
        html! {
            tr class=[class_of(step)] {
                td { (text(&step.name)) }
                (markup::number(&number(times.count())))
                (percentiles(&times, &PERCENTILES))
                td.number { (spark_of("how long it took, from the shortest to the longest", "a", &times)) }
                td.number { @if p95.len() > 1 { (spark("p95 over time", "b", &p95)) } }
            }
        }
    };
    html! {
        h4 { (counted(checks.len() as u64, "verification")) ": how long the checks took" }
        div.wide {
            table.checks {
                (heads(&["verification", "executions", "p50", "p95", "p99", "max", "distribution", "p95 over time"]))
                tbody data-ordered="" { @for check in checks { (row(check)) } }
            }
        }
    }
}

/// Of a join the latencies, of any other step both times.
fn distribution(step: &StepReport) -> Markup {
    let figures = &step.figures;
    if Measure::of(figures) == Measure::Latency {
        let (latency, late) = (figures.latency.as_deref(), figures.late.as_deref());
        let (latency, late) = (latency.cloned().unwrap_or_default(), late.cloned().unwrap_or_default());
        let filled = [
            Durations { name: "latency in time", class: "c", times: &latency },
            Durations { name: "late", class: "bad", times: &late },
        ];
        let title = format!("{}: from trigger to arrival", step.name);
        return Distribution { title: &one_line(&title), filled: &filled, outlined: None }.render();
    }
    let (response, service) = (figures.response(), figures.service());
    let filled = [Durations { name: "response time", class: "a", times: &response }];
    let outlined = Some(Durations { name: "service time", class: "b", times: &service });
    Distribution { title: &one_line(&step.name), filled: &filled, outlined }.render()
}

fn over_time(scenario: &ScenarioReport, index: usize, step: &StepReport, marks: Marks<'_>) -> Markup {
    let width = scenario.timeline.width.as_secs_f64();
    // One point is no course.
    let has_course = |one: &&StepTimeline| one.max_ns.iter().flatten().count() > 1;
    let Some(timeline) = scenario.timeline.steps.get(index).filter(has_course) else { return html! {} };
    let line = |name, class, values: &[Option<u64>]| Line {
        name,
        class,
        points: values
            .iter()
            .enumerate()
            .map(|(i, ns)| ((i as f64 + 0.5) * width, ns.map(|ns| ns as f64)))
            .collect(),
    };
    let lines = [
        line("max", "c", &timeline.max_ns),
        line("p95", "a", &timeline.p95_ns),
        line("p50", "b", &timeline.p50_ns),
    ];
    let measure = Measure::of(&step.figures);
    let longest = timeline.max_ns.iter().flatten().max().copied().unwrap_or_default() as f64;
    let mut limits = limits(scenario, step, measure);
    limits.retain(|limit| limit.value <= longest * FARTHEST);
    let marks = Marks { limits: &limits, ..marks };
    let title = format!("{}: {} over time", step.name, measure.name());
    TimeChart { title: &one_line(&title), lines: &lines, marks, unit: Unit::Nanoseconds }.render()
}

/// The limits on the times of a step, those of the durations that its chart shows.
fn limits(scenario: &ScenarioReport, step: &StepReport, measure: Measure) -> Vec<Limit> {
    let quantity = match measure {
        Measure::Response => Quantity::ResponseTime,
        Measure::Latency => Quantity::Latency,
        Measure::Service => Quantity::ServiceTime,
    };
    let subject = Subject::Step(step.name.clone());
    limits_of(scenario, |one| one.quantity == quantity && one.subject == subject)
}
