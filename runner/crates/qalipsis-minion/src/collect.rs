//! Batches that minions fill together.

use crate::minion::{Minion, state_of};
use crate::steps::Steps;
use parking_lot::Mutex;
use qalipsis_recorder::clock;
use std::fmt;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Collects items of many minions into batches; part of a scenario's world.
///
/// A batch is complete when it has its size, or some time after its first item. Each factory fills
/// batches of its own.
pub struct Collect<T> {
    size: usize,
    within: Duration,
    open: Mutex<Open<T>>,
    /// The number of the batch that is being filled.
    number: watch::Sender<u64>,
}

struct Open<T> {
    items: Vec<T>,
    /// Whether a minion waits to release it.
    awaited: bool,
}

impl<T> Collect<T> {
    /// Batches of `size` items, released `within` this time after their first item even when they are not full.
    ///
    /// # Panics
    /// When the size is zero.
    #[track_caller]
    pub fn new(size: usize, within: Duration) -> Self {
        assert!(size > 0, "a batch has at least one item");
        let open = Mutex::new(Open { items: Vec::new(), awaited: false });
        Self { size, within, open, number: watch::Sender::new(0) }
    }

    /// Adds an item. The minion that completes the batch is given all of its items; every other one is given
    /// `None`.
    ///
    /// The minion that begins a batch waits for it: until it is complete, its time is over, no other minion of this
    /// factory is left that could add to it, or the campaign is stopped. It then releases what is there, so that the
    /// last batch is released though it is not full.
    pub async fn add<S: Steps>(&self, minion: &Minion<S>, item: T) -> Option<Vec<T>> {
        let number = {
            let mut open = self.open.lock();
            open.items.push(item);
            if open.items.len() >= self.size {
                return Some(self.release(&mut open));
            }
            if std::mem::replace(&mut open.awaited, true) {
                return None;
            }
            *self.number.borrow()
        };
        let wait = Waiting { collect: self, number };
        let mut released = self.number.subscribe();
        tokio::select! {
            () = state_of(minion).wait_until(clock::after(Instant::now(), self.within)) => {}
            _ = released.wait_for(|now| *now != number) => {}
            () = state_of(minion).scenario().active.all_wait() => {}
        }
        drop(released);
        let mut open = self.open.lock();
        let ours = *self.number.borrow() == number;
        std::mem::forget(wait);
        ours.then(|| self.release(&mut open))
    }

    fn release(&self, open: &mut Open<T>) -> Vec<T> {
        open.awaited = false;
        self.number.send_modify(|number| *number += 1);
        std::mem::take(&mut open.items)
    }
}

/// Lets another minion wait for the batch when this one is cancelled.
struct Waiting<'a, T> {
    collect: &'a Collect<T>,
    number: u64,
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        let mut open = self.collect.open.lock();
        if *self.collect.number.borrow() == self.number {
            open.awaited = false;
        }
    }
}

impl<T> fmt::Debug for Collect<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collect")
            .field("size", &self.size)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}
