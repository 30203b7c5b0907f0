//! One reading of the wall clock, from which all instants of a factory are dated.

use qalipsis_model::timestamp::Timestamp;
use std::time::SystemTime;
use tokio::time::Instant;

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
    pub fn date(&self, instant: Instant) -> Timestamp {
        match instant.checked_duration_since(self.origin) {
            Some(after) => self.dated.plus(after),
            None => Timestamp(self.dated.0.saturating_sub((self.origin - instant).as_nanos() as u64)),
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.date(Instant::now())
    }

    /// The instant of a date; the origin when it lies before it.
    pub fn instant(&self, date: Timestamp) -> Instant {
        self.origin + date.since(self.dated)
    }
}
