//! The list of all failed executions, on its way to the head.
//!
//! It is bounded twice: in all, by the limit of the campaign, and in what may wait. What is beyond either is counted
//! and costs nothing more. Nothing waits for it.

use parking_lot::Mutex;
use qalipsis_model::failure::{FailedExecution, UnlistedFailures};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Failures that may wait for the head; further ones are dropped and counted.
const CAPACITY: usize = 20_000;

/// The failed executions of a factory since the last drain.
#[derive(Debug)]
pub struct FailureList {
    /// How many more are to be listed.
    room: AtomicU64,
    waiting: Mutex<Vec<FailedExecution>>,
    beyond_limit: AtomicU64,
    dropped: AtomicU64,
    /// Whether anything is listed at all.
    wanted: bool,
}

impl FailureList {
    /// Of at most `limit` failures.
    pub fn new(limit: u64) -> Self {
        Self {
            room: AtomicU64::new(limit),
            waiting: Mutex::new(Vec::new()),
            beyond_limit: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            wanted: limit > 0,
        }
    }

    /// Lists one more failure, when there is room; only then it is made.
    pub fn add(&self, failed: impl FnOnce() -> FailedExecution) {
        if !self.wanted {
            return;
        }
        if self.room.fetch_update(Relaxed, Relaxed, |room| room.checked_sub(1)).is_err() {
            self.beyond_limit.fetch_add(1, Relaxed);
            return;
        }
        // Made outside of the lock, for making it formats.
        let failed = failed();
        let mut waiting = self.waiting.lock();
        if waiting.len() < CAPACITY {
            waiting.push(failed);
        } else {
            drop(waiting);
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Takes what waits, in the order in which it came.
    pub fn drain(&self) -> Vec<FailedExecution> {
        std::mem::take(&mut *self.waiting.lock())
    }

    /// How many were not listed since the last call.
    pub fn take_unlisted(&self) -> UnlistedFailures {
        UnlistedFailures {
            beyond_limit: self.beyond_limit.swap(0, Relaxed),
            dropped: self.dropped.swap(0, Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_model::evidence::FailureKind;
    use qalipsis_model::timestamp::Timestamp;

    fn failed(minion: u32) -> FailedExecution {
        FailedExecution {
            at: Timestamp(7),
            scenario: "checkout".into(),
            step: Some(0),
            key: None,
            minion: Some(minion),
            iteration: 0,
            kind: FailureKind::Timeout,
            message: "slow".into(),
            trace_id: None,
        }
    }

    #[test]
    fn what_is_beyond_the_limit_or_the_buffer_is_counted() {
        let list = FailureList::new(3);
        (0..5).for_each(|minion| list.add(|| failed(minion)));
        assert_eq!(list.drain(), [failed(0), failed(1), failed(2)]);
        let beyond = UnlistedFailures { beyond_limit: 2, dropped: 0 };
        assert_eq!((list.take_unlisted(), list.take_unlisted()), (beyond, UnlistedFailures::default()));

        let list = FailureList::new(u64::MAX);
        (0..CAPACITY + 2).for_each(|_| list.add(|| failed(0)));
        assert_eq!(list.drain().len(), CAPACITY);
        assert_eq!(list.take_unlisted(), UnlistedFailures { beyond_limit: 0, dropped: 2 });

        let none = FailureList::new(0);
        none.add(|| unreachable!("nothing is listed"));
        assert!(none.drain().is_empty() && none.take_unlisted().is_none());
    }
}
