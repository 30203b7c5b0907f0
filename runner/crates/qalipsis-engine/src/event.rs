//! What a factory sends to its head.

use crate::snapshots::Waiting;
use qalipsis_model::event;
use qalipsis_model::evidence::Evidence;
use qalipsis_model::failure::FailedExecution;
use qalipsis_model::snapshot::Snapshot;
use qalipsis_model::trace::Trace;

/// What a factory sends while it runs.
#[derive(Debug)]
pub enum Event {
    /// The difference since the last one, with what counts it among those that wait.
    Snapshot(Snapshot, Waiting),
    /// One of the first failures of a step, in full.
    Evidence(Box<Evidence>),
    /// One execution of a replayed iteration, in full.
    Trace(Box<Trace>),
    /// The events that minions emitted, in the order of each worker.
    Events(Vec<event::Event>),
    /// Executions that failed, in the order in which they did.
    Failures(Vec<FailedExecution>),
    /// Scenario code blocks a worker for good; says who. Nothing follows.
    Stuck(String),
    /// The last minion has ended, and other factories have minions of the same scenarios.
    Finished,
    /// Everything ended and was sent.
    Ended,
}
