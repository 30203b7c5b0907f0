//! `tracing` spans of passes and steps, for authors who install a subscriber.
//!
//! Without one that wants them, a span is a few comparisons and nothing is formatted.

use crate::minion::MinionState;
use qalipsis_model::snapshot::ExecutionOutcome;
use tracing::Span;
use tracing::field::Empty;

/// The span of a pass of this minion, as long as it lives.
pub fn pass(minion: &MinionState) -> Span {
    let scenario = minion.scenario();
    tracing::info_span!(
        target: "qalipsis",
        "pass",
        campaign = scenario.key,
        scenario = scenario.name,
        minion = minion.index(),
        iteration = minion.iteration(),
        trace_id = minion.trace_id(),
        outcome = Empty,
    )
}

/// The span of an execution; inside of the pass that polls it.
pub(crate) fn step(minion: &MinionState, step: u32) -> Span {
    tracing::info_span!(target: "qalipsis", "step", step = minion.step_name(step), outcome = Empty)
}

/// Notes how a pass or an execution ended.
pub fn ended(span: &Span, outcome: ExecutionOutcome) {
    if !span.is_none() {
        span.record("outcome", outcome.name());
    }
}
