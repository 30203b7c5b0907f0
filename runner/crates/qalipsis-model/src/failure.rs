//! Executions that failed, one short line each: all of them, where evidence is only of the first ones.

use crate::evidence::FailureKind;
use crate::timestamp::Timestamp;

/// The longest message of a line, in bytes.
pub const MESSAGE_LIMIT: usize = 500;

/// One execution that failed, as its factory reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedExecution {
    /// When it failed.
    pub at: Timestamp,
    /// Name of the scenario.
    pub scenario: String,
    /// Index of the step in its scenario; `None` when the iteration failed outside of any step.
    pub step: Option<u32>,
    /// Of a join: the key, as it is shown in messages.
    pub key: Option<String>,
    /// Index of the minion; `None` when no minion is concerned.
    pub minion: Option<u32>,
    /// Iteration of that minion, from 0.
    pub iteration: u64,
    /// Why.
    pub kind: FailureKind,
    /// One line, at most [`MESSAGE_LIMIT`] bytes.
    pub message: String,
    /// W3C trace id.
    pub trace_id: Option<String>,
}

/// How many failed executions there were, and how many of them are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnlistedFailures {
    /// Not listed because as many as may be are listed already.
    pub beyond_limit: u64,
    /// Not listed because a buffer was full.
    pub dropped: u64,
}

impl UnlistedFailures {
    /// Whether all are listed.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How many are not listed.
    pub fn count(&self) -> u64 {
        self.beyond_limit + self.dropped
    }

    /// Adds the difference that a factory reports.
    pub fn add(&mut self, other: Self) {
        self.beyond_limit += other.beyond_limit;
        self.dropped += other.dropped;
    }
}

/// The beginning of a message, on one line and at most [`MESSAGE_LIMIT`] bytes.
pub fn line(message: &str) -> String {
    let end = message.floor_char_boundary(MESSAGE_LIMIT);
    let line = &message[..end];
    let rest = if end < message.len() { "…" } else { "" };
    format!("{}{rest}", line.replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_short_line() {
        assert_eq!(line("expected 2,\nobserved 3"), "expected 2, observed 3");
        let long = line(&"é".repeat(1_000));
        assert!(long.len() <= MESSAGE_LIMIT + 3 && long.ends_with('…'), "{long}");
    }
}
