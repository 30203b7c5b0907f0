//! Time that a minion lets pass: pauses and paces.

use crate::minion::{Minion, state_of};
use crate::rng::MinionRng;
use crate::steps::Steps;
use parking_lot::Mutex;
use qalipsis_recorder::clock;
use rand::RngExt as _;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::panic::Location;
use std::time::Duration;
use tokio::time::Instant;

/// How long a minion pauses: a duration, a range of them, or a function of the minion's randomness.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the length of a pause",
    label = "expected a `Duration`, a range of them, or a function of the minion's randomness",
    note = "for example `millis(100)`, `millis(100)..=millis(300)`, `|rng| millis(rng.random_range(1..9))`"
)]
pub trait Pause {
    /// The length of this pause; `rng` is made for it alone.
    fn length(self, rng: &mut MinionRng) -> Duration;
}

impl Pause for Duration {
    fn length(self, _: &mut MinionRng) -> Duration {
        self
    }
}

impl Pause for Range<Duration> {
    fn length(self, rng: &mut MinionRng) -> Duration {
        if self.is_empty() { self.start } else { rng.random_range(self) }
    }
}

impl Pause for RangeInclusive<Duration> {
    fn length(self, rng: &mut MinionRng) -> Duration {
        if self.is_empty() { *self.start() } else { rng.random_range(self) }
    }
}

impl<F: FnOnce(&mut MinionRng) -> Duration> Pause for F {
    fn length(self, rng: &mut MinionRng) -> Duration {
        self(rng)
    }
}

/// The period at which a minion comes by the same place of its scenario.
pub struct Pace(Rule);

enum Rule {
    Constant(Duration),
    Accelerating { start: Duration, accelerator: f64, min: Duration },
    By(Box<dyn Fn(Option<Duration>) -> Duration + Send>),
}

impl Pace {
    /// Always the same period.
    pub fn constant(period: Duration) -> Self {
        Self(Rule::Constant(period))
    }

    /// A period that begins with `start` and is divided by `accelerator` each time, down to `min`.
    ///
    /// # Panics
    /// When the accelerator is not greater than 0.
    #[track_caller]
    pub fn accelerating(start: Duration, accelerator: f64, min: Duration) -> Self {
        assert!(accelerator > 0.0, "the accelerator of a pace must be greater than 0");
        Self(Rule::Accelerating { start, accelerator, min })
    }

    /// The period that `next` makes of the one before, which is `None` at first.
    pub fn by(next: impl Fn(Option<Duration>) -> Duration + Send + 'static) -> Self {
        Self(Rule::By(Box::new(next)))
    }

    fn next(&self, past: Option<Duration>) -> Duration {
        match &self.0 {
            Rule::Constant(period) => *period,
            Rule::Accelerating { start, accelerator, min } => match past {
                None => *start,
                Some(past) => Duration::try_from_secs_f64(past.as_secs_f64() / accelerator)
                    .unwrap_or(Duration::MAX)
                    .max(*min),
            },
            Rule::By(next) => next(past),
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            Rule::Constant(_) => "constant",
            Rule::Accelerating { .. } => "accelerating",
            Rule::By(_) => "by",
        };
        f.debug_tuple("Pace").field(&name).finish()
    }
}

/// When a minion last came by a place, and the period that led there.
#[derive(Debug, Default)]
struct Paced {
    last: Mutex<Option<(Instant, Option<Duration>)>>,
}

impl<S: Steps> Minion<S> {
    /// Pauses: think time, which belongs to no step. It ends early when the campaign is stopped.
    ///
    /// A pause of random length depends on the seed, see [`rng`](Self::rng).
    pub async fn pause(&self, pause: impl Pause) {
        let length = pause.length(&mut self.rng());
        state_of(self).wait_until(clock::after(Instant::now(), length)).await;
    }

    /// Waits until a period has passed since this minion last came by this place of the code, in this
    /// iteration or an earlier one; the first time it does not wait. It ends early when the campaign is stopped.
    ///
    /// The period counts from where the last one should have ended, so that a pace is kept on average; who
    /// comes later than a whole period does not catch up.
    #[track_caller]
    pub fn pace(&self, pace: Pace) -> impl Future<Output = ()> + Send + use<'_, S> {
        let place = std::ptr::from_ref(Location::caller()).addr();
        let paced = state_of(self).extension(place, Paced::default);
        async move {
            let now = Instant::now();
            let due = {
                let mut last = paced.last.lock();
                let (due, period) = match *last {
                    None => (now, None),
                    Some((at, past)) => {
                        let period = pace.next(past);
                        let due = clock::after(at, period);
                        (if clock::after(due, period) < now { now } else { due }, Some(period))
                    }
                };
                *last = Some((due, period));
                due
            };
            state_of(self).wait_until(due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_accelerates_down_to_its_shortest_period() {
        let pace = Pace::accelerating(Duration::from_millis(80), 2.0, Duration::from_millis(15));
        let mut past = None;
        let mut periods = Vec::new();
        for _ in 0..5 {
            past = Some(pace.next(past));
            periods.extend(past.map(|p| p.as_millis()));
        }
        assert_eq!(periods, [80, 40, 20, 15, 15]);
    }
}
