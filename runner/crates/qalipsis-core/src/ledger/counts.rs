//! The counts of a ledger that every key and record changes: without a lock.

use qalipsis_model::join::JoinFigures;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Totals since the beginning.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Keys that were awaited.
    pub(super) expected: AtomicU64,
    /// Keys that were matched in time.
    pub(super) matched: AtomicU64,
    /// Records read.
    pub(super) records: AtomicU64,
    /// Records that belong to a key which was not given up.
    pub(super) taken: AtomicU64,
}

/// The part of the counts that earlier snapshots took.
#[derive(Debug, Default)]
pub(super) struct Reported {
    expected: u64,
    matched: u64,
    records: u64,
    taken: u64,
}

impl Counts {
    pub(super) fn add(count: &AtomicU64, more: u64) {
        count.fetch_add(more, Relaxed);
    }

    /// Records read so far.
    pub(super) fn records(&self) -> u64 {
        self.records.load(Relaxed)
    }

    /// Adds what is new since the last call to `figures`.
    pub(super) fn drain(&self, reported: &mut Reported, figures: &mut JoinFigures) {
        let new = |count: &AtomicU64, reported: &mut u64| {
            let now = count.load(Relaxed);
            now - std::mem::replace(reported, now)
        };
        figures.expected += new(&self.expected, &mut reported.expected);
        figures.matched += new(&self.matched, &mut reported.matched);
        figures.records += new(&self.records, &mut reported.records);
        figures.taken += new(&self.taken, &mut reported.taken);
    }
}
