//! Why the verdict is what it is: which step, why, who, since when, what was expected and observed, where.

use super::page::Page;
use super::style::{Mark, Paint};
use crate::digest::{self, Cause};
use qalipsis_model::evidence::Evidence;
use qalipsis_model::report::Report;

/// The most causes that are shown in full; the tables below name every step anyway.
const SHOWN: usize = 20;

pub(super) fn show(page: &mut Page, report: &Report) {
    let causes = digest::causes(report);
    for one in causes.iter().take(SHOWN) {
        page.gap();
        cause(page, one);
    }
    if let Some(more) = causes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        page.gap();
        page.detail(Paint::Plain, &format!("and {more} more, marked in the tables below"));
    }
}

fn cause(page: &mut Page, cause: &Cause<'_>) {
    let place = cause.place_within(page.style().within());
    page.headed(Mark::Failed, &place, Paint::Strong, cause.kind);
    page.detail(Paint::Plain, cause.message);
    cause.others().for_each(|other| page.detail(Paint::Plain, &other));
    let first = cause.evidence.first();
    if let Some(first) = first {
        checks(page, first);
    }
    for fact in cause.extent() {
        page.detail(Paint::Plain, &fact);
    }
    if let Some(first) = first {
        example(page, first);
    }
    if let Some(at) = cause.at() {
        page.detail(Paint::Plain, &at);
    }
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
    for note in &evidence.notes {
        page.detail(Paint::Plain, note);
    }
    if let Some(text) = evidence.exchanged() {
        // Head and body of a message side by side: the whole is in the JUnit file.
        let text: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        page.detail_line(Paint::Dim, &format!("exchange: {}", text.join("  ")));
    }
}
