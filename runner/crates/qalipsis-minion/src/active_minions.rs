//! The minions of a scenario that have not ended, for those who wait for others.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use tokio::sync::Notify;

/// Minions of one scenario in one factory: those that were not released yet or have not ended, and those among
/// them that wait for others.
#[derive(Debug, Default)]
pub struct ActiveMinions {
    open: AtomicU64,
    waiting: AtomicU64,
    changed: Notify,
}

impl ActiveMinions {
    /// Of so many minions that are to come.
    pub fn new(minions: u64) -> Self {
        Self { open: AtomicU64::new(minions), ..Self::default() }
    }

    /// So many have ended, or will not be released.
    pub fn leave(&self, minions: u64) {
        self.open.fetch_sub(minions, SeqCst);
        self.wake_waiting();
    }

    /// Returns once all that are left wait.
    pub(crate) async fn all_wait(&self) {
        let _waiting = Waiting::new(self);
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Before the look, so that no change is missed in between.
            changed.as_mut().enable();
            if self.all_are_waiting() {
                return;
            }
            changed.await;
        }
    }

    fn all_are_waiting(&self) -> bool {
        self.waiting.load(SeqCst) >= self.open.load(SeqCst)
    }

    fn wake_waiting(&self) {
        // Who ends while nobody waits has nothing else to do.
        if self.waiting.load(SeqCst) > 0 && self.all_are_waiting() {
            self.changed.notify_waiters();
        }
    }
}

/// One that waits, until this is dropped.
struct Waiting<'a>(&'a ActiveMinions);

impl<'a> Waiting<'a> {
    fn new(active: &'a ActiveMinions) -> Self {
        active.waiting.fetch_add(1, SeqCst);
        active.wake_waiting();
        Self(active)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}
