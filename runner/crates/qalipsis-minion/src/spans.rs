//! `tracing` spans of iterations and steps, and events of minions, for `--log` and for authors who install a subscriber.
//!
//! Without one that wants them, a span is a few comparisons and nothing is formatted.

use crate::state::MinionState;
use qalipsis_model::event::{Level, Value};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::snapshot::ExecutionOutcome;
use qalipsis_recorder::exchanges::Exchanged;
use tracing::Span;
use tracing::field::Empty;

/// The span of an iteration of this minion, as long as it lives.
pub fn iteration(minion: &MinionState) -> Span {
    let scenario = minion.scenario();
    tracing::info_span!(
        target: "qalipsis",
        "iteration",
        campaign = scenario.key,
        scenario = scenario.name,
        minion = minion.index(),
        iteration = minion.iteration(),
        trace_id = minion.trace_id(),
        outcome = Empty,
    )
}

/// The span of an execution; inside of the iteration that polls it.
pub(crate) fn step(minion: &MinionState, step: u32) -> Span {
    tracing::info_span!(target: "qalipsis", "step", step = minion.step_name(step), outcome = Empty)
}

/// Notes how an iteration or an execution ended.
pub fn ended(span: &Span, outcome: ExecutionOutcome) {
    if !span.is_none() {
        span.record("outcome", outcome.name());
    }
}

/// Whether a subscriber wants events of this level.
pub(crate) fn is_logged(level: Level) -> bool {
    match level {
        Level::Trace => tracing::enabled!(target: "qalipsis", tracing::Level::TRACE),
        Level::Debug => tracing::enabled!(target: "qalipsis", tracing::Level::DEBUG),
        Level::Info => tracing::enabled!(target: "qalipsis", tracing::Level::INFO),
        Level::Warn => tracing::enabled!(target: "qalipsis", tracing::Level::WARN),
        Level::Error => tracing::enabled!(target: "qalipsis", tracing::Level::ERROR),
    }
}

/// Hands an event of a minion to the subscriber.
pub(crate) fn event(level: Level, name: &str, value: &Value) {
    let value = text(value);
    match level {
        Level::Trace => tracing::trace!(target: "qalipsis", "{name} = {value}"),
        Level::Debug => tracing::debug!(target: "qalipsis", "{name} = {value}"),
        Level::Info => tracing::info!(target: "qalipsis", "{name} = {value}"),
        Level::Warn => tracing::warn!(target: "qalipsis", "{name} = {value}"),
        Level::Error => tracing::error!(target: "qalipsis", "{name} = {value}"),
    }
}

/// Hands a failure to the subscriber.
pub(crate) fn failed(step: Option<&str>, kind: FailureKind, message: &str) {
    match step {
        Some(step) => tracing::warn!(target: "qalipsis", step, "{kind}: {message}"),
        None => tracing::warn!(target: "qalipsis", "{kind}: {message}"),
    }
}

/// Hands an exchange to the subscriber: one line for `debug`, all of it for `trace`.
pub(crate) fn exchange(step: &str, exchange: &dyn Exchanged) {
    if is_logged(Level::Trace) {
        tracing::trace!(target: "qalipsis", step, "{}", exchange.details());
    } else {
        tracing::debug!(target: "qalipsis", step, "{}", exchange.summary());
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Duration(ns) => qalipsis_model::duration::human_ns(*ns),
        Value::Text(text) => text.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Execution(executed) => executed.outcome.map_or("cancelled", ExecutionOutcome::name).to_owned(),
    }
}
