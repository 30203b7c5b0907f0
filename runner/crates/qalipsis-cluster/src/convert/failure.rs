//! Evidence, failed executions, traces.

use super::common::{
    Texts, at_most, mirror, read_kind, read_location, read_outcome, read_text, required, write_kind,
    write_location, write_outcome,
};
use crate::malformed::Malformed;
use crate::message::BATCH;
use crate::wire::failure as wire;
use qalipsis_model::evidence::{Evidence, ExchangeRecord, FailedCheck, FailureKind};
use qalipsis_model::failure::FailedExecution;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::trace::{Trace, TracedFailure};

mirror!(
    write_failure_kind,
    read_failure_kind,
    FailureKind,
    wire::FailureKind,
    "kind of failure",
    [
        Assertion,
        Error,
        Timeout,
        Panic,
        JoinMissing,
        JoinLate,
        JoinDuplicate,
        JoinOrphan,
        JoinOutOfOrder,
        Undecodable,
        Source,
        Latency,
        ErrorRate,
        Count,
        Throughput,
        Meter,
        NeverExecuted,
        Regression,
        NoData,
    ]
);

/// A kind that must be given.
pub(super) fn read_required_kind(kind: i32) -> Result<FailureKind, Malformed> {
    required(read_failure_kind(kind)?, "kind of failure")
}

pub(super) fn write_evidence(evidence: &Evidence) -> wire::Evidence {
    let exchange = |exchange: &ExchangeRecord| wire::Exchange {
        step: exchange.step.clone(),
        at_unix_ns: exchange.at.0,
        summary: exchange.summary.clone(),
        details: exchange.details.clone(),
    };
    wire::Evidence {
        id: evidence.id,
        scenario: evidence.scenario.clone(),
        step: evidence.step,
        at_unix_ns: evidence.at.0,
        minion: evidence.minion,
        iteration: evidence.iteration,
        taken: evidence.taken.clone(),
        zone: evidence.zone.clone(),
        attempt: evidence.attempt,
        kind: write_failure_kind(evidence.kind),
        code: evidence.code.clone(),
        message: evidence.message.clone(),
        checks: evidence.checks.iter().map(write_check).collect(),
        exchanges: evidence.exchanges.iter().map(exchange).collect(),
        exchanges_omitted: evidence.exchanges_omitted,
        notes: evidence.notes.clone(),
        source: evidence.source.clone(),
        key: evidence.key.clone(),
        trace_id: evidence.trace_id.clone(),
        location: evidence.location.as_ref().map(write_location),
    }
}

pub(super) fn read_evidence(evidence: wire::Evidence) -> Result<Evidence, Malformed> {
    let exchange = |exchange: wire::Exchange| ExchangeRecord {
        step: exchange.step,
        at: Timestamp(exchange.at_unix_ns),
        summary: exchange.summary,
        details: exchange.details,
    };
    Ok(Evidence {
        id: evidence.id,
        scenario: evidence.scenario,
        step: evidence.step,
        at: Timestamp(evidence.at_unix_ns),
        minion: evidence.minion,
        iteration: evidence.iteration,
        taken: evidence.taken,
        zone: evidence.zone,
        attempt: evidence.attempt,
        kind: read_required_kind(evidence.kind)?,
        code: evidence.code,
        message: evidence.message,
        checks: evidence.checks.into_iter().map(read_check).collect(),
        exchanges: evidence.exchanges.into_iter().map(exchange).collect(),
        exchanges_omitted: evidence.exchanges_omitted,
        notes: evidence.notes,
        source: evidence.source,
        key: evidence.key,
        trace_id: evidence.trace_id,
        location: evidence.location.map(read_location),
    })
}

fn write_check(check: &FailedCheck) -> wire::FailedCheck {
    wire::FailedCheck {
        name: check.name.clone(),
        expected: check.expected.clone(),
        observed: check.observed.clone(),
        location: check.location.as_ref().map(write_location),
    }
}

fn read_check(check: wire::FailedCheck) -> FailedCheck {
    FailedCheck {
        name: check.name,
        expected: check.expected,
        observed: check.observed,
        location: check.location.map(read_location),
    }
}

pub(super) fn write_failed(failed: &[FailedExecution]) -> wire::FailedExecutions {
    let mut texts = Texts::default();
    let executions = failed
        .iter()
        .map(|execution| wire::FailedExecution {
            at_unix_ns: execution.at.0,
            scenario: texts.index(&execution.scenario),
            step: execution.step,
            key: execution.key.clone(),
            minion: execution.minion,
            iteration: execution.iteration,
            kind: write_failure_kind(execution.kind),
            message: texts.index(&execution.message),
            trace_id: execution.trace_id.clone(),
        })
        .collect();
    wire::FailedExecutions { texts: texts.into_list(), executions }
}

pub(super) fn read_failed(failed: wire::FailedExecutions) -> Result<Vec<FailedExecution>, Malformed> {
    let wire::FailedExecutions { texts, executions } = failed;
    at_most(BATCH, executions.len(), "executions")?;
    let read = |(place, execution)| {
        read_failed_execution(execution, &texts).map_err(|error| error.within(format!("execution {place}")))
    };
    executions.into_iter().enumerate().map(read).collect()
}

fn read_failed_execution(
    execution: wire::FailedExecution,
    texts: &[String],
) -> Result<FailedExecution, Malformed> {
    Ok(FailedExecution {
        at: Timestamp(execution.at_unix_ns),
        scenario: read_text(texts, execution.scenario, "scenario")?.clone(),
        step: execution.step,
        key: execution.key,
        minion: execution.minion,
        iteration: execution.iteration,
        kind: read_required_kind(execution.kind)?,
        message: read_text(texts, execution.message, "message")?.clone(),
        trace_id: execution.trace_id,
    })
}

pub(super) fn write_trace(trace: &Trace) -> wire::Trace {
    wire::Trace {
        step: trace.step,
        kind: write_kind(trace.kind),
        outcome: trace.outcome.map_or(0, write_outcome),
        at_unix_ns: trace.at.0,
        service_ns: trace.service_ns,
        latency_ns: trace.latency_ns,
        location: Some(write_location(&trace.location)),
        trace_id: trace.trace_id.clone(),
        exchanges: trace.exchanges.clone(),
        failure: trace.failure.as_ref().map(|failure| wire::TracedFailure {
            kind: write_failure_kind(failure.kind),
            code: failure.code.clone(),
            message: failure.message.clone(),
            checks: failure.checks.iter().map(write_check).collect(),
            input: failure.input.clone(),
            exchange: failure.exchange.clone(),
        }),
    }
}

pub(super) fn read_trace(trace: wire::Trace) -> Result<Trace, Malformed> {
    let failure = |failure: wire::TracedFailure| -> Result<TracedFailure, Malformed> {
        Ok(TracedFailure {
            kind: read_required_kind(failure.kind)?,
            code: failure.code,
            message: failure.message,
            checks: failure.checks.into_iter().map(read_check).collect(),
            input: failure.input,
            exchange: failure.exchange,
        })
    };
    Ok(Trace {
        step: trace.step,
        kind: required(read_kind(trace.kind)?, "kind of step")?,
        outcome: read_outcome(trace.outcome)?,
        at: Timestamp(trace.at_unix_ns),
        service_ns: trace.service_ns,
        latency_ns: trace.latency_ns,
        location: read_location(required(trace.location, "location")?),
        trace_id: trace.trace_id,
        exchanges: trace.exchanges,
        failure: trace.failure.map(failure).transpose()?,
    })
}
