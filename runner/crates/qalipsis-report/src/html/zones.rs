//! The zones of a scenario side by side, when there are several.

use super::scenario::{heads, percentiles};
use crate::markup::{self, paragraph, text};
use crate::text::{counted, fit, number, one_line};
use crate::zones;
use maud::{Markup, html};
use qalipsis_chart::{Strip, Strips};
use qalipsis_judge::report::{ScenarioReport, StepReport};
use qalipsis_judge::zone::ZoneDifference;
use qalipsis_model::criterion::Quantity;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::StepFigures;

/// Steps that are compared on the page: those whose zones differ, then failed ones, then others.
const STEPS: usize = 20;
/// Zones of a step that are shown.
const ZONES: usize = 20;

/// How to read the rows of a chart.
const READING: &str =
    "Each zone is drawn to its own tallest bar. The line marks the 95th percentile, the dot the longest.";

pub(super) fn section(scenario: &ScenarioReport) -> Markup {
    if scenario.by_zone.is_empty() {
        return html! {};
    }
    let differing = zones::differing(scenario);
    let mut steps: Vec<(u32, &StepReport)> = (0..).zip(&scenario.steps).filter(|(_, s)| !s.skipped).collect();
    steps.sort_by_key(|(_, step)| {
        let differs = scenario.zone_differences.iter().any(|d| d.step == step.name);
        (!differs, step.headline.is_none())
    });
    let more = steps.len().saturating_sub(STEPS);
    html! {
        h3 { "Zones" }
        @for line in &differing { (paragraph("message", line)) }
        @if differing.is_empty() {
            (paragraph("dim", "No zone is worse than another by more than chance explains."))
        }
        (paragraph("dim", READING))
        div.charts {
            @for (index, step) in steps.iter().take(STEPS) { (compared(scenario, *index, step)) }
        }
        @if more > 0 {
            @let others = counted(more as u64, "other step");
            (paragraph("dim", &format!("The zones of {others} are in summary.json.")))
        }
    }
}

/// One zone at one step.
struct Row<'a> {
    zone: &'a str,
    figures: &'a StepFigures,
    times: Histogram,
    is_worst: bool,
}

fn compared(scenario: &ScenarioReport, index: u32, step: &StepReport) -> Markup {
    let is_join = step.figures.is_join();
    let differences: Vec<&ZoneDifference> =
        scenario.zone_differences.iter().filter(|d| d.step == step.name).collect();
    let mut rows: Vec<Row<'_>> = scenario
        .by_zone
        .iter()
        .filter_map(|zone| {
            let figures = zone.figures.steps.get(&index)?;
            Some(Row {
                zone: &zone.name,
                figures,
                times: if is_join { figures.arrivals() } else { figures.response() },
                is_worst: differences.iter().any(|d| d.worst.zone == zone.name),
            })
        })
        .collect();
    // The worst ones stay when there are too many.
    rows.sort_by_key(|row| (!row.is_worst, std::cmp::Reverse(row.times.percentile_ns(95.0))));
    rows.truncate(ZONES);
    rows.sort_by_key(|row| row.zone);

    let quantity = if is_join { Quantity::Latency } else { Quantity::ResponseTime };
    let first = format!("{} p50", quantity.name());
    let strips: Vec<Strip<'_>> = rows
        .iter()
        .map(|row| Strip {
            name: fit(&one_line(row.zone), 40, "…"),
            class: if row.is_worst { "bad" } else { "a" },
            times: &row.times,
        })
        .collect();
    let counts: &[&str] = if is_join { &["matched", "late", "missing"] } else { &["executions", "failed"] };
    let titles = [&["zone"], counts, &["minions failed", &first, "p95", "max"]].concat();
    html! {
        div.step {
            (Strips { title: &one_line(&format!("{}: {} by zone", step.name, quantity.name())), strips: &strips })
            div.wide {
                table {
                    (heads(&titles))
                    @for row in &rows { (cells(row, is_join)) }
                }
            }
        }
    }
}

fn cells(row: &Row<'_>, is_join: bool) -> Markup {
    let figures = row.figures;
    let counts = if is_join {
        let [late, missing] =
            [FailureKind::JoinLate, FailureKind::JoinMissing].map(|kind| figures.of_kind(kind));
        vec![figures.latency.as_deref().map_or(0, Histogram::count), late, missing]
    } else {
        vec![figures.executions(), figures.failures()]
    };
    let minions = format!("{} of {}", number(figures.failed_minions), number(figures.minions));
    html! {
        tr class=[row.is_worst.then_some("bad")] {
            td { (text(row.zone)) }
            @for count in counts { (markup::number(&number(count))) }
            (markup::number(&minions))
            (percentiles(&row.times, &[50.0, 95.0]))
        }
    }
}
