//! Records of a buffered join that no minion expects yet, in the order of their arrival.

use crate::slot::ReceivedRecord;
use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// What a buffered join keeps of records that no minion expects yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// At most so many records; the oldest are evicted first, counted as evicted and as orphans.
    pub records: usize,
    /// At most for so long.
    pub age: Duration,
}

/// The order of arrival over all shards. Its lock is taken before that of a shard, never after.
pub(super) struct Buffer<K> {
    limits: Limits,
    queue: Mutex<Queue<K>>,
    /// Records that are kept.
    kept: AtomicUsize,
}

/// Every record that was kept, oldest first; those that were taken since are passed over.
pub(super) struct Queue<K> {
    places: VecDeque<Place<K>>,
    next: u64,
}

/// The place of a record.
pub(super) struct Place<K> {
    pub(super) key: K,
    /// Unique, in the order of arrival.
    pub(super) number: u64,
    at: Instant,
}

/// A record that waits.
pub(super) struct Kept<R> {
    pub(super) number: u64,
    pub(super) received: ReceivedRecord<R>,
}

impl<K> Buffer<K> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: Mutex::new(Queue { places: VecDeque::new(), next: 0 }),
            kept: AtomicUsize::new(0),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Queue<K>> {
        self.queue.lock()
    }

    /// A record more is kept.
    pub(super) fn keep<R>(&self, queue: &mut Queue<K>, key: K, received: ReceivedRecord<R>) -> Kept<R> {
        let number = queue.next;
        queue.next += 1;
        queue.places.push_back(Place { key, number, at: received.at });
        self.kept.fetch_add(1, Relaxed);
        Kept { number, received }
    }

    /// So many records are not kept any more.
    pub(super) fn release(&self, records: usize) {
        self.kept.fetch_sub(records, Relaxed);
    }

    /// Whether a record that came at `at` is too old at `now`.
    pub(super) fn is_stale(&self, at: Instant, now: Instant) -> bool {
        now.saturating_duration_since(at) > self.limits.age
    }

    /// The oldest place, when its record has to go.
    pub(super) fn next_to_evict(&self, queue: &mut Queue<K>, now: Instant) -> Option<Place<K>> {
        let oldest = queue.places.front()?;
        let full = self.kept.load(Relaxed) > self.limits.records;
        if full || self.is_stale(oldest.at, now) { queue.places.pop_front() } else { None }
    }

    /// Whether most places are of records that were taken.
    pub(super) fn is_sparse(&self, queue: &Queue<K>) -> bool {
        queue.places.len() > 64 + 2 * self.kept.load(Relaxed)
    }

    /// Forgets the places that `is_kept` does not know.
    pub(super) fn retain(queue: &mut Queue<K>, is_kept: impl FnMut(&Place<K>) -> bool) {
        queue.places.retain(is_kept);
    }
}
