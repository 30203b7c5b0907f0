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
    /// Records of keys that were given up before.
    pub(super) abandoned: u64,
    /// Further records of keys that were matched already.
    pub(super) duplicates: u64,
    /// Records that no minion expected.
    pub(super) orphans: u64,
    /// Orphans that were evicted from the buffer.
    pub(super) evicted: u64,
}

/// What minions count beside the lock of a shard, since the beginning. On a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct EndedCounts {
    /// Keys that were matched in time.
    matched: AtomicU64,
    /// Keys whose records did not come in time.
    missing: AtomicU64,
    /// Optional keys whose records did not come in time.
    absent: AtomicU64,
    /// Keys whose records came too late, and keys that were given up.
    others: AtomicU64,
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
    pub(super) fn missing(&self, records: u64) {
        self.missing.fetch_add(1, Relaxed);
        self.taken.fetch_add(records, Relaxed);
    }

    /// The same of an optional key.
    pub(super) fn absent(&self, records: u64) {
        self.absent.fetch_add(1, Relaxed);
        self.taken.fetch_add(records, Relaxed);
    }

    /// All records of a key came, the last too late.
    pub(super) fn late(&self, records: u64) {
        self.others.fetch_add(1, Relaxed);
        self.taken.fetch_add(records, Relaxed);
    }

    /// A key was given up, of which so many records had come.
    pub(super) fn given_up(&self, records: u64) {
        self.others.fetch_add(1, Relaxed);
        self.given_up.fetch_add(records, Relaxed);
    }
}

/// The counts of all shards together.
#[derive(Debug, Default)]
pub(super) struct Totals {
    shards: ShardCounts,
    matched: u64,
    missing: u64,
    absent: u64,
    other_keys: u64,
    taken_from_slots: u64,
    given_up: u64,
}

impl Totals {
    /// Adds those of one shard. `ended` is read first, so that no key seems to end that was not expected.
    pub(super) fn add(&mut self, ended: &EndedCounts, shard: impl FnOnce() -> ShardCounts) {
        self.matched += ended.matched.load(Relaxed);
        self.missing += ended.missing.load(Relaxed);
        self.absent += ended.absent.load(Relaxed);
        self.other_keys += ended.others.load(Relaxed);
        self.taken_from_slots += ended.taken.load(Relaxed);
        self.given_up += ended.given_up.load(Relaxed);
        let shard = shard();
        self.shards.expected += shard.expected;
        self.shards.records += shard.records;
        self.shards.placed += shard.placed;
        self.shards.taken += shard.taken;
        self.shards.abandoned += shard.abandoned;
        self.shards.duplicates += shard.duplicates;
        self.shards.orphans += shard.orphans;
        self.shards.evicted += shard.evicted;
    }

    /// Records read.
    pub(super) fn records(&self) -> u64 {
        self.shards.records
    }

    /// Expectations whose outcome is not known, and the records that wait in their slots.
    pub(super) fn open(&self) -> (u64, u64) {
        let ended = self.matched + self.missing + self.absent + self.other_keys;
        let keys = self.shards.expected.saturating_sub(ended);
        (keys, self.shards.placed.saturating_sub(self.taken_from_slots + self.given_up))
    }

    /// Adds what is new since `reported` to `figures`.
    pub(super) fn drain(&self, reported: &mut Self, figures: &mut JoinFigures) {
        let new = |now: u64, reported: &mut u64| {
            // Of two calls at the same time the later one may have the older counts.
            let new = now.saturating_sub(*reported);
            *reported += new;
            new
        };
        let (now, before) = (&self.shards, &mut reported.shards);
        figures.expected += new(now.expected, &mut before.expected);
        figures.records += new(now.records, &mut before.records);
        figures.taken += new(now.taken, &mut before.taken);
        figures.abandoned_records += new(now.abandoned, &mut before.abandoned);
        figures.duplicates += new(now.duplicates, &mut before.duplicates);
        figures.orphans += new(now.orphans, &mut before.orphans) as i64;
        figures.evicted += new(now.evicted, &mut before.evicted);
        figures.matched += new(self.matched, &mut reported.matched);
        figures.missing += new(self.missing, &mut reported.missing) as i64;
        figures.absent += new(self.absent, &mut reported.absent);
        figures.taken += new(self.taken_from_slots, &mut reported.taken_from_slots);
        figures.abandoned_records += new(self.given_up, &mut reported.given_up);
    }
}
