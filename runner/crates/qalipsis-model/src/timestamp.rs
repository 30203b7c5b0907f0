//! Points on the wall clock, as every process of a campaign exchanges them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// From the system's clock type; what lies before 1970 becomes 0.
    pub fn from_system(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64))
    }

    /// Moved later by `duration`.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The earlier of two, where there are any.
    pub fn earliest(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// How long `self` is after `earlier`; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-23T05:06:07.089Z`.
    pub fn rfc3339(self) -> String {
        let instant = i128::from(self.0);
        jiff::Timestamp::from_nanosecond(instant).map_or_else(|_| self.0.to_string(), |t| format!("{t:.3}"))
    }

    /// The time of day in UTC with milliseconds: `05:06:07.089`.
    pub fn time_of_day(self) -> String {
        let full = self.rfc3339();
        full.get(11..23).map_or(full.clone(), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d8_what_lies_too_far_away_is_the_last_instant() {
        assert_eq!(Timestamp(7).plus(Duration::MAX), Timestamp(u64::MAX));
    }

    #[test]
    fn it_reads_as_utc() {
        let t = Timestamp(1_795_410_367_089_000_000);
        assert_eq!(t.rfc3339(), "2026-11-23T05:06:07.089Z");
        assert_eq!(t.time_of_day(), "05:06:07.089");
    }
}
