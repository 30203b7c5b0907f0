//! The text inside a failure: everything kept about it, and where to look.

use super::xml::{cut, line};
use crate::text::{counted, lines};
use qalipsis_model::compare::{Change, SubjectComparison, Verdict};
use qalipsis_model::criterion::Subject;
use qalipsis_model::description::SourceLocation;
use qalipsis_model::evidence::Evidence;
use qalipsis_model::report::{CriterionReport, Problem, StepReport};
use qalipsis_model::timestamp::Timestamp;

/// The longest excerpt of an input, an exchange or a value, so that several failures have room.
const EXCERPT: usize = 600;

/// Plain text that ends with the location, in at most `limit` bytes as written.
pub(super) fn text(text: &str, location: &SourceLocation, limit: usize) -> String {
    // The end is what people click on: it stays whatever is cut.
    let location = line(&location.to_string(), limit);
    let room = limit.saturating_sub(location.len() + 1);
    let text = cut(text.trim_end(), room);
    if text.is_empty() { location } else { format!("{text}\n{location}") }
}

pub(super) fn step(
    step: &StepReport,
    headline: &str,
    zones: Option<&str>,
    location: &SourceLocation,
    limit: usize,
) -> String {
    let mut body = line(headline, EXCERPT);
    let figures = &step.figures;
    let kinds: Vec<String> = step.failures.iter().map(|f| format!("{} {}", f.count, f.kind)).collect();
    body.push_str(&format!(
        "\nfailed: {} in {}, by {} of {}",
        kinds.join(", "),
        counted(figures.executions(), "execution"),
        figures.failed_minions,
        counted(figures.minions, "minion"),
    ));
    if let Some(zones) = zones {
        body.push_str(&format!("\nzones:  {}", line(zones, EXCERPT)));
    }
    body.push_str(&period(figures.first_failure, figures.last_failure));
    // Each kind's first, then each kind's second: what is cut are repetitions.
    let most = step.failures.iter().map(|f| f.evidence.len()).max().unwrap_or(0);
    for nth in 0..most {
        for evidence in step.failures.iter().filter_map(|f| f.evidence.get(nth)) {
            body.push_str(&kept(evidence));
        }
    }
    text(&body, location, limit)
}

pub(super) fn problem(problem: &Problem, location: &SourceLocation, limit: usize) -> String {
    let mut body = format!("{}\n{} {}", line(&problem.message, EXCERPT), problem.count, problem.kind);
    for evidence in &problem.evidence {
        body.push_str(&kept(evidence));
    }
    text(&body, location, limit)
}

pub(super) fn criterion(criterion: &CriterionReport, location: &SourceLocation, limit: usize) -> String {
    let rule = &criterion.criterion;
    let what = match &rule.subject {
        Subject::Step(_) => "step: ",
        Subject::Meter(_) => "meter:",
    };
    let body = format!(
        "{what}    {}\nmeasure:  {}\nexpected: {}\nobserved: {}",
        line(rule.subject.name(), EXCERPT),
        rule.measure(),
        rule.expectation(),
        criterion.observed_text(),
    );
    text(&body, location, limit)
}

pub(super) fn compared(
    subject: &SubjectComparison,
    message: &str,
    location: &SourceLocation,
    limit: usize,
) -> String {
    text(&format!("{}\n{}", line(message, EXCERPT), changes(subject).join("\n")), location, limit)
}

/// What was compared, one figure on a line.
pub(super) fn changes(subject: &SubjectComparison) -> Vec<String> {
    let one = |change: &Change| {
        format!(
            "{}: baseline {}, now {} ({}), {} from {}",
            change.what(),
            change.show(change.before),
            change.show(change.after),
            change.change_text(),
            if change.verdict == Verdict::Regression { "worse" } else { "it would be worse" },
            change.show(change.noticed_from),
        )
    };
    subject.changes.iter().map(one).collect()
}

fn period(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first != last => {
            format!("\nfirst:  {}\nlast:   {}", first.rfc3339(), last.rfc3339())
        }
        (Some(once), _) | (None, Some(once)) => format!("\nat:     {}", once.rfc3339()),
        (None, None) => String::new(),
    }
}

/// One kept failure as a paragraph.
fn kept(evidence: &Evidence) -> String {
    let mut text = format!("\n\n{} {}", evidence.at.rfc3339(), evidence.kind);
    if !evidence.code.is_empty() {
        text.push_str(&format!(" ({})", line(&evidence.code, EXCERPT)));
    }
    if let Some(minion) = evidence.minion {
        text.push_str(&format!(", minion {minion}, iteration {}", evidence.iteration));
    }
    if let Some(zone) = &evidence.zone {
        text.push_str(&format!(", zone {}", line(zone, EXCERPT)));
    }
    if evidence.attempt > 1 {
        text.push_str(&format!(", attempt {}", evidence.attempt));
    }
    if let Some(trace) = &evidence.trace_id {
        text.push_str(&format!(", trace {}", line(trace, EXCERPT)));
    }
    text.push_str(&format!("\n  {}", line(&evidence.message, EXCERPT)));
    for check in &evidence.checks {
        text.push_str(&format!("\n  check {}", line(&check.name, EXCERPT)));
        if let Some(location) = &check.location {
            text.push_str(&format!(" ({})", line(&location.to_string(), EXCERPT)));
        }
        text.push_str(&excerpt("    ", "expected", &check.expected));
        text.push_str(&excerpt("    ", "observed", &check.observed));
    }
    for note in &evidence.notes {
        text.push_str(&format!("\n  {}", line(note, EXCERPT)));
    }
    if let Some(exchange) = evidence.exchanged() {
        text.push_str(&excerpt("  ", "exchange", &exchange));
    }
    text
}

/// `label: text`, on lines of its own when it has several.
fn excerpt(indent: &str, label: &str, text: &str) -> String {
    let text = cut(&lines(&text[..text.floor_char_boundary(EXCERPT + 4)]), EXCERPT);
    let mut shown = format!("\n{indent}{label}:");
    if text.contains('\n') {
        for line in text.lines() {
            shown.push_str(format!("\n{indent}  {line}").trim_end_matches(' '));
        }
    } else {
        shown.push_str(&format!(" {text}"));
    }
    shown
}
