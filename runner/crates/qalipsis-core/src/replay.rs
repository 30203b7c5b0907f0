//! One iteration of one minion that runs again, and sends every execution in full.

use crate::execution::{Exchange, Execution};
use crate::fault::Fault;
use parking_lot::Mutex;
use qalipsis_model::plan;
use qalipsis_model::snapshot::ExecutionOutcome;
use qalipsis_model::trace::{Trace, TracedFailure};
use std::fmt;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The executions that may wait for the head, before further ones are left out.
pub const CAPACITY: usize = 10_000;

/// Which iteration is replayed, and the way of its executions to the head.
pub struct Replay {
    plan: plan::Replay,
    sender: mpsc::Sender<Trace>,
    /// What running executions exchanged so far, by number of the execution.
    exchanges: Mutex<Vec<(u32, Exchange)>>,
}

impl Replay {
    /// The replay of the iteration that is planned; its executions go to `sender`.
    pub fn new(plan: plan::Replay, sender: mpsc::Sender<Trace>) -> Self {
        Self { plan, sender, exchanges: Mutex::new(Vec::new()) }
    }

    /// The iteration that is replayed.
    pub fn iteration(&self) -> u64 {
        self.plan.iteration
    }

    /// How many records of a data its minion had taken before; `None` when nobody knows.
    pub(crate) fn taken(&self, data: &str) -> Option<u64> {
        self.plan.taken.get(data).copied().unwrap_or(Some(self.plan.iteration))
    }

    /// Keeps what an execution exchanged until it ends.
    pub(crate) fn remember(&self, span: u32, exchange: Exchange) {
        self.exchanges.lock().push((span, exchange));
    }

    /// Sends an execution that ends now; without an outcome it was cancelled.
    pub(crate) fn send(
        &self,
        execution: &Execution,
        outcome: Option<ExecutionOutcome>,
        fault: Option<&Fault>,
    ) {
        let own = |(span, _): &mut (u32, Exchange)| *span == execution.span;
        let exchanges: Vec<(u32, Exchange)> = self.exchanges.lock().extract_if(.., own).collect();
        let trace = Trace {
            step: execution.step,
            kind: execution.kind,
            outcome,
            at: execution.minion.date(execution.started),
            service_ns: (Instant::now() - execution.started).as_nanos() as u64,
            latency_ns: execution.latency_ns,
            location: execution.location.into(),
            trace_id: execution.minion.trace_id(),
            exchanges: exchanges.iter().map(|(_, exchange)| exchange.details()).collect(),
            failure: fault.map(|fault| TracedFailure {
                kind: fault.kind,
                code: fault.code.clone().into_owned(),
                message: fault.message.clone(),
                checks: fault.checks.clone(),
                input: fault.input.clone(),
                exchange: fault.exchange.clone(),
            }),
        };
        // Beyond the capacity the figures still count it.
        let _ = self.sender.try_send(trace);
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("plan", &self.plan).finish_non_exhaustive()
    }
}
