//! The zones of a scenario side by side, when there are several.

use super::chart::{self, Strip};
use super::markup::Page;
use super::scenario::{heads, percentiles};
use crate::text::{counted, number};
use crate::zones;
use qalipsis_judge::report::{ScenarioReport, StepReport, ZoneDifference};
use qalipsis_model::criterion::Quantity;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::StepFigures;

/// Steps that are compared on the page: those whose zones differ, then failed ones, then others.
const STEPS: usize = 20;
/// Zones of a step that are shown.
const ZONES: usize = 20;

pub(super) fn show(page: &mut Page, scenario: &ScenarioReport) {
    if scenario.by_zone.is_empty() {
        return;
    }
    page.raw("<h3>Zones</h3>\n");
    let differing = zones::differing(scenario);
    differing.iter().for_each(|line| page.element("p", "message", line));
    if differing.is_empty() {
        page.element("p", "dim", "No zone is worse than another by more than chance explains.");
    }
    let mut steps: Vec<(u32, &StepReport)> = (0..).zip(&scenario.steps).filter(|(_, s)| !s.skipped).collect();
    steps.sort_by_key(|(_, step)| {
        let differs = scenario.zone_differences.iter().any(|d| d.step == step.name);
        (!differs, step.headline.is_none())
    });
    let reading =
        "Each zone is drawn to its own tallest bar. The line marks the 95th percentile, the dot the longest.";
    page.element("p", "dim", reading);
    page.raw("<div class=\"charts\">\n");
    steps.iter().take(STEPS).for_each(|(index, step)| compared(page, scenario, *index, step));
    page.raw("</div>\n");
    if let Some(more) = steps.len().checked_sub(STEPS).filter(|more| *more > 0) {
        let text = format!("The zones of {} are in summary.json.", counted(more as u64, "other step"));
        page.element("p", "dim", &text);
    }
}

/// One zone at one step.
struct Row<'a> {
    zone: &'a str,
    figures: &'a StepFigures,
    times: Histogram,
    is_worst: bool,
}

fn compared(page: &mut Page, scenario: &ScenarioReport, index: u32, step: &StepReport) {
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
        .map(|row| Strip { name: row.zone, class: if row.is_worst { "bad" } else { "a" }, times: &row.times })
        .collect();
    page.raw("<div class=\"step\">\n");
    page.raw(&chart::strips(&format!("{}: {} by zone", step.name, quantity.name()), &strips));
    let counts: &[&str] = if is_join { &["matched", "late", "missing"] } else { &["executions", "failed"] };
    let titles = [&["zone"], counts, &["minions failed", &first, "p95", "max"]].concat();
    heads(page, &titles);
    for row in &rows {
        page.raw(if row.is_worst { "<tr class=\"bad\">" } else { "<tr>" });
        page.element("td", "", row.zone);
        let figures = row.figures;
        let counts = if is_join {
            let [late, missing] =
                [FailureKind::JoinLate, FailureKind::JoinMissing].map(|kind| figures.of_kind(kind));
            vec![figures.latency.as_deref().map_or(0, Histogram::count), late, missing]
        } else {
            vec![figures.executions(), figures.failures()]
        };
        counts.into_iter().for_each(|count| page.element("td", "number", &number(count)));
        let minions = format!("{} of {}", number(figures.failed_minions), number(figures.minions));
        page.element("td", "number", &minions);
        percentiles(page, &row.times, &[50.0, 95.0]);
        page.raw("</tr>\n");
    }
    page.raw("</table></div>\n</div>\n");
}
