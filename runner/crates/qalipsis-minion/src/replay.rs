//! One iteration of one minion that runs again, and sends every execution in full.

use parking_lot::Mutex;
use qalipsis_model::plan;
use qalipsis_model::trace::Trace;
use qalipsis_recorder::exchanges::Exchange;
use std::fmt;
use tokio::sync::mpsc;

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

    /// Takes what an execution exchanged.
    pub(crate) fn take_exchanges(&self, span: u32) -> Vec<Exchange> {
        let own = |(of, _): &mut (u32, Exchange)| *of == span;
        self.exchanges.lock().extract_if(.., own).map(|(_, exchange)| exchange).collect()
    }

    /// Sends an execution that ends now.
    pub(crate) fn send(&self, trace: Trace) {
        // Beyond the capacity the figures still count it.
        let _ = self.sender.try_send(trace);
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("plan", &self.plan).finish_non_exhaustive()
    }
}
