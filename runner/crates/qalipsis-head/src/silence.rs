//! How long a factory shows no sign of life, and how long the head itself could not look.

use qalipsis_cluster::HEARTBEAT;
use qalipsis_model::duration::human;
use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

/// A factory that shows no sign of life for so long is late: it sends heartbeats.
const LATE: Duration = HEARTBEAT.saturating_mul(5);

/// The most that counts as a factory's silence between two looks. A longer time is one in which the head did not run,
/// and what a factory sent meanwhile was not read.
const LOOK_LIMIT: Duration = Duration::from_millis(500);

/// A pause of the head that is worth a warning.
const NOTED_PAUSE: Duration = Duration::from_secs(2);

/// The signs of life of one factory.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    /// Since the last sign of life, as far as the head ran.
    current: Duration,
    /// The last look at which the current one was late.
    late_until: Option<Timestamp>,
    /// Times at which it was late and answered again: the longest, until when that was, and how many there were.
    longest: Option<(Duration, Timestamp)>,
    count: u32,
}

impl Silence {
    /// It goes on for `passed` more; whether it has just become late.
    pub(crate) fn lasts(&mut self, passed: Duration, now: Timestamp) -> bool {
        self.current += passed;
        let was_late = self.is_late();
        if self.current > LATE {
            self.late_until = Some(now);
        }
        self.is_late() && !was_late
    }

    /// A sign of life came; gives the length of the silence when it was late.
    pub(crate) fn broken(&mut self) -> Option<Duration> {
        let length = std::mem::take(&mut self.current);
        let until = self.late_until.take()?;
        self.count += 1;
        if self.longest.is_none_or(|(longest, _)| length > longest) {
            self.longest = Some((length, until));
        }
        Some(length)
    }

    /// Since the last sign of life.
    pub(crate) fn length(&self) -> Duration {
        self.current
    }

    /// Whether it is late now.
    pub(crate) fn is_late(&self) -> bool {
        self.late_until.is_some()
    }

    /// What the report says about it. A silence that has not ended is the loss of the factory, or the lack of its last
    /// figures, which the report names.
    pub(crate) fn note(&self, factory: &str) -> Option<String> {
        let (longest, at) = self.longest?;
        let others = match self.count {
            0 | 1 => String::new(),
            n => format!(", the longest of {n} times"),
        };
        Some(format!(
            "factory '{factory}' did not answer for {}, until {} UTC{others}: its machine was overloaded or paused, and \
             its figures of that time came late",
            human(longest),
            at.time_of_day()
        ))
    }
}

/// The time in which the head itself ran, which is what counts for waits on others. The rest of the time it was paused,
/// its machine was, or nobody ran it, and what factories sent meanwhile was not read.
#[derive(Debug)]
pub(crate) struct RunningTime {
    looked: Duration,
    total: Duration,
    longest_pause: Duration,
    has_resumed: bool,
}

impl RunningTime {
    pub(crate) fn new(now: Duration) -> Self {
        Self { looked: now, total: Duration::ZERO, longest_pause: Duration::ZERO, has_resumed: false }
    }

    /// How much of the time since the last call counts.
    pub(crate) fn passed(&mut self, now: Duration) -> Duration {
        let passed = now.saturating_sub(self.looked);
        self.looked = self.looked.max(now);
        self.longest_pause = self.longest_pause.max(passed);
        // A head that never looks in time must end what takes too long as well.
        self.has_resumed = passed > LOOK_LIMIT && !self.has_resumed;
        let counted = passed.min(LOOK_LIMIT);
        self.total += counted;
        counted
    }

    /// All that has counted.
    pub(crate) fn total(&self) -> Duration {
        self.total
    }

    /// Whether the last call of [`RunningTime::passed`] was the first one after a pause: what factories sent meanwhile is
    /// read after it.
    pub(crate) fn has_resumed(&self) -> bool {
        self.has_resumed
    }

    /// What the report says about pauses.
    pub(crate) fn note(&self) -> Option<String> {
        (self.longest_pause >= NOTED_PAUSE).then(|| {
            format!(
                "the runner itself did not run for {}: it was paused, its machine was overloaded or suspended, or its \
                 output was not read; factories were not counted as silent for that time",
                human(self.longest_pause)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::TICK;

    #[test]
    fn f1_a_late_factory_is_noticed_once_and_reported_with_its_longest_silence() {
        let mut silence = Silence::default();
        let at = |ms: u64| Timestamp(1_795_410_367_000_000_000 + ms * 1_000_000);
        let noticed = (0..40).filter(|tick| silence.lasts(TICK, at(tick * 100))).count();
        assert_eq!(noticed, 1);
        assert!(silence.is_late());
        assert_eq!(silence.broken(), Some(TICK * 40));
        assert_eq!((silence.length(), silence.broken()), (Duration::ZERO, None));
        assert!((0..30).any(|tick| silence.lasts(TICK, at(5_000 + tick * 100))));
        assert!(silence.broken().is_some());
        assert!(
            (0..50).any(|tick| silence.lasts(TICK, at(9_000 + tick * 100))),
            "it does not answer any more"
        );
        let note = silence.note("checkout").unwrap();
        assert!(
            note.starts_with(
                "factory 'checkout' did not answer for 4 s, until 05:06:10.900 UTC, the longest of 2 times"
            ),
            "{note}"
        );
        let mut lively = Silence::default();
        assert!((0..20).all(|_| !lively.lasts(TICK, at(0))));
        assert_eq!(lively.note("x"), None);
    }

    #[test]
    fn f1_a_time_in_which_the_head_did_not_run_is_no_silence_of_a_factory() {
        let start = Duration::from_secs(7);
        let mut running = RunningTime::new(start);
        assert_eq!(running.passed(start + TICK), TICK);
        assert_eq!(running.note(), None);
        assert_eq!(running.passed(start + TICK + Duration::from_secs(3600)), LOOK_LIMIT);
        assert_eq!(running.total(), TICK + LOOK_LIMIT);
        assert!(running.has_resumed());
        running.passed(start + TICK + Duration::from_secs(7200));
        assert!(!running.has_resumed(), "limits end in a head that is slow all the time");
        let note = running.note().unwrap();
        assert!(note.starts_with("the runner itself did not run for "), "{note}");
    }
}
