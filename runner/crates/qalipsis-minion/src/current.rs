//! The execution that is being polled on this thread, for plugins and joins.
//!
//! A step action is any future, so it is not handed anything. What it may want to know (whose step
//! it serves, the trace to continue) or to record (what was exchanged) goes through here. Outside of
//! a step every call does nothing or returns `None`.

use crate::execution::Execution;
use crate::state::{MinionState, hexadecimal};
use qalipsis_recorder::exchanges::Exchange;
use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;
use tokio::time::Instant;

/// What is being polled on a thread.
struct Current {
    execution: Option<Execution>,
    /// The minion whose iteration it is, also between its steps.
    iteration: Option<Arc<MinionState>>,
}

thread_local! {
    static CURRENT: RefCell<Current> = const { RefCell::new(Current { execution: None, iteration: None }) };
}

/// Makes a minion the current one for as long as it lives.
#[derive(Debug)]
pub struct Entered<'a>(&'a mut Option<Arc<MinionState>>);

impl<'a> Entered<'a> {
    /// The minion of this iteration; it is taken out for so long.
    pub fn iteration(minion: &'a mut Option<Arc<MinionState>>) -> Self {
        CURRENT.with_borrow_mut(|current| std::mem::swap(&mut current.iteration, minion));
        Self(minion)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| std::mem::swap(&mut current.iteration, self.0));
    }
}

/// Something with the minion that is being polled on this thread, in a step or between steps.
pub fn on_minion<T>(read: impl FnOnce(&MinionState) -> T) -> Option<T> {
    CURRENT.with_borrow(|current| match &current.execution {
        Some(execution) => Some(read(&execution.minion)),
        None => current.iteration.as_deref().map(read),
    })
}

/// Makes `execution` the current one; returns the one that was.
pub fn swap(execution: Option<Execution>) -> Option<Execution> {
    CURRENT.with_borrow_mut(|current| std::mem::replace(&mut current.execution, execution))
}

/// Something with the execution that is being polled on this thread.
pub fn with<T>(read: impl FnOnce(&mut Execution) -> T) -> Option<T> {
    CURRENT.with_borrow_mut(|current| current.execution.as_mut().map(read))
}

/// The W3C `traceparent` header that continues the trace of this execution:
/// <https://www.w3.org/TR/trace-context/>.
pub fn traceparent() -> Option<String> {
    with(|execution| {
        let parent = (u64::from(execution.span) << 32) | (u64::from(execution.step) + 1);
        // Each request has one, and formatting a number costs more than all else in here.
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-01";
        text[3..35].copy_from_slice(&execution.minion.trace_digits());
        text[36..52].copy_from_slice(&hexadecimal(parent));
        String::from_utf8(text.to_vec()).expect("it is ASCII")
    })
}

/// Remembers what was exchanged until the iteration ends: the first 8 exchanges of an iteration and its last 24.
///
/// Call it when an exchange begins, with a value that shows how far it came, or when it has ended.
pub fn remember(exchange: Exchange) {
    remember_at(exchange, Instant::now());
}

/// The same, of an exchange that began, or a record that came, at `at`.
pub fn remember_at(exchange: Exchange, at: Instant) {
    with(|execution| {
        execution.remembered += 1;
        execution.minion.remember(execution.span, execution.step, exchange, at);
    });
}

/// The worker that runs the minion of this execution: plugins keep connections per worker.
pub fn worker() -> Option<u32> {
    with(|execution| execution.minion.worker_index())
}

/// The minion's own instance of `T` for `owner`, made by `make` on the first call.
///
/// It lives as long as the minion: cookies, connections of its own. `owner` distinguishes two
/// instances of the same plugin.
pub fn minion_state<T: Any + Send + Sync>(owner: usize, make: impl FnOnce() -> T) -> Option<Arc<T>> {
    with(|execution| Arc::clone(&execution.minion)).map(|minion| minion.extension(owner, make))
}
