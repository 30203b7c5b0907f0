//! The counts of a ledger that every key and record changes: each shard has its own, so that no two threads that
//! work on different keys write to the same memory.

use qalipsis_model::join::JoinFigures;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a shard counts under its lock, since the beginning.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct ShardCounts {
    /// Keys that were awaited.
    pub(super) expected: u64,
    /// Records read.
    pub(super) records: u64,
    /// Records that were put into the slot of a key that was awaited.
    pub(super) placed: u64,
    /// Other records of keys that were not given up.
    pub(super) taken: u64,
}

/// What minions count beside the lock of a shard, since the beginning. On a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct EndedCounts {
    /// Keys that were matched in time.
    matched: AtomicU64,
    /// Keys of any other outcome.
    unmatched: AtomicU64,
    /// Records that were in the slots of keys that were not given up.
    taken: AtomicU64,
    /// Records that were in the slots of the others.
    given_up: AtomicU64,
}

impl EndedCounts {
    /// A key was matched in time, with so many records.
    pub(super) fn matched(&self, records: u64) {
        self.matched.fetch_add(1, Relaxed);
        self.taken.fetch_add(records, Relaxed);
    }

    /// The deadline of a key passed, and so many records of it had come.
    pub(super) fn unmatched(&self, records: u64) {
        self.unmatched.fetch_add(1, Relaxed);
        self.taken.fetch_add(records, Relaxed);
    }

    /// A key was given up, of which so many records had come.
    pub(super) fn given_up(&self, records: u64) {
        self.unmatched.fetch_add(1, Relaxed);
        self.given_up.fetch_add(records, Relaxed);
    }
}

/// The counts of all shards together.
#[derive(Debug, Default)]
pub(super) struct Totals {
    expected: u64,
    matched: u64,
    unmatched: u64,
    records: u64,
    placed: u64,
    taken_from_slots: u64,
    taken: u64,
    given_up: u64,
}

impl Totals {
    /// Adds those of one shard. `ended` is read first, so that no key seems to end that was not expected.
    pub(super) fn add(&mut self, ended: &EndedCounts, shard: impl FnOnce() -> ShardCounts) {
        self.matched += ended.matched.load(Relaxed);
        self.unmatched += ended.unmatched.load(Relaxed);
        self.taken_from_slots += ended.taken.load(Relaxed);
        self.given_up += ended.given_up.load(Relaxed);
        let ShardCounts { expected, records, placed, taken } = shard();
        self.expected += expected;
        self.records += records;
        self.placed += placed;
        self.taken += taken;
    }

    /// Records read.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Expectations whose outcome is not known, and the records that wait in their slots.
    pub(super) fn open(&self) -> (u64, u64) {
        let keys = self.expected.saturating_sub(self.matched + self.unmatched);
        (keys, self.placed.saturating_sub(self.taken_from_slots + self.given_up))
    }

    /// Adds what is new since `reported` to `figures`.
    pub(super) fn drain(&self, reported: &mut Reported, figures: &mut JoinFigures) {
        let new = |now: u64, reported: &mut u64| {
            // Of two calls at the same time the later one may have the older counts.
            let new = now.saturating_sub(*reported);
            *reported += new;
            new
        };
        figures.expected += new(self.expected, &mut reported.expected);
        figures.matched += new(self.matched, &mut reported.matched);
        figures.records += new(self.records, &mut reported.records);
        figures.taken += new(self.taken + self.taken_from_slots, &mut reported.taken);
    }
}

/// The part of the counts that earlier snapshots took.
#[derive(Debug, Default)]
pub(super) struct Reported {
    expected: u64,
    matched: u64,
    records: u64,
    taken: u64,
}
