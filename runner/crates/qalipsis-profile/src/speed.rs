//! The factor on the time of profiles.

use crate::profile::{ArrivalRate, Batch, Profile, Stage};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A factor on the time of profiles, in thousandths, so that schedules stay computed from integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Speed(u32);

impl Speed {
    /// As the profiles say.
    pub const NORMAL: Self = Self(1_000);

    /// From `0.001` to `1000`; 2 is twice as fast. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let factor: f64 = text.trim().parse().ok()?;
        (0.001..=1_000.0).contains(&factor).then(|| Self((factor * 1_000.0).round() as u32))
    }

    /// What a rate is at this speed.
    fn rate(self, per_hour: u64) -> u64 {
        let scaled = (u128::from(per_hour) * u128::from(self.0) + 500) / 1_000;
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }

    /// What `duration` takes at this speed.
    fn of(self, duration: Duration) -> Duration {
        let nanos = duration.as_nanos().saturating_mul(1_000) / u128::from(self.0);
        // A period of a profile must not become none.
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX).max(u64::from(!duration.is_zero())))
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self::NORMAL
    }
}

impl Profile {
    /// The same releases at another speed: every duration is divided by the factor, every rate multiplied.
    ///
    /// Rates are rounded, so arrivals may then be one minion more or less: ask [`Profile::minions`] again.
    #[must_use]
    pub fn at_speed(&self, speed: Speed) -> Self {
        match self {
            Self::Immediate => Self::Immediate,
            Self::Regular { count, every } => Self::Regular { count: *count, every: speed.of(*every) },
            Self::Timeframe { every, within } => {
                Self::Timeframe { every: speed.of(*every), within: speed.of(*within) }
            }
            Self::Stages { stages, completion } => Self::Stages {
                stages: stages
                    .iter()
                    .map(|stage| Stage {
                        share: stage.share,
                        ramp_up: speed.of(stage.ramp_up),
                        total: speed.of(stage.total),
                    })
                    .collect(),
                completion: *completion,
            },
            Self::More { count, every, multiplier, max } => {
                Self::More { count: *count, every: speed.of(*every), multiplier: *multiplier, max: *max }
            }
            Self::Faster { count, start_every, accelerator, min_every } => Self::Faster {
                count: *count,
                start_every: speed.of(*start_every),
                accelerator: *accelerator,
                min_every: speed.of(*min_every),
            },
            Self::Arrivals { rates, spacing } => Self::Arrivals {
                rates: rates
                    .iter()
                    .map(|rate| ArrivalRate {
                        per_hour: speed.rate(rate.per_hour),
                        ramp: speed.of(rate.ramp),
                        total: speed.of(rate.total),
                    })
                    .collect(),
                spacing: *spacing,
            },
            Self::Batches { batches } => Self::Batches {
                batches: batches
                    .iter()
                    .map(|batch| Batch { at: speed.of(batch.at), count: batch.count })
                    .collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn twice_as_fast_takes_half_the_time() {
        let stages = Profile::stages([
            Stage::percent(40).ramp_up(secs(2)).total(secs(4)),
            Stage::percent(60).ramp_up(secs(6)),
        ]);
        let fast = stages.at_speed(Speed::parse("2").unwrap());
        let expected = Profile::stages([
            Stage::percent(40).ramp_up(secs(1)).total(secs(2)),
            Stage::percent(60).ramp_up(secs(3)),
        ]);
        assert_eq!(fast, expected);
        let slow = Profile::regular(2, secs(1)).at_speed(Speed::parse("0.5").unwrap());
        assert_eq!(slow, Profile::regular(2, secs(2)));
        assert_eq!(Profile::regular(2, secs(1)).at_speed(Speed::NORMAL), Profile::regular(2, secs(1)));
    }

    #[test]
    fn the_other_profiles_are_scaled_too() {
        let double = |profile: Profile| profile.at_speed(Speed::parse("2").unwrap());
        let arrivals = |rate, seconds| {
            Profile::arrivals([ArrivalRate::per_second(rate).ramp(secs(seconds)).total(secs(3 * seconds))])
        };
        assert_eq!(double(arrivals(5, 4)), arrivals(10, 2));
        assert_eq!(double(Profile::more(1, secs(2), 1.5, 9)), Profile::more(1, secs(1), 1.5, 9));
        assert_eq!(
            double(Profile::faster(1, secs(4), 2.0, secs(2))),
            Profile::faster(1, secs(2), 2.0, secs(1))
        );
        assert_eq!(double(Profile::batches([(secs(2), 7)])), Profile::batches([(secs(1), 7)]));
    }

    #[test]
    fn what_is_no_speed_is_refused() {
        for text in ["0", "-1", "fast", "", "NaN", "inf", "0.0009", "1001"] {
            assert_eq!(Speed::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_release_is_scaled_and_no_profile_becomes_wrong(
            thousandths in 1_u32..=1_000_000, every_ms in 1_u64..5_000, ticks in 1_u64..50, minions in 1_u32..200,
        ) {
            let speed = Speed(thousandths);
            let every = Duration::from_millis(every_ms);
            for profile in [
                Profile::regular(3, every),
                Profile::timeframe(every, every * ticks as u32),
                Profile::stages([Stage::percent(100).ramp_up(every * ticks as u32).total(every * 60)]),
            ] {
                let scaled = profile.at_speed(speed);
                prop_assert_eq!(scaled.problem(minions), None);
                for index in 0..minions {
                    let exact = profile.at(index, minions).as_nanos() as f64 * 1_000.0 / f64::from(thousandths);
                    let given = scaled.at(index, minions).as_nanos() as f64;
                    // Each period is rounded down to a nanosecond, and there are at most 200 of them.
                    prop_assert!((given - exact).abs() <= 200.0 + exact * 1e-9, "{given} {exact}");
                }
            }
        }
    }
}
