//! The open model: minions arrive at a rate, whether or not those before them are done.
//!
//! The expected number of arrivals up to a time is the area under the rate. All of it is computed from integers, in
//! parts of an arrival: the area of a piece of constant or linearly changing rate is then exact.

use super::{ProfileProblem, nanos, poisson};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const NANOS_PER_HOUR: u128 = 3_600_000_000_000;

/// Parts of one arrival: areas are twice the sum of a rate per hour times nanoseconds.
pub(super) const ARRIVAL: u128 = 2 * NANOS_PER_HOUR;

/// Minions of a profile, at most.
const MOST: u128 = 100_000_000;

/// The longest stage: products of times and areas stay within their integers.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// One stage of [`Profile::Arrivals`](super::Profile::Arrivals): a rate that is reached and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivalRate {
    /// Minions per hour at the end of the ramp and from then on.
    pub per_hour: u64,
    /// The time over which the rate changes linearly from that of the stage before, or from zero.
    pub ramp: Duration,
    /// The total time of the stage, ramp included.
    pub total: Duration,
}

/// How arrivals lie in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spacing {
    /// As evenly as the rate allows.
    #[default]
    Even,
    /// A Poisson process of this rate: gaps are random and independent, as those of visitors.
    Poisson {
        /// The same seed gives the same instants.
        seed: u64,
    },
}

/// A time in which the rate changes linearly, or not at all.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: u128,
    length: u128,
    from: u64,
    to: u64,
}

impl ArrivalRate {
    /// So many minions per second.
    pub fn per_second(minions: u32) -> Self {
        Self::per_hour(u64::from(minions) * 3600)
    }

    /// So many minions per minute.
    pub fn per_minute(minions: u32) -> Self {
        Self::per_hour(u64::from(minions) * 60)
    }

    fn per_hour(per_hour: u64) -> Self {
        Self { per_hour, ramp: Duration::ZERO, total: Duration::ZERO }
    }

    /// Changes linearly from the rate before, at the start from zero, over `duration`. Default: at once.
    #[must_use]
    pub fn ramp(mut self, duration: Duration) -> Self {
        self.ramp = duration;
        self
    }

    /// The total time of the stage. Default: the ramp.
    #[must_use]
    pub fn total(mut self, duration: Duration) -> Self {
        self.total = duration;
        self
    }

    /// The total time, at least the ramp.
    pub(crate) fn duration(&self) -> Duration {
        self.total.max(self.ramp)
    }
}

impl std::fmt::Display for ArrivalRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::duration::human;
        match self.per_hour {
            n if n.is_multiple_of(3600) => write!(f, "{}/s", n / 3600)?,
            n if n.is_multiple_of(60) => write!(f, "{}/min", n / 60)?,
            n => write!(f, "{n}/h")?,
        }
        if !self.ramp.is_zero() {
            write!(f, " over {}", human(self.ramp))?;
        }
        write!(f, " for {}", human(self.duration()))
    }
}

impl Piece {
    /// The area under the whole piece.
    fn area(&self) -> u128 {
        (u128::from(self.from) + u128::from(self.to)) * self.length
    }

    /// The time since its start at which the area is reached, rounded up to the nanosecond.
    fn time_of(&self, area: u128) -> u128 {
        if self.from == self.to {
            return area.div_ceil(2 * u128::from(self.from.max(1)));
        }
        // The area times the length is a polynomial of integers that never falls, so bisection is exact.
        let reached = |time: u128| {
            let constant = 2 * u128::from(self.from) * self.length * time;
            let change = u128::from(self.from.abs_diff(self.to)) * time * time;
            let sum = if self.from < self.to { constant + change } else { constant - change };
            sum >= area * self.length
        };
        let (mut low, mut high) = (0, self.length);
        while low < high {
            let middle = (low + high) / 2;
            if reached(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

fn pieces(stages: &[ArrivalRate]) -> impl Iterator<Item = Piece> + '_ {
    let each = stages.iter().scan((0_u64, 0_u128), |(rate, start), stage| {
        let (ramp, total) = (stage.ramp.as_nanos(), stage.duration().as_nanos());
        let ramping = Piece { start: *start, length: ramp, from: *rate, to: stage.per_hour };
        let hold =
            Piece { start: *start + ramp, length: total - ramp, from: stage.per_hour, to: stage.per_hour };
        (*rate, *start) = (stage.per_hour, *start + total);
        Some([ramping, hold])
    });
    each.flatten()
}

/// The area under all stages: the expected number of arrivals, in parts of one.
fn area(stages: &[ArrivalRate]) -> u128 {
    pieces(stages).map(|piece| piece.area()).sum()
}

/// The expected number of arrivals, rounded up.
pub(super) fn expected(stages: &[ArrivalRate]) -> u128 {
    area(stages).div_ceil(ARRIVAL)
}

fn too_many(stages: &[ArrivalRate]) -> bool {
    area(stages) > MOST * ARRIVAL
}

/// Where arrivals lie, as areas in rising order, below the whole area.
fn areas(stages: &[ArrivalRate], spacing: Spacing) -> Box<dyn Iterator<Item = u128>> {
    let whole = area(stages);
    match spacing {
        Spacing::Even => Box::new((0_u128..).map(|index| index * ARRIVAL).take_while(move |at| *at < whole)),
        Spacing::Poisson { seed } => Box::new(poisson::areas(seed).take_while(move |at| *at < whole)),
    }
}

/// The instants of all arrivals, in order of time.
pub(super) fn instants(stages: &[ArrivalRate], spacing: Spacing) -> impl Iterator<Item = Duration> + '_ {
    let mut rest = pieces(stages);
    let mut piece = rest.next();
    let mut before = 0;
    areas(stages, spacing).map_while(move |area| {
        // An arrival at the end of a piece is the first of the next, so that none falls into a pause.
        loop {
            let current = piece?;
            if area - before < current.area() {
                return Some(nanos(current.start + current.time_of(area - before)));
            }
            before += current.area();
            piece = rest.next();
        }
    })
}

/// How many minions arrive; none when they are more than a profile can have.
pub(super) fn count(stages: &[ArrivalRate], spacing: Spacing) -> u32 {
    if too_many(stages) {
        return 0;
    }
    let count = match spacing {
        Spacing::Even => expected(stages),
        Spacing::Poisson { .. } => areas(stages, spacing).count() as u128,
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

pub(super) fn problem(stages: &[ArrivalRate], spacing: Spacing, minions: u32) -> Option<ProfileProblem> {
    if stages.is_empty() {
        Some(ProfileProblem::Empty)
    } else if stages.iter().any(|stage| stage.duration().is_zero()) {
        Some(ProfileProblem::NoDuration)
    } else if stages.iter().any(|stage| stage.total < stage.ramp && !stage.total.is_zero()) {
        Some(ProfileProblem::TotalBelowRamp)
    } else if stages.iter().any(|stage| stage.duration() > LONGEST) {
        Some(ProfileProblem::RateTooLong { longest: LONGEST })
    } else if too_many(stages) {
        Some(ProfileProblem::TooManyMinions { most: MOST })
    } else {
        match count(stages, spacing) {
            0 => Some(ProfileProblem::NoMinion),
            given if given != minions => {
                Some(ProfileProblem::OtherMinions { given: given.into(), scenario: minions })
            }
            _ => None,
        }
    }
}
