//! Evidence: the record of one failure with its exchanges, which every output shows.

use crate::location::SourceLocation;
use crate::number::number;
use crate::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

/// Why an execution or a criterion failed; the `type` of a JUnit failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// A check saw something else than it expected.
    Assertion,
    /// The step could not do its work.
    Error,
    /// The step, or the iteration it belongs to, took longer than its limit.
    Timeout,
    /// Scenario code panicked.
    Panic,
    /// The awaited record never came.
    JoinMissing,
    /// The awaited record came after its deadline.
    JoinLate,
    /// A further record came for a key already matched, where a criterion forbids it.
    JoinDuplicate,
    /// A record came that no minion expected, where a criterion forbids it.
    JoinOrphan,
    /// Records of one key came in another order than theirs.
    JoinOutOfOrder,
    /// A record could not be decoded.
    Undecodable,
    /// A source outside of any minion failed.
    Source,
    /// A criterion on durations was breached.
    Latency,
    /// A criterion on the share of failed executions was breached.
    ErrorRate,
    /// A criterion on the number of executions was breached.
    Count,
    /// A criterion on the number of executions per second was breached.
    Throughput,
    /// A criterion on a meter was breached.
    Meter,
    /// What had to be executed never was.
    NeverExecuted,
    /// It is worse than in the baseline.
    Regression,
    /// There was nothing to judge.
    NoData,
}

impl FailureKind {
    /// Every kind, in the order of their discriminants.
    pub const ALL: [Self; 19] = [
        Self::Assertion,
        Self::Error,
        Self::Timeout,
        Self::Panic,
        Self::JoinMissing,
        Self::JoinLate,
        Self::JoinDuplicate,
        Self::JoinOrphan,
        Self::JoinOutOfOrder,
        Self::Undecodable,
        Self::Source,
        Self::Latency,
        Self::ErrorRate,
        Self::Count,
        Self::Throughput,
        Self::Meter,
        Self::NeverExecuted,
        Self::Regression,
        Self::NoData,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Assertion => "assertion",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
            Self::JoinMissing => "join-missing",
            Self::JoinLate => "join-late",
            Self::JoinDuplicate => "join-duplicate",
            Self::JoinOrphan => "join-orphan",
            Self::JoinOutOfOrder => "join-out-of-order",
            Self::Undecodable => "undecodable",
            Self::Source => "source",
            Self::Latency => "latency",
            Self::ErrorRate => "error-rate",
            Self::Count => "count",
            Self::Throughput => "throughput",
            Self::Meter => "meter",
            Self::NeverExecuted => "never-executed",
            Self::Regression => "regression",
            Self::NoData => "no-data",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The longest excerpt that is kept of an input, an exchange or a value, in bytes.
pub const EXCERPT_LIMIT: usize = 2048;

/// The first exchanges of an iteration that are kept; those left out come after them.
pub const FIRST_EXCHANGES: usize = 8;

/// The record of one failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Unique in its factory. A later one with the same id replaces the earlier: a missing record turned out late.
    pub id: u64,
    /// Name of the scenario.
    pub scenario: String,
    /// Index of the step in its scenario; `None` when it happened outside of any step.
    pub step: Option<u32>,
    /// When it failed.
    pub at: Timestamp,
    /// Index of the minion; `None` when no minion is concerned.
    pub minion: Option<u32>,
    /// Iteration of that minion, from 0.
    pub iteration: u64,
    /// How many records that minion had taken before that iteration, by name of the data.
    pub taken: BTreeMap<String, u64>,
    /// Zone of the factory.
    pub zone: Option<String>,
    /// Attempt, from 1.
    pub attempt: u32,
    /// Why.
    pub kind: FailureKind,
    /// A stable word below the kind, for grouping: `connect`, `dns`, `tls`; may be empty.
    pub code: String,
    /// One line that a person understands without the rest.
    pub message: String,
    /// The checks that failed, each with its own place.
    pub checks: Vec<FailedCheck>,
    /// What was exchanged in that iteration so far, in order of time; of a record that no minion expected, the record.
    pub exchanges: Vec<ExchangeRecord>,
    /// Exchanges in the middle that are left out.
    pub exchanges_omitted: u32,
    /// Sentences that stand beside the failure: what else is known of its cause.
    pub notes: Vec<String>,
    /// Of a join: the name of its source.
    pub source: Option<String>,
    /// Of a join: the key.
    pub key: Option<String>,
    /// W3C trace id.
    pub trace_id: Option<String>,
    /// The step in the scenario's source.
    pub location: Option<SourceLocation>,
}

/// One exchange with the system under test: a request and its answer, a statement and its rows, a record that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRecord {
    /// Name of the step that made it; `None` outside of any step.
    pub step: Option<String>,
    /// When it began, or when the record came.
    pub at: Timestamp,
    /// One line: `POST http://127.0.0.1:8080/orders → 202 in 3.1 ms`.
    pub summary: String,
    /// All that is known of it, excerpt.
    pub details: String,
}

impl Evidence {
    /// All exchanges as one text, each with its step when they are several; `None` without any.
    pub fn exchanged(&self) -> Option<String> {
        let details = |one: &ExchangeRecord| match one.details.is_empty() {
            true => one.summary.clone(),
            false => one.details.clone(),
        };
        match &self.exchanges[..] {
            [] => None,
            [one] => Some(details(one)),
            several => {
                let text = |one: &ExchangeRecord| {
                    let step = one.step.as_deref().unwrap_or("outside of steps");
                    format!("{step} at {}: {}", one.at.time_of_day(), details(one))
                };
                Some(several.iter().map(text).collect::<Vec<_>>().join("\n\n"))
            }
        }
    }
}

/// One check that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCheck {
    /// What was checked.
    pub name: String,
    /// What was expected, excerpt.
    pub expected: String,
    /// What was observed, excerpt.
    pub observed: String,
    /// The check in the scenario's source.
    pub location: Option<SourceLocation>,
}

/// The beginning of `text`, at most [`EXCERPT_LIMIT`] bytes, with how much is left out.
pub fn excerpt(text: &str) -> String {
    if text.len() <= EXCERPT_LIMIT {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(EXCERPT_LIMIT - 40);
    format!("{}… ({} more bytes)", &text[..end], text.len() - end)
}

impl FailureKind {
    /// One failure of this kind, for people: `late record`.
    pub fn noun(self) -> &'static str {
        self.nouns().0
    }

    /// So many failures of this kind, for people: `3 late records`.
    pub fn counted(self, count: u64) -> String {
        let (one, many) = self.nouns();
        format!("{} {}", number(count), if count == 1 { one } else { many })
    }

    fn nouns(self) -> (&'static str, &'static str) {
        match self {
            Self::Assertion => ("failed verification", "failed verifications"),
            Self::Error => ("error", "errors"),
            Self::Timeout => ("timeout", "timeouts"),
            Self::Panic => ("panic", "panics"),
            Self::JoinMissing => ("missing record", "missing records"),
            Self::JoinLate => ("late record", "late records"),
            Self::JoinDuplicate => ("duplicate record", "duplicate records"),
            Self::JoinOutOfOrder => ("record out of order", "records out of order"),
            Self::JoinOrphan => ("record that no minion expected", "records that no minion expected"),
            Self::Undecodable => ("record that could not be decoded", "records that could not be decoded"),
            Self::Source => ("failure of a source", "failures of a source"),
            _ => ("failure", "failures"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_listed_in_the_order_of_their_discriminants() {
        for (index, kind) in FailureKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }

    #[test]
    fn an_excerpt_ends_at_a_character_and_says_what_is_left_out() {
        let text = "é".repeat(5000);
        let cut = excerpt(&text);
        assert!(cut.len() <= EXCERPT_LIMIT && cut.ends_with(" more bytes)"), "{cut}");
        assert_eq!(excerpt("short"), "short");
    }
}
