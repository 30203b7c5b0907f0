//! The section of one scenario.

use super::chart::{self, Line, Marks, NO_MARKS};
use super::markup::Page;
use super::zones;
use crate::gaps;
use crate::ledger;
use crate::measured;
use crate::text::{counted, number};
use crate::times::{self, Measure, PERCENTILES};
use qalipsis_judge::report::{Outcome, Report, ScenarioReport, StepReport, StepTimeline};
use qalipsis_model::criterion::{Limit, Quantity, Subject};
use qalipsis_model::duration::human_ns;
use qalipsis_model::evidence::{Evidence, FailureKind};
use qalipsis_model::histogram::Histogram;
use qalipsis_model::join::JoinFigures;
use qalipsis_model::measured::Measured;
use qalipsis_model::snapshot::StepKind;
use qalipsis_model::timestamp::Timestamp;

/// Steps whose charts are drawn, failed ones first: a page of hundreds would be too heavy for a phone.
const DRAWN: usize = 60;

pub(super) fn show(page: &mut Page, report: &Report, scenario: &ScenarioReport, index: usize) {
    page.raw(&format!("<section id=\"scenario-{index}\">\n"));
    page.element("h2", "", &format!("Scenario {}", scenario.name));
    page.element("p", "", &scenario.description);
    let mut facts = vec![
        format!("{} of {} released", number(scenario.released), counted(scenario.minions, "minion")),
        scenario.profile.clone(),
        counted(scenario.iterations.executions(), "iteration"),
    ];
    if !scenario.zones.is_empty() {
        facts.push(format!("zones {}", scenario.zones.join(", ")));
    }
    page.element("p", "dim", &facts.join(" · "));
    load(page, report.started, scenario);
    steps(page, scenario);
    zones::show(page, scenario);
    joins(page, scenario);
    meters(page, report, scenario);
    measured(page, scenario);
    criteria(page, scenario);
    distributions(page, scenario);
    generator(page, scenario);
    page.raw("</section>\n");
}

fn load(page: &mut Page, started: Timestamp, scenario: &ScenarioReport) {
    let timeline = &scenario.timeline;
    let width = timeline.width.as_secs_f64();
    // One point is no course.
    if timeline.executions.len() < 2 {
        return;
    }
    let at = |index: usize| (index as f64 + 0.5) * width;
    let per_second = |counts: &[u64]| -> Vec<(f64, Option<f64>)> {
        counts.iter().enumerate().map(|(i, n)| (at(i), Some(*n as f64 / width))).collect()
    };
    let plain = |value: f64| crate::text::number(value.round() as u64);
    let rate = |value: f64| {
        format!("{}/s", if value > 0.0 && value < 10.0 { format!("{value:.1}") } else { plain(value) })
    };
    page.raw("<div class=\"charts\">\n");
    let lines = [
        Line { name: "executions", class: "a", points: per_second(&timeline.executions) },
        Line { name: "failures", class: "bad", points: per_second(&timeline.failures) },
    ];
    page.raw(&chart::lines(
        "Executions over time",
        &lines,
        &Marks { gaps: &unread(started, scenario), ..NO_MARKS },
        &rate,
    ));
    let active = timeline.active.iter().enumerate().map(|(i, n)| (at(i), Some(*n as f64))).collect();
    let lines = [Line { name: "active", class: "b", points: active }];
    page.raw(&chart::lines("Minions over time", &lines, &NO_MARKS, &plain));
    page.raw("</div>\n");
}

/// When sources could not be read, in seconds since the start of the load, with the line that says so.
fn unread(started: Timestamp, scenario: &ScenarioReport) -> Vec<(f64, Option<f64>, String)> {
    let since = |at: Timestamp| at.since(started).as_secs_f64();
    let of = |join: &JoinFigures| -> Vec<(f64, Option<f64>, String)> {
        let one = |gap| format!("{} {}", join.name, gaps::gap(gap));
        join.gaps.iter().map(|gap| (since(gap.from), gap.to.map(since), one(gap))).collect()
    };
    scenario.joins.iter().flat_map(of).collect()
}

fn class_of(step: &StepReport) -> &'static str {
    match step {
        _ if step.headline.is_some() => "bad",
        // Its failures only say what another cause says.
        _ if step.skipped || step.cause.is_some() => "dim",
        _ => "",
    }
}

/// Begins a table.
pub(super) fn heads(page: &mut Page, titles: &[&str]) {
    page.raw("<div class=\"wide\"><table>\n<thead><tr>");
    for (index, title) in titles.iter().enumerate() {
        page.element("th", if index == 0 { "" } else { "number" }, title);
    }
    // A table that goes on over the page repeats its head on paper.
    page.raw("</tr></thead>\n");
}

/// Cells of these percentiles and of the maximum.
pub(super) fn percentiles(page: &mut Page, histogram: &Histogram, percentiles: &[f64]) {
    let shown = percentiles.iter().map(|percent| histogram.percentile_ns(*percent));
    for ns in shown.chain([histogram.max_ns()]) {
        page.element("td", "number", &ns.map_or_else(|| "–".to_owned(), human_ns));
    }
}

fn steps(page: &mut Page, scenario: &ScenarioReport) {
    if scenario.steps.is_empty() {
        return;
    }
    page.raw("<h3>Steps</h3>\n");
    let flaky = scenario.steps.iter().any(|step| step.figures.flaky > 0);
    let tolerated = scenario.steps.iter().any(|step| step.tolerated.is_some());
    let mut titles = vec!["step", "executions", "failed"];
    titles.extend(tolerated.then_some("of these tolerated"));
    titles.extend(flaky.then_some("flaky"));
    titles.extend(["minions failed", "time", "p50", "p95", "p99", "max", "service p95"]);
    heads(page, &titles);
    for step in &scenario.steps {
        let figures = &step.figures;
        page.raw("<tr class=\"").raw(class_of(step)).raw("\">");
        page.element("td", "", &step.name);
        if step.skipped {
            let columns = titles.len() - 1;
            page.raw(&format!("<td colspan=\"{columns}\">"))
                .text(&measured::never_executed(step))
                .raw("</td></tr>\n");
            continue;
        }
        let mut counts = vec![figures.executions(), figures.failures()];
        counts.extend(tolerated.then(|| step.tolerated_executions()));
        counts.extend(flaky.then_some(figures.flaky));
        counts.push(figures.failed_minions);
        counts.into_iter().for_each(|count| page.element("td", "number", &number(count)));
        let measure = Measure::of(figures);
        page.element("td", "number", measure.short());
        percentiles(page, &figures.times_shown(), &PERCENTILES);
        let service = figures.service().percentile_ns(95.0).filter(|_| measure == Measure::Response);
        page.element("td", "number", &service.map_or_else(|| "–".to_owned(), human_ns));
        page.raw("</tr>\n");
    }
    page.raw("</table></div>\n");
    page.element("p", "dim", times::LEGEND);
    if flaky {
        page.element("p", "dim", "Flaky executions succeeded only after a retry.");
    }
}

fn joins(page: &mut Page, scenario: &ScenarioReport) {
    for join in &scenario.joins {
        page.element("h3", "", &format!("Join with {}", join.name));
        page.element("p", "", &ledger::keys_line(join));
        let facts = [ledger::records_line(join)].into_iter().chain(ledger::remarks(join));
        page.element("p", "dim", &facts.collect::<Vec<_>>().join(" · "));
        gaps::lines(join).iter().for_each(|line| page.element("p", "gap", line));
        unexpected(page, scenario, join);
        let titles = ["awaited by", "matched", "late", "missing", "latency p50", "p95", "p99", "max"];
        heads(page, &titles);
        for step in join.steps.iter().filter_map(|index| scenario.steps.get(*index as usize)) {
            let figures = &step.figures;
            page.raw("<tr class=\"").raw(class_of(step)).raw("\">");
            page.element("td", "", &step.name);
            let late = figures.of_kind(FailureKind::JoinLate);
            let missing = figures.of_kind(FailureKind::JoinMissing);
            [figures.latency.as_deref().map_or(0, Histogram::count), late, missing]
                .into_iter()
                .for_each(|count| page.element("td", "number", &number(count)));
            percentiles(page, &figures.arrivals(), &PERCENTILES);
            page.raw("</tr>\n");
        }
        page.raw("</table></div>\n");
    }
}

/// Records that warn: duplicates and those that no minion expected.
fn unexpected(page: &mut Page, scenario: &ScenarioReport, join: &JoinFigures) {
    let ours: Vec<&Evidence> =
        scenario.join_evidence.iter().filter(|one| one.source.as_ref() == Some(&join.name)).collect();
    if ours.is_empty() {
        return;
    }
    page.raw("<details><summary>");
    page.text(&format!("evidence of {} that warn", counted(ours.len() as u64, "record")));
    page.raw("</summary>\n");
    ours.into_iter().for_each(|one| super::kept(page, one));
    page.raw("</details>\n");
}

fn meters(page: &mut Page, report: &Report, scenario: &ScenarioReport) {
    if scenario.meters.is_empty() {
        return;
    }
    page.raw("<h3>Watched values</h3>\n<div class=\"charts\">\n");
    for (name, meter) in &scenario.meters {
        let at = |at: qalipsis_model::timestamp::Timestamp| at.since(report.started).as_secs_f64();
        let points = meter.series.iter().map(|(when, value)| (at(*when), Some(*value))).collect();
        let lines = [Line { name: &meter.gauge, class: "b", points }];
        let show = |value: f64| Quantity::Value.show(value);
        let title = if meter.unit.is_empty() { name.clone() } else { format!("{name} ({})", meter.unit) };
        page.raw("<div class=\"step\">").raw(&chart::lines(
            &title,
            &lines,
            &Marks { limits: &limits(scenario, name), ..NO_MARKS },
            &show,
        ));
        if meter.failures > 0 {
            let why = meter.last_failure.as_deref().unwrap_or_default();
            page.element("p", "bad", &format!("{} failed: {why}", counted(meter.failures, "reading")));
        }
        page.raw("</div>\n");
    }
    page.raw("</div>\n");
}

/// What the scenario measured itself.
fn measured(page: &mut Page, scenario: &ScenarioReport) {
    if scenario.measured.is_empty() {
        return;
    }
    page.raw("<h3>Meters</h3>\n<div class=\"wide\"><table>\n");
    page.raw("<thead><tr><th>meter</th><th>kind</th><th>figures</th><th></th></tr></thead>\n");
    for meter in &scenario.measured {
        page.raw("<tr>");
        let cells = [meter.name.as_str(), meter.kind.name(), &measured::facts(meter), &meter.description];
        cells.into_iter().for_each(|cell| page.element("td", "", cell));
        page.raw("</tr>\n");
    }
    page.raw("</table></div>\n");
    let timers = scenario.measured.iter().filter_map(|meter| match &meter.figures {
        Some(Measured::Timer(times)) => Some((&meter.name, times)),
        _ => None,
    });
    page.raw("<div class=\"charts\">\n");
    for (name, times) in timers.take(DRAWN) {
        page.raw(&chart::distributions(name, &[("time", "c", times)], None));
    }
    page.raw("</div>\n");
}

/// The limits on the values of a meter.
fn limits(scenario: &ScenarioReport, meter: &str) -> Vec<(String, f64)> {
    let criteria = scenario.criteria.iter().map(|c| &c.criterion);
    let ours =
        criteria.filter(|c| c.quantity == Quantity::Value && c.subject == Subject::Meter(meter.to_owned()));
    ours.flat_map(|criterion| {
        let values = match criterion.limit {
            Limit::Below(value) | Limit::AtMost(value) | Limit::AtLeast(value) => vec![value],
            Limit::Between(low, high) => vec![low, high],
        };
        values.into_iter().map(|value| (criterion.rule(), value))
    })
    .collect()
}

fn criteria(page: &mut Page, scenario: &ScenarioReport) {
    if scenario.criteria.is_empty() {
        return;
    }
    page.raw("<h3>Criteria</h3>\n");
    page.raw("<div class=\"wide\"><table>\n<thead><tr><th>criterion</th>");
    page.raw("<th class=\"number\">observed</th><th>outcome</th></tr></thead>\n");
    for criterion in &scenario.criteria {
        page.raw(match &criterion.outcome {
            Outcome::Met => "<tr>",
            Outcome::Breached => "<tr class=\"bad\">",
            // What follows from a failure is no failure of its own.
            Outcome::NotJudged { .. } | Outcome::Repeats { .. } => "<tr class=\"dim\">",
        });
        let rule = criterion.criterion.rule();
        page.element("td", "", &format!("{}: {rule}", criterion.criterion.subject.name()));
        page.element("td", "number", &criterion.observed_text());
        page.element("td", "", &measured::outcome(criterion));
        page.raw("</tr>\n");
    }
    page.raw("</table></div>\n");
}

fn distributions(page: &mut Page, scenario: &ScenarioReport) {
    let mut steps: Vec<(usize, &StepReport)> =
        scenario.steps.iter().enumerate().filter(|(_, step)| step.figures.executions() > 0).collect();
    if steps.is_empty() {
        return;
    }
    steps.sort_by_key(|(_, step)| step.headline.is_none());
    let more = steps.len().saturating_sub(DRAWN);
    steps.truncate(DRAWN);
    // Checks take nanoseconds: their distributions say nothing unless one looks for them.
    let (checks, acting): (Vec<_>, Vec<_>) =
        steps.into_iter().partition(|(_, step)| step.figures.kind == Some(StepKind::Verification));
    page.raw("<h3>Distributions</h3>\n");
    drawn(page, scenario, &acting);
    if !checks.is_empty() {
        page.raw("<details class=\"checks\"><summary>");
        page.text(&format!("{}: how long the checks took", counted(checks.len() as u64, "verification")));
        page.raw("</summary>\n");
        drawn(page, scenario, &checks);
        page.raw("</details>\n");
    }
    if more > 0 {
        page.element("p", "dim", &format!("{more} more steps are in the table above."));
    }
}

fn drawn(page: &mut Page, scenario: &ScenarioReport, steps: &[(usize, &StepReport)]) {
    if steps.is_empty() {
        return;
    }
    page.raw("<div class=\"charts\">\n");
    for (index, step) in steps {
        page.raw("<div class=\"step\">\n");
        page.raw(&distribution(step));
        over_time(page, scenario, *index, step);
        page.raw("</div>\n");
    }
    page.raw("</div>\n");
}

/// Of a join the latencies, of any other step both times.
fn distribution(step: &StepReport) -> String {
    let figures = &step.figures;
    if Measure::of(figures) == Measure::Latency {
        let (latency, late) = (figures.latency.as_deref(), figures.late.as_deref());
        let (latency, late) = (latency.cloned().unwrap_or_default(), late.cloned().unwrap_or_default());
        let sets = [("latency in time", "c", &latency), ("late", "bad", &late)];
        return chart::distributions(&format!("{}: from trigger to arrival", step.name), &sets, None);
    }
    let (response, service) = (figures.response(), figures.service());
    let (response, service) = (("response time", "a", &response), ("service time", "b", &service));
    chart::distributions(&step.name, &[response], Some(service))
}

fn over_time(page: &mut Page, scenario: &ScenarioReport, index: usize, step: &StepReport) {
    let width = scenario.timeline.width.as_secs_f64();
    // One point is no course.
    let has_course = |one: &&StepTimeline| one.max_ns.iter().flatten().count() > 1;
    let Some(timeline) = scenario.timeline.steps.get(index).filter(has_course) else { return };
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
    let title = format!("{}: {} over time", step.name, Measure::of(&step.figures).name());
    page.raw(&chart::lines(&title, &lines, &NO_MARKS, &|ns| human_ns(ns as u64)));
}

/// Whether the figures can be trusted.
fn generator(page: &mut Page, scenario: &ScenarioReport) {
    let lag = &scenario.release_lag;
    if lag.is_empty() {
        return;
    }
    page.raw("<h3>The load generator itself</h3>\n");
    let shown = |percent: f64| lag.percentile_ns(percent).map_or_else(String::new, human_ns);
    let max = lag.max_ns().map_or_else(String::new, human_ns);
    let text = format!(
        "Minions were released {} late in the middle, {} at the 99th percentile, {max} at most; {} of {} ended.",
        shown(50.0),
        shown(99.0),
        number(scenario.ended),
        number(scenario.released),
    );
    page.element("p", "", &text);
    page.raw("<div class=\"charts\">\n");
    page.raw(&chart::distributions("Release lag", &[("lag", "c", lag)], None)).raw("</div>\n");
}
