//! What both channels say.

use qalipsis_judge::report::Report;
use qalipsis_model::evidence::Evidence;
use qalipsis_report::digest::{self, Cause};
use qalipsis_report::evidence;

/// The most causes of one message.
pub(crate) const CAUSES: usize = 10;

/// `FAILED nightly: 1000 minions, ...`.
pub(crate) fn title(report: &Report) -> String {
    format!("{} {}", report.verdict(), digest::headline(report))
}

/// What belongs to a cause: other kinds of failures, observed against expected, times, place. One line each.
pub(crate) fn facts(cause: &Cause<'_>) -> Vec<String> {
    // The message counts the kinds already.
    let mut facts: Vec<String> = cause.others().collect();
    facts.extend(cause.evidence.first().into_iter().flat_map(|first| evidence::checks(first)));
    facts.extend(cause.extent().chain(cause.at()));
    facts
}

/// The most exchanges of one iteration in a message.
const EXCHANGES: usize = 5;

/// One of the failures: where, what is known beside it, and what its iteration exchanged last. One line each.
pub(crate) fn example(evidence: &Evidence) -> Vec<String> {
    let facts = evidence::facts(evidence);
    let mut lines = vec![format!("for example at {}: {}", evidence.at.rfc3339(), facts.join(", "))];
    lines.extend(evidence.notes.iter().cloned());
    let exchanges = evidence::exchanges(evidence);
    let left_out = exchanges.len().saturating_sub(EXCHANGES);
    lines.extend((left_out > 0).then(|| format!("{left_out} earlier exchanges are in the report")));
    lines.extend(exchanges.into_iter().skip(left_out));
    lines
}

/// The beginning of `text` in at most `bytes` bytes.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes.saturating_sub(3))])
}
