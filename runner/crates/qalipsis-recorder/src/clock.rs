//! One reading of the wall clock, from which all instants of a factory are dated.

use qalipsis_model::timestamp::Timestamp;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// As far in the future as an instant is ever asked for: a duration that stands for "no limit" must not end a process.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// `duration` after `instant`. What no clock can count is 30 years.
#[inline]
pub fn after(instant: Instant, duration: Duration) -> Instant {
    instant + duration.min(FAR)
}

/// Dates monotonic instants. Steps of the wall clock during a run do not reach the figures.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    dated: Timestamp,
}

impl Clock {
    /// Reads both clocks now.
    pub fn start() -> Self {
        Self { origin: Instant::now(), dated: Timestamp::from_system(SystemTime::now()) }
    }

    /// The date of an instant, before or after the reading.
    #[inline]
    pub fn date(&self, instant: Instant) -> Timestamp {
        match instant.checked_duration_since(self.origin) {
            Some(after) => self.dated.plus(after),
            None => Timestamp(self.dated.0.saturating_sub((self.origin - instant).as_nanos() as u64)),
        }
    }

    /// Now.
    #[inline]
    pub fn now(&self) -> Timestamp {
        self.date(Instant::now())
    }

    /// The instant of a date; the origin when it lies before it.
    #[inline]
    pub fn instant(&self, date: Timestamp) -> Instant {
        after(self.origin, date.since(self.dated))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d8_the_longest_duration_is_far_away_and_no_panic() {
        let now = Instant::now();
        assert!(after(now, Duration::MAX) > after(now, Duration::from_secs(3600)));
        assert_eq!(after(now, Duration::from_secs(1)), now + Duration::from_secs(1));
        let clock = Clock::start();
        assert!(clock.instant(Timestamp(u64::MAX)) > Instant::now());
    }
}
