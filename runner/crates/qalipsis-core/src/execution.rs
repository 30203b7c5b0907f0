//! The execution that is being polled on this thread, for plugins and joins.
//!
//! A step action is any future, so it is not handed anything. What it may want to know (whose step
//! it serves, the trace to continue) or to tell (what was exchanged) goes through here. Outside of
//! a step every call does nothing or returns `None`.

use crate::minion::MinionState;
use qalipsis_model::snapshot::StepKind;
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use tokio::time::Instant;

/// What a plugin leaves with the minion to be shown if this or a later step of the pass fails.
///
/// It is formatted only then. Secrets must not appear.
pub type Exchange = Arc<dyn fmt::Display + Send + Sync>;

/// One execution of one step.
#[derive(Debug)]
pub struct Execution {
    pub(crate) minion: Arc<MinionState>,
    pub(crate) step: u32,
    pub(crate) started: Instant,
    pub(crate) location: &'static Location<'static>,
    pub(crate) span: u32,
    pub(crate) kind: StepKind,
    /// Of a join: from trigger to arrival.
    pub(crate) latency_ns: Option<u64>,
    /// Of a join whose record is overdue: the evidence to use, if one is to be kept.
    pub(crate) reserved: Option<Option<u64>>,
    /// Of a stage: how late it was, though its first step took the lateness.
    pub(crate) lag_ns: u64,
}

thread_local! {
    static CURRENT: RefCell<Option<Execution>> = const { RefCell::new(None) };
}

/// Makes `execution` the current one; returns the one that was.
pub(crate) fn swap(execution: Option<Execution>) -> Option<Execution> {
    CURRENT.with_borrow_mut(|current| std::mem::replace(current, execution))
}

pub(crate) fn with<T>(read: impl FnOnce(&mut Execution) -> T) -> Option<T> {
    CURRENT.with_borrow_mut(|current| current.as_mut().map(read))
}

/// The W3C `traceparent` header that continues the trace of this execution:
/// <https://www.w3.org/TR/trace-context/>.
pub fn traceparent() -> Option<String> {
    with(|execution| {
        let trace = execution.minion.trace_id();
        let parent = (u64::from(execution.span) << 32) | (u64::from(execution.step) + 1);
        format!("00-{trace}-{parent:016x}-01")
    })
}

/// Remembers what was exchanged; a later call in the same pass replaces it.
pub fn remember(exchange: Exchange) {
    with(|execution| execution.minion.remember(execution.span, exchange));
}

/// The worker that runs the minion of this execution: plugins keep connections per worker.
pub fn worker() -> Option<u32> {
    with(|execution| execution.minion.worker_index())
}

/// The minion's own instance of `T` for `owner`, made by `make` on the first call.
///
/// It lives as long as the minion: cookies, connections of its own. `owner` tells apart two
/// instances of the same plugin.
pub fn minion_state<T: Any + Send + Sync>(owner: usize, make: impl FnOnce() -> T) -> Option<Arc<T>> {
    with(|execution| Arc::clone(&execution.minion)).map(|minion| minion.extension(owner, make))
}
