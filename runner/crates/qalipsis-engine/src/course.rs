//! How the load of a factory goes on: it runs, is paused, or is stopped.

use qalipsis_model::plan::Stop;
use qalipsis_recorder::clock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The course of the load, which pacing, workers and minions follow.
///
/// A pause moves all that is still to come by its length, so that neither a release nor a response time counts it.
#[derive(Debug)]
pub(crate) struct Course {
    start: Instant,
    /// Ordered: what is stopped is not paused.
    phase: AtomicU8,
    /// The length of all pauses that have ended.
    moved_ns: AtomicU64,
    /// Whether a stop ended a pause: what was still to be released then is not.
    stopped_in_pause: AtomicBool,
    changes: watch::Sender<()>,
}

const RUNNING: u8 = 0;
const PAUSED: u8 = 1;
const GRACEFUL: u8 = 2;
const HARD: u8 = 3;

impl Course {
    /// Of a load that starts at this instant.
    pub(crate) fn from(start: Instant) -> Self {
        Self {
            start,
            phase: AtomicU8::new(RUNNING),
            moved_ns: AtomicU64::new(0),
            stopped_in_pause: AtomicBool::new(false),
            changes: watch::Sender::new(()),
        }
    }

    /// Stops; a later hard stop overrides a graceful one. It ends a pause: nothing is released any more.
    pub(crate) fn stop(&self, stop: Stop) {
        let phase = match stop {
            Stop::Graceful => GRACEFUL,
            Stop::Hard => HARD,
        };
        if self.phase.fetch_max(phase, Ordering::SeqCst) == PAUSED {
            self.stopped_in_pause.store(true, Ordering::SeqCst);
        }
        self.changes.send_replace(());
    }

    /// Whether what is queued is still released after a stop: not when that ended a pause.
    pub(crate) fn keeps_queued(&self) -> bool {
        !self.stopped_in_pause.load(Ordering::SeqCst)
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        match self.phase.load(Ordering::Relaxed) {
            GRACEFUL => Some(Stop::Graceful),
            HARD => Some(Stop::Hard),
            _ => None,
        }
    }

    /// Pauses, unless the load is stopped.
    pub(crate) fn pause(&self) {
        self.phase.fetch_max(PAUSED, Ordering::SeqCst);
    }

    /// Ends a pause of this length, when there is one.
    pub(crate) fn resume(&self, paused: Duration) {
        if !self.is_paused() {
            return;
        }
        // Whoever sees that the load goes on sees by how much it is moved.
        let paused = u64::try_from(paused.as_nanos()).unwrap_or(u64::MAX);
        let moved = self.moved_ns.load(Ordering::SeqCst).saturating_add(paused);
        self.moved_ns.store(moved, Ordering::SeqCst);
        // A stop that comes at the same time is kept.
        let _ = self.phase.compare_exchange(PAUSED, RUNNING, Ordering::SeqCst, Ordering::SeqCst);
        self.changes.send_replace(());
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.phase.load(Ordering::SeqCst) == PAUSED
    }

    /// The instant that lies so long after the start of the load, pauses left out.
    pub(crate) fn instant(&self, after: Duration) -> Instant {
        let moved = Duration::from_nanos(self.moved_ns.load(Ordering::SeqCst));
        clock::after(self.start, after.saturating_add(moved))
    }

    /// Waits until nothing is paused.
    pub(crate) async fn resumed(&self) {
        if !self.is_paused() {
            return;
        }
        let mut changes = self.changes.subscribe();
        // What changed before is seen, and what changes from now on ends the wait.
        while self.is_paused() && changes.changed().await.is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_pause_moves_what_is_still_to_come_by_its_length_and_once() {
        let start = Instant::now();
        let course = Course::from(start);
        course.resume(9 * SECOND);
        assert_eq!(course.instant(SECOND), start + SECOND, "nothing was paused");
        course.pause();
        course.pause();
        assert!(course.is_paused());
        course.resume(3 * SECOND);
        course.resume(3 * SECOND);
        assert!(!course.is_paused());
        assert_eq!(course.instant(SECOND), start + 4 * SECOND);
        course.pause();
        course.resume(Duration::MAX);
        assert!(course.instant(SECOND) > start + 1_000 * SECOND, "what no clock counts is no panic");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_a_pause_and_none_begins_after_it() {
        let course = Course::from(Instant::now());
        course.pause();
        let waiting = async {
            course.resumed().await;
            course.stopped()
        };
        let stopping = async {
            tokio::time::sleep(SECOND).await;
            course.stop(Stop::Hard);
            course.stop(Stop::Graceful);
        };
        let (stopped, ()) = tokio::join!(waiting, stopping);
        assert_eq!(stopped, Some(Stop::Hard));
        course.pause();
        assert!(!course.is_paused());
        assert!(!course.keeps_queued());
        let unpaused = Course::from(Instant::now());
        unpaused.stop(Stop::Graceful);
        assert!(unpaused.keeps_queued());
    }
}
