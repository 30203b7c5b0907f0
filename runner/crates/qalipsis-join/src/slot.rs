//! Where records wait for the minion that awaits them.

use parking_lot::Mutex;
use qalipsis_minion::panics;
use qalipsis_minion::state::Triggered;
use qalipsis_recorder::exchanges::Exchange;
use std::task::Waker;
use tokio::time::Instant;

/// Whether a record is the awaited one.
pub(crate) type Until<R> = Box<dyn Fn(&R) -> bool + Send + Sync>;

/// The records of one awaited key.
///
/// There is one for each expectation: of a small record it has 120 bytes with the counts of its `Arc`, which is among
/// the sizes that allocators are fast with. What few keys have is in boxes.
pub(crate) struct Slot<R> {
    wanted: u32,
    /// Of several states of a key, the one that is awaited.
    until: Option<Box<Until<R>>>,
    state: Mutex<State<R>>,
}

struct State<R> {
    /// Most keys have one record, and no allocation is made for it.
    first: Option<ReceivedRecord<R>>,
    count: u32,
    /// The number of the execution that triggers it, once that started.
    triggered_by: u32,
    triggered_at: Option<Instant>,
    waker: Option<Waker>,
    rest: Option<Box<Rest<R>>>,
}

/// What few keys have.
struct Rest<R> {
    /// The records after the first.
    more: Vec<ReceivedRecord<R>>,
    seen: Option<Seen<R>>,
    /// When a record of the key came before it was expected.
    came_before: Option<Instant>,
}

/// Records that are not the awaited one yet.
struct Seen<R> {
    count: u32,
    last: ReceivedRecord<R>,
    /// Why the condition could not be evaluated.
    panic: Option<String>,
}

/// A record and the instant of its arrival.
pub(crate) struct ReceivedRecord<R> {
    pub(crate) record: R,
    pub(crate) at: Instant,
    /// How evidence shows it, where its source has said so.
    pub(crate) shown: Option<Box<Exchange>>,
}

/// All records of a key, in the order of their arrival.
pub(crate) struct Arrived<R> {
    pub(crate) first: ReceivedRecord<R>,
    pub(crate) more: Vec<ReceivedRecord<R>>,
    /// Records before these that did not meet the condition.
    seen: u32,
}

impl<R> Arrived<R> {
    /// How many records of the key have come.
    pub(crate) fn records(&self) -> u64 {
        1 + self.more.len() as u64 + u64::from(self.seen)
    }

    /// When the last one came.
    pub(crate) fn last_at(&self) -> Instant {
        self.more.last().unwrap_or(&self.first).at
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ReceivedRecord<R>> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

impl<R> Slot<R> {
    /// For so many records, or for the first one that meets a condition.
    #[inline]
    pub(crate) fn new(wanted: u32, until: Option<Until<R>>) -> Self {
        let state =
            State { first: None, count: 0, triggered_by: 0, triggered_at: None, waker: None, rest: None };
        Self { wanted: wanted.max(1), until: until.map(Box::new), state: Mutex::new(state) }
    }

    /// How many records it is for.
    pub(crate) fn wanted(&self) -> u32 {
        self.wanted
    }

    /// Whether it is for a record that meets a condition.
    pub(crate) fn has_condition(&self) -> bool {
        self.until.is_some()
    }

    /// How many records of the key have come.
    pub(crate) fn records(&self) -> u32 {
        let state = self.state.lock();
        state.count + state.seen()
    }

    /// The number of records that were seen before the condition is met, and what `read` makes of the last.
    pub(crate) fn seen<T>(&self, read: impl FnOnce(&ReceivedRecord<R>) -> T) -> Option<(u32, T)> {
        let state = self.state.lock();
        let seen = state.rest.as_ref()?.seen.as_ref()?;
        Some((seen.count, read(&seen.last)))
    }

    /// Why the condition could not be evaluated, when it could not.
    #[inline]
    pub(crate) fn panic(&self) -> Option<String> {
        self.until.as_ref()?;
        self.state.lock().rest.as_ref()?.seen.as_ref()?.panic.clone()
    }

    /// All records once they are complete; until then the waker is kept.
    pub(crate) fn poll(&self, waker: &Waker) -> Option<Arrived<R>> {
        let mut state = self.state.lock();
        let complete = state.take(self.wanted);
        if complete.is_none() && !state.waker.as_ref().is_some_and(|w| w.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
        complete
    }

    /// All records if they are complete.
    pub(crate) fn take(&self) -> Option<Arrived<R>> {
        self.state.lock().take(self.wanted)
    }

    /// Adds a record; true when it was the last one.
    pub(crate) fn put(&self, received: ReceivedRecord<R>) -> bool {
        let met = self.until.as_ref().map(|until| panics::catch(|| until(&received.record)));
        let mut state = self.state.lock();
        match met {
            None | Some(Ok(true)) => {}
            Some(Ok(false)) => {
                state.see(received, None);
                return false;
            }
            Some(Err(panic)) => {
                state.see(received, Some(format!("panicked at {}: {}", panic.place, panic.message)));
                state.waker.take().into_iter().for_each(Waker::wake);
                return false;
            }
        }
        match state.first {
            None => state.first = Some(received),
            Some(_) => state.rest().more.push(received),
        }
        state.count += 1;
        if state.count < self.wanted {
            return false;
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// When the triggering step started, and the number of its execution.
    pub(crate) fn started(&self) -> Option<(Instant, u32)> {
        let state = self.state.lock();
        state.triggered_at.map(|at| (at, state.triggered_by))
    }

    /// A record of its key came before it was expected.
    pub(crate) fn set_came_before(&self, at: Instant) {
        self.state.lock().rest().came_before = Some(at);
    }

    /// When a record of its key came before it was expected, if one did.
    pub(crate) fn came_before(&self) -> Option<Instant> {
        self.state.lock().rest.as_ref()?.came_before
    }
}

impl<R: Send> Triggered for Slot<R> {
    fn trigger(&self, at: Instant, execution: u32) {
        let mut state = self.state.lock();
        if state.triggered_at.is_none() {
            (state.triggered_at, state.triggered_by) = (Some(at), execution);
        }
    }
}

impl<R> State<R> {
    fn take(&mut self, wanted: u32) -> Option<Arrived<R>> {
        if self.count < wanted {
            return None;
        }
        let first = self.first.take()?;
        let Some(rest) = &mut self.rest else { return Some(Arrived { first, more: Vec::new(), seen: 0 }) };
        let (more, seen) = (std::mem::take(&mut rest.more), rest.seen.as_ref().map_or(0, |seen| seen.count));
        Some(Arrived { first, more, seen })
    }

    fn seen(&self) -> u32 {
        self.rest.as_ref().and_then(|rest| rest.seen.as_ref()).map_or(0, |seen| seen.count)
    }

    fn rest(&mut self) -> &mut Rest<R> {
        self.rest.get_or_insert_with(|| Box::new(Rest { more: Vec::new(), seen: None, came_before: None }))
    }

    fn see(&mut self, received: ReceivedRecord<R>, panic: Option<String>) {
        match &mut self.rest().seen {
            seen @ None => *seen = Some(Seen { count: 1, last: received, panic }),
            Some(seen) => {
                seen.count += 1;
                seen.last = received;
                if seen.panic.is_none() {
                    seen.panic = panic;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slot_of_a_small_record_is_small() {
        let counts_of_arc = 2 * size_of::<usize>();
        let size = size_of::<Slot<u64>>() + counts_of_arc;
        assert!(size <= 120, "{size} bytes");
    }
}
