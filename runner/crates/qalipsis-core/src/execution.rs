//! The execution that is being polled on this thread, for plugins and joins.
//!
//! A step action is any future, so it is not handed anything. What it may want to know (whose step
//! it serves, the trace to continue) or to record (what was exchanged) goes through here. Outside of
//! a step every call does nothing or returns `None`.

use crate::minion::MinionState;
use qalipsis_model::snapshot::StepKind;
use std::any::Any;
use std::cell::RefCell;
use std::panic::Location;
use std::sync::Arc;
use tokio::time::Instant;

/// What a plugin leaves with the minion to be shown if this or a later step of the iteration fails.
pub type Exchange = Arc<dyn Exchanged>;

/// One exchange with the system under test: a request and its answer, a statement and its rows, a record.
///
/// It is formatted only when evidence is made of it. Secrets must not appear.
pub trait Exchanged: Send + Sync {
    /// One line with method, target, status and time: `POST http://127.0.0.1:8080/orders → 202 in 3.1 ms`.
    fn summary(&self) -> String;

    /// All that is known of it: the request line, then bodies, then headers. Evidence shows its beginning.
    fn details(&self) -> String;
}

/// A text as it is; its first line is the summary.
impl Exchanged for String {
    fn summary(&self) -> String {
        self.lines().next().unwrap_or_default().to_owned()
    }

    fn details(&self) -> String {
        self.clone()
    }
}

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
    /// What its last attempt remembered.
    pub(crate) remembered: u32,
    /// Of a stage: how late it was, though its first step took the lateness.
    pub(crate) lag_ns: u64,
}

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
pub(crate) struct Entered<'a>(&'a mut Option<Arc<MinionState>>);

impl<'a> Entered<'a> {
    /// The minion of this iteration; it is taken out for so long.
    pub(crate) fn iteration(minion: &'a mut Option<Arc<MinionState>>) -> Self {
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
pub(crate) fn on_minion<T>(read: impl FnOnce(&MinionState) -> T) -> Option<T> {
    CURRENT.with_borrow(|current| match &current.execution {
        Some(execution) => Some(read(&execution.minion)),
        None => current.iteration.as_deref().map(read),
    })
}

/// Makes `execution` the current one; returns the one that was.
pub(crate) fn swap(execution: Option<Execution>) -> Option<Execution> {
    CURRENT.with_borrow_mut(|current| std::mem::replace(&mut current.execution, execution))
}

pub(crate) fn with<T>(read: impl FnOnce(&mut Execution) -> T) -> Option<T> {
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

/// 16 hexadecimal digits.
pub(crate) fn hexadecimal(number: u64) -> [u8; 16] {
    std::array::from_fn(|digit| b"0123456789abcdef"[(number >> (60 - 4 * digit)) as usize & 15])
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
        execution.minion.remember(execution, exchange, at);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_sixteen_digits() {
        for number in [0, 1, 0xfedc_ba98_7654_3210, u64::MAX] {
            assert_eq!(hexadecimal(number).as_slice(), format!("{number:016x}").as_bytes());
        }
    }
}
