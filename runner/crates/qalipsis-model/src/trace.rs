//! One execution of a replayed minion in full.

use crate::evidence::{FailedCheck, FailureKind};
use crate::location::SourceLocation;
use crate::snapshot::{ExecutionOutcome, StepKind};
use crate::timestamp::Timestamp;

/// One execution of a step. Nothing is cut, and secrets are redacted where the texts are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Index of the step in its scenario.
    pub step: u32,
    /// What it turned out to be.
    pub kind: StepKind,
    /// How it ended; `None` when the scenario dropped it before its end.
    pub outcome: Option<ExecutionOutcome>,
    /// When it started.
    pub at: Timestamp,
    /// From its start to its end.
    pub service_ns: u64,
    /// Of a join: from the start of the triggering step to the arrival of the record.
    pub latency_ns: Option<u64>,
    /// Where the scenario executes it.
    pub location: SourceLocation,
    /// W3C trace id.
    pub trace_id: String,
    /// What was exchanged, input included, in the order in which the exchanges ended.
    pub exchanges: Vec<String>,
    /// Why it did not succeed.
    pub failure: Option<TracedFailure>,
}

/// Why an execution did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedFailure {
    /// Why.
    pub kind: FailureKind,
    /// A stable word below the kind; may be empty.
    pub code: String,
    /// One line that a person understands.
    pub message: String,
    /// The checks that failed.
    pub checks: Vec<FailedCheck>,
    /// What was sent, when no exchange shows it.
    pub input: Option<String>,
    /// What was exchanged until it failed.
    pub exchange: Option<String>,
}
