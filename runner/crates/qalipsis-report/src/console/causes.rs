//! Why the verdict is what it is: which step, why, who, since when, what was expected and observed, where.

use super::page::Page;
use super::style::{Mark, Paint};
use qalipsis_model::description::SourceLocation;
use qalipsis_model::evidence::Evidence;
use qalipsis_model::report::{Problem, Reason, Report, ScenarioReport, StepReport};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::Status;

/// The most causes that are shown in full; the tables below name every step anyway.
const SHOWN: usize = 20;

pub(super) fn show(page: &mut Page, report: &Report) {
    for reason in report.reasons.iter().take(SHOWN) {
        page.gap();
        cause(page, report, reason);
    }
    if let Some(more) = report.reasons.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        page.gap();
        page.detail(Paint::Plain, &format!("and {more} more, marked in the tables below"));
    }
}

fn cause(page: &mut Page, report: &Report, reason: &Reason) {
    let within = page.style().within();
    let whence = match (&reason.scenario, &reason.step) {
        (Some(scenario), Some(step)) => format!("{scenario} {within} {step}"),
        (Some(scenario), None) => scenario.clone(),
        (None, _) => "campaign".to_owned(),
    };
    let kind = match reason.kind {
        Some(kind) => kind.name(),
        None if report.status == Status::Aborted => "aborted",
        None => "invalid",
    };
    page.headed(Mark::Failed, &whence, Paint::Strong, kind);
    page.detail(Paint::Plain, &reason.message);

    let scenario = report.scenarios.iter().find(|s| Some(&s.name) == reason.scenario.as_ref());
    let Some(scenario) = scenario else { return };
    match subject(scenario, reason) {
        Subject::Step(step) => of_step(page, step, scenario),
        Subject::Criterion(location) => at(page, location),
        Subject::Problem(problem) => of_problem(page, problem, scenario),
        // The scenario's own place explains nothing about a slow generator.
        Subject::Scenario => {}
    }
}

/// What a reason is about.
enum Subject<'a> {
    Step(&'a StepReport),
    Criterion(&'a SourceLocation),
    Problem(&'a Problem),
    Scenario,
}

fn subject<'a>(scenario: &'a ScenarioReport, reason: &Reason) -> Subject<'a> {
    let Some(name) = &reason.step else {
        let problem = scenario.problems.iter().find(|p| {
            reason.message.strip_prefix(&p.name).and_then(|rest| rest.strip_prefix(": "))
                == Some(p.message.as_str())
        });
        return problem.map_or(Subject::Scenario, Subject::Problem);
    };
    let criterion = scenario
        .criteria
        .iter()
        .find(|c| !c.held && c.criterion.subject.name() == name && c.message() == reason.message);
    if let Some(criterion) = criterion {
        return Subject::Criterion(&criterion.criterion.location);
    }
    scenario.steps.iter().find(|s| &s.name == name).map_or(Subject::Scenario, Subject::Step)
}

fn of_step(page: &mut Page, step: &StepReport, scenario: &ScenarioReport) {
    // The message tells the most frequent kind already.
    for failure in step.failures.iter().skip(1) {
        page.detail(Paint::Plain, &format!("{} {}: {}", failure.count, failure.kind, failure.message));
    }
    let first = step.failures.first().and_then(|f| f.evidence.first());
    if let Some(first) = first {
        checks(page, first);
    }
    since(page, step.figures.first_failure, step.figures.last_failure);
    if let Some(first) = first {
        example(page, first);
    }
    at(page, step.location_or(&scenario.location));
}

fn of_problem(page: &mut Page, problem: &Problem, scenario: &ScenarioReport) {
    let first = problem.evidence.first();
    if problem.count > 1 {
        page.detail(Paint::Plain, &format!("{} times", problem.count));
    }
    if let Some(first) = first {
        checks(page, first);
        since(page, Some(first.at), None);
        example(page, first);
    }
    at(page, first.and_then(|e| e.location.as_ref()).unwrap_or(&scenario.location));
}

/// How many bytes of a value are looked for in a message, which shows a long one shortened.
const SAID: usize = 150;

/// Observed against expected, unless the message says it already.
fn checks(page: &mut Page, evidence: &Evidence) {
    let said = |value: &str| evidence.message.contains(&value[..value.floor_char_boundary(SAID)]);
    for check in &evidence.checks {
        if said(&check.expected) && said(&check.observed) {
            continue;
        }
        page.detail(
            Paint::Plain,
            &format!("{}: expected {}, observed {}", check.name, check.expected, check.observed),
        );
    }
}

/// First and last time.
fn since(page: &mut Page, first: Option<Timestamp>, last: Option<Timestamp>) {
    let Some(first) = first else { return };
    let mut text = format!("first at {}", first.time_of_day());
    if let Some(last) = last.filter(|last| *last != first) {
        text.push_str(&format!(", last at {}", last.time_of_day()));
    }
    page.detail(Paint::Plain, &format!("{text} UTC"));
}

/// Where to find one of the failures again, and what went over the wire.
fn example(page: &mut Page, evidence: &Evidence) {
    if let Some(minion) = evidence.minion {
        let mut text = format!(
            "for example minion {minion}, iteration {} at {}",
            evidence.iteration,
            evidence.at.time_of_day()
        );
        let parts = [("zone", &evidence.zone), ("trace", &evidence.trace_id)];
        for (label, value) in parts {
            if let Some(value) = value {
                text.push_str(&format!(", {label} {value}"));
            }
        }
        page.detail(Paint::Dim, &text);
    }
    for (label, text) in [("input", &evidence.input), ("exchange", &evidence.exchange)] {
        if let Some(text) = text {
            // Head and body of a message side by side: the whole is in the JUnit file.
            let text: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            page.detail_line(Paint::Dim, &format!("{label}: {}", text.join("  ")));
        }
    }
}

fn at(page: &mut Page, location: &SourceLocation) {
    page.detail(Paint::Plain, &format!("at {location}"));
}
