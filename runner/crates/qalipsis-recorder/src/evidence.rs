//! The way of the first failures of each step to the head.

mod admission;

use crate::failures::FailureList;
use admission::Admission;
use qalipsis_model::evidence::{Evidence, FailureKind};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// The failures that may wait for the head, before further ones are counted as lost.
pub const CHANNEL_CAPACITY: usize = 10_000;

/// Keeps the first failures of each kind, per scenario and step, and counts what it cannot keep.
#[derive(Debug)]
pub struct EvidenceKeeper {
    sender: mpsc::Sender<Evidence>,
    limit: u32,
    next_id: AtomicU64,
    lost: AtomicU64,
    admission: Admission,
    /// All failures, in short.
    pub failures: FailureList,
}

impl EvidenceKeeper {
    /// Keeps `limit` failures for each kind, scenario and step.
    pub fn new(limit: u32) -> (Self, mpsc::Receiver<Evidence>) {
        let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
        let keeper = Self {
            sender,
            limit,
            next_id: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            admission: Admission::default(),
            failures: FailureList::new(0),
        };
        (keeper, receiver)
    }

    /// The same, which lists so many failures beside.
    #[must_use]
    pub fn listing(self, failures: u64) -> Self {
        Self { failures: FailureList::new(failures), ..self }
    }

    /// An id when one more failure of this kind is to be kept.
    ///
    /// Once the limit is reached this only reads, so that failures which are not kept hold up no other thread.
    pub fn admit(&self, scenario: usize, step: Option<u32>, kind: FailureKind) -> Option<u64> {
        self.admission.admit((scenario, step, kind), self.limit).then(|| self.next_id())
    }

    /// An id beyond the limit, for what must be kept all the same.
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a failure that was admitted.
    pub fn send(&self, evidence: Evidence) {
        if self.sender.try_send(evidence).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many failures of each kind are kept.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// The number of failures that could not be sent since the last call.
    pub fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}
