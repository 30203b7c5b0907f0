//! One iteration that was run again: every execution whole.

use super::page::Page;
use super::style::{Mark, Paint, Style};
use crate::text::counted;
use qalipsis_judge::report::Report;
use qalipsis_model::duration::human_ns;
use qalipsis_model::snapshot::{ExecutionOutcome, StepKind};
use qalipsis_model::trace::{Trace, TracedFailure};
use qalipsis_model::verdict::Status;

/// One execution as text that ends with a line end. What was exchanged is not cut.
pub fn execution(step: &str, trace: &Trace, style: Style) -> String {
    let mut page = Page::new(style);
    let (mark, paint) = match trace.outcome {
        Some(ExecutionOutcome::Success) => (Mark::Passed, Paint::Strong),
        Some(_) => (Mark::Failed, Paint::Bad),
        None => (Mark::Skipped, Paint::Strong),
    };
    page.headed(mark, step, paint, &facts(trace));
    for exchange in &trace.exchanges {
        page.quoted(exchange);
    }
    if let Some(failure) = &trace.failure {
        self::failure(&mut page, failure);
    }
    page.detail(Paint::Dim, &format!("at {}", trace.location));
    page.into_text()
}

/// `verification, 12.3 ms, from 05:06:07.089 UTC, trace 4bf9...`
fn facts(trace: &Trace) -> String {
    let kind = match trace.kind {
        StepKind::Action => "action",
        StepKind::Verification => "verification",
        StepKind::Join => "join",
    };
    let mut facts = vec![kind.to_owned()];
    match (&trace.failure, trace.outcome) {
        (Some(failure), _) => facts.push(failure.kind.to_string()),
        (None, None) => facts.push("dropped before its end".to_owned()),
        (None, Some(_)) => {}
    }
    facts.push(human_ns(trace.service_ns));
    if let Some(latency) = trace.latency_ns {
        facts.push(format!("record {} after its trigger", human_ns(latency)));
    }
    facts.push(format!("from {} UTC", trace.at.time_of_day()));
    facts.join(", ")
}

fn failure(page: &mut Page, failure: &TracedFailure) {
    let code = if failure.code.is_empty() { String::new() } else { format!(" ({})", failure.code) };
    page.quoted(&format!("{}{code}", failure.message));
    for check in &failure.checks {
        let place = check.location.as_ref().map_or_else(String::new, |at| format!(" ({at})"));
        page.quoted(&format!(
            "check {}{place}\n  expected: {}\n  observed: {}",
            check.name, check.expected, check.observed
        ));
    }
    // The exchange of a failure begins with what was sent.
    if let Some(text) = failure.exchange.as_ref().or(failure.input.as_ref()) {
        page.quoted(text);
    }
}

/// How the iteration ended, as text that ends with a line end.
pub fn conclusion(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    page.gap();
    let steps = || report.scenarios.iter().flat_map(|s| &s.steps);
    let executions: u64 = steps().map(|s| s.figures.executions()).sum();
    let failed: u64 = steps().map(|s| s.figures.failures()).sum();
    let rest = format!("{}, {failed} failed", counted(executions, "execution"));
    let (mark, paint) = match report.status {
        Status::Running => (Mark::None, Paint::Strong),
        Status::Successful | Status::Warning => (Mark::Passed, Paint::Good),
        Status::Failed | Status::Aborted | Status::Invalid => (Mark::Failed, Paint::Bad),
    };
    page.title(mark, &report.status.to_string(), paint, &rest);
    for reason in &report.reasons {
        let step = reason.step.as_ref().map_or_else(String::new, |step| format!("{step}: "));
        page.detail(Paint::Plain, &format!("{step}{}", reason.message));
    }
    for warning in &report.warnings {
        page.marked(Mark::Warned, warning);
    }
    page.into_text()
}
