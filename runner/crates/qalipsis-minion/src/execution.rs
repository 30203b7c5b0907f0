//! One execution of one step, from its start to its record.

use crate::evidence::Place;
use crate::fault::Fault;
use crate::rng::MinionRng;
use crate::spans;
use crate::state::MinionState;
use crate::step_failed::StepFailed;
use qalipsis_model::duration::human;
use qalipsis_model::event::{EXECUTION, Executed, Level, Value};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::snapshot::{ExecutionOutcome, StepFigures, StepKind, Tolerance};
use qalipsis_model::trace::{Trace, TracedFailure};
use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use tokio::time::Instant;

/// One execution of one step.
#[derive(Debug)]
pub struct Execution {
    /// Whose it is.
    pub minion: Arc<MinionState>,
    /// Index of its step.
    pub step: u32,
    pub(crate) started: Instant,
    /// Where the scenario calls it.
    pub location: &'static Location<'static>,
    /// Its number in the life of its minion.
    pub span: u32,
    /// What its step does.
    pub kind: StepKind,
    /// Of a join: from trigger to arrival.
    pub latency_ns: Option<u64>,
    /// Of a join whose record is overdue: the evidence to use, if one is to be kept.
    pub reserved: Option<Option<u64>>,
    /// What its last attempt remembered.
    pub(crate) remembered: u32,
    /// Of a stage: how late it was, though its first step took the lateness.
    pub(crate) lag_ns: u64,
}

impl Execution {
    /// It starts now.
    pub fn start(minion: Arc<MinionState>, step: u32, location: &'static Location<'static>) -> Self {
        let started = Instant::now();
        let span = minion.step_started(step, started);
        Self {
            minion,
            step,
            started,
            location,
            span,
            kind: StepKind::Action,
            latency_ns: None,
            reserved: None,
            remembered: 0,
            lag_ns: 0,
        }
    }

    /// It is about to succeed, but only after a retry.
    pub(crate) fn flaky(&self, cause: String) {
        self.change(|figures| {
            figures.flaky += 1;
            figures.flaky_cause.get_or_insert(cause);
        });
    }

    /// So many executions of the step may fail.
    pub(crate) fn tolerate(&self, tolerance: Tolerance) {
        self.change(|figures| figures.tolerate(tolerance));
    }

    /// Randomness for the wait after `attempt`, apart from what the scenario draws.
    pub(crate) fn backoff_rng(&self, attempt: u32) -> MinionRng {
        // What a scenario draws counts from 0, so that the upper half is free.
        self.minion.draw((1 << 31) | (self.step & 0x7fff) << 16 | (attempt & 0xffff))
    }

    fn change(&self, change: impl FnOnce(&mut StepFigures)) {
        let (scenario, place) = (self.minion.scenario_index(), (self.kind, self.location));
        self.minion.recorder().step(scenario, self.step, place, change);
    }

    pub(crate) fn succeeded(self) {
        self.record(ExecutionOutcome::Success, None);
    }

    pub(crate) fn failed(self, fault: Fault) -> StepFailed {
        let failed = self.minion.failed(self.minion.step_name(self.step), fault.kind);
        self.record(fault.outcome(), Some(fault));
        failed
    }

    /// The execution was dropped: by the scenario, by a hard stop, or by the limit of its iteration.
    pub(crate) fn cancelled(self) {
        if let Some(limit) = self.minion.iteration_timed_out() {
            let _recorded = self.failed(Fault::timeout(format!(
                "the iteration did not end within {} (campaign.limits.iteration), this step was still running",
                human(limit)
            )));
            return;
        }
        self.change(|figures| figures.cancelled += 1);
        self.trace(None, None);
        let ended = Instant::now();
        self.emit(ended, || {
            let service_ns = (ended - self.started).as_nanos() as u64;
            let response_ns = service_ns + self.lag_ns.max(self.minion.lag());
            Executed { outcome: None, failure: None, service_ns, response_ns }
        });
    }

    /// Sends the execution in full when its iteration is replayed.
    fn trace(&self, outcome: Option<ExecutionOutcome>, fault: Option<&Fault>) {
        let Some(replay) = &self.minion.scenario().replay else { return };
        let exchanges = replay.take_exchanges(self.span);
        replay.send(Trace {
            step: self.step,
            kind: self.kind,
            outcome,
            at: self.minion.date(self.started),
            service_ns: (Instant::now() - self.started).as_nanos() as u64,
            latency_ns: self.latency_ns,
            location: self.location.into(),
            trace_id: self.minion.trace_id(),
            exchanges: exchanges.iter().map(|exchange| exchange.details()).collect(),
            failure: fault.map(|fault| TracedFailure {
                kind: fault.kind,
                code: fault.code.clone().into_owned(),
                message: fault.message.clone(),
                checks: fault.checks.clone(),
                input: fault.input.clone(),
                exchange: fault.exchange.clone(),
            }),
        });
    }

    fn record(self, outcome: ExecutionOutcome, fault: Option<Fault>) {
        let ended = Instant::now();
        if self.remembered > 0 && spans::is_logged(Level::Debug) {
            self.minion.log_exchanges(self.step, self.remembered);
        }
        self.trace(Some(outcome), fault.as_ref());
        let service_ns = (ended - self.started).as_nanos() as u64;
        let response_ns = service_ns + self.lag_ns.max(self.minion.take_lag());
        let first = self.minion.first_execution(self.step);
        let first_failed = fault.is_some() && self.minion.first_failure(self.step);
        // Few executions are dated, and only those that failed or that are events.
        let at = fault.as_ref().map(|_| self.minion.date(ended));
        self.emit(ended, || Executed {
            outcome: Some(outcome),
            failure: fault.as_ref().map(|fault| fault.kind),
            service_ns,
            response_ns,
        });
        self.change(|figures| {
            figures.record(outcome, service_ns, response_ns);
            figures.minions += u64::from(first);
            if let Some(latency) = self.latency_ns {
                let late = matches!(&fault, Some(f) if f.kind == FailureKind::JoinLate);
                let histogram = if late { &mut figures.late } else { &mut figures.latency };
                histogram.get_or_insert_default().record(latency);
            }
            if let (Some(fault), Some(at)) = (&fault, at) {
                figures.failed_minions += u64::from(first_failed);
                if !fault.recorded {
                    figures.record_failure(fault.kind, at);
                }
            }
        });
        if let (Some(fault), Some(at)) = (fault.filter(|fault| !fault.recorded), at) {
            let Self { step, started, location, remembered, .. } = self;
            self.minion.keep(Some(Place { step, started, location, remembered }), self.reserved, fault, at);
        }
    }

    /// Emits an event that says how the execution ended, when its step is monitored and events are collected.
    fn emit(&self, ended: Instant, executed: impl FnOnce() -> Executed) {
        if self.minion.events().is_some() && self.minion.monitor(self.step).events() {
            let executed = executed();
            let (at, value) = (self.minion.date(ended), Value::Execution(executed));
            self.minion.emit(at, Some(self.step), executed.level(), Cow::Borrowed(EXECUTION), value);
        }
    }
}
