//! Where records wait for the minion that awaits them.

use parking_lot::Mutex;
use std::task::Waker;
use tokio::time::Instant;

/// The records of one awaited key.
pub(crate) struct Slot<R> {
    wanted: u32,
    state: Mutex<State<R>>,
}

struct State<R> {
    /// Most keys have one record, and no allocation is made for it.
    first: Option<Taken<R>>,
    more: Vec<Taken<R>>,
    count: u32,
    waker: Option<Waker>,
}

/// A record and the instant of its arrival.
pub(crate) struct Taken<R> {
    pub(crate) record: R,
    pub(crate) at: Instant,
}

/// All records of a key, in the order of their arrival.
pub(crate) struct Arrived<R> {
    pub(crate) first: Taken<R>,
    pub(crate) more: Vec<Taken<R>>,
}

impl<R> Arrived<R> {
    /// When the last one came.
    pub(crate) fn last_at(&self) -> Instant {
        self.more.last().unwrap_or(&self.first).at
    }
}

impl<R> Slot<R> {
    /// For so many records.
    pub(crate) fn new(wanted: u32) -> Self {
        let state = State { first: None, more: Vec::new(), count: 0, waker: None };
        Self { wanted: wanted.max(1), state: Mutex::new(state) }
    }

    /// How many records it is for.
    pub(crate) fn wanted(&self) -> u32 {
        self.wanted
    }

    /// How many have come.
    pub(crate) fn count(&self) -> u32 {
        self.state.lock().count
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
    pub(crate) fn put(&self, taken: Taken<R>) -> bool {
        let mut state = self.state.lock();
        match state.first {
            None => state.first = Some(taken),
            Some(_) => state.more.push(taken),
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
}

impl<R> State<R> {
    fn take(&mut self, wanted: u32) -> Option<Arrived<R>> {
        if self.count < wanted {
            return None;
        }
        self.first.take().map(|first| Arrived { first, more: std::mem::take(&mut self.more) })
    }
}
