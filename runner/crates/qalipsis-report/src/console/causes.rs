//! Why the verdict is what it is: which step, why, who, since when, what was expected and observed, where.

use super::page::Page;
use super::style::{Mark, Paint};
use crate::digest::{self, Cause};
use crate::evidence;
use qalipsis_judge::report::Report;
use qalipsis_model::evidence::Evidence;

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
        evidence::checks(first).iter().for_each(|check| page.detail(Paint::Plain, check));
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

/// The most exchanges of one iteration that are listed.
const EXCHANGES: usize = 8;

/// Where to find one of the failures again, and what went over the wire.
fn example(page: &mut Page, evidence: &Evidence) {
    let facts = evidence::facts(evidence);
    if !facts.is_empty() {
        let text = format!("for example at {}: {}", evidence.at.time_of_day(), facts.join(", "));
        page.detail(Paint::Dim, &text);
    }
    evidence.notes.iter().for_each(|note| page.detail(Paint::Plain, note));
    let exchanges = evidence::exchanges(evidence);
    let left_out = exchanges.len().saturating_sub(EXCHANGES);
    if left_out > 0 {
        page.detail(Paint::Dim, &format!("{left_out} earlier exchanges are in the page and in summary.json"));
    }
    for line in exchanges.iter().skip(left_out) {
        page.detail(Paint::Dim, &format!("exchange: {line}"));
    }
    // What the last one said: bodies first, whole headers while there is room.
    if let Some(details) = evidence.exchanges.last().and_then(evidence::details) {
        let style = page.style();
        let columns = style.columns() - page.inset() - 2;
        let line = evidence::excerpt(&style.text_of_lines(details), columns, style.ellipsis());
        page.detail_line(Paint::Dim, &format!("  {line}"));
    }
}
