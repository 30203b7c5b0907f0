//! Profiles that release batch after batch: explicit ones, growing ones, and ones at a shrinking period.

use super::{ProfileProblem, nanos};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Explicit batches of a profile, at most.
const MOST: usize = 100_000;

/// Growing batches are counted in millionths of a minion, so that small ones grow too.
const MILLION: u64 = 1_000_000;

/// Minions that are released together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Offset from the start of the load.
    pub at: Duration,
    /// How many they are.
    pub count: u32,
}

impl Batch {
    /// The instant of each of its minions.
    pub(super) fn instants(self) -> impl Iterator<Item = Duration> {
        std::iter::repeat_n(self.at, self.count as usize)
    }
}

/// A factor in thousandths, as profiles keep it: schedules are computed from integers.
pub(super) fn thousandths(factor: f64) -> u32 {
    (factor * 1000.0).round() as u32
}

/// A factor as people write it.
pub(super) fn factor(thousandths: u32) -> String {
    (f64::from(thousandths) / 1000.0).to_string()
}

/// Without end: each batch is the one before times the multiplier, rounded down, and at most `max`.
pub(super) fn growing(count: u32, every: Duration, multiplier: u32, max: u32) -> impl Iterator<Item = Batch> {
    let most = u128::from(max.max(1)) * u128::from(MILLION);
    let sizes = std::iter::successors(Some(u128::from(count) * u128::from(MILLION)), move |size| {
        Some((size * u128::from(multiplier) / 1000).min(most))
    });
    let every = every.as_nanos();
    (0_u128..).zip(sizes).map(move |(number, size)| Batch {
        at: nanos(every.saturating_mul(number)),
        count: u32::try_from(size / u128::from(MILLION)).unwrap_or(u32::MAX).max(1),
    })
}

/// Without end: each period is the one before divided by the accelerator, and at least `min_every`.
pub(super) fn quickening(
    count: u32,
    start_every: Duration,
    accelerator: u32,
    min_every: Duration,
) -> impl Iterator<Item = Batch> {
    let periods = std::iter::successors(Some(start_every.as_nanos()), move |period| {
        Some((period * 1000 / u128::from(accelerator.max(1))).max(min_every.as_nanos()))
    });
    let starts = periods.scan(0_u128, |next, period| {
        let at = *next;
        *next = next.saturating_add(period);
        Some(at)
    });
    starts.map(move |at| Batch { at: nanos(at), count: count.max(1) })
}

/// How many minions explicit batches release.
pub(super) fn sum(batches: &[Batch]) -> u32 {
    let sum: u64 = batches.iter().map(|batch| u64::from(batch.count)).sum();
    u32::try_from(sum).unwrap_or(u32::MAX)
}

pub(super) fn growing_problem(
    count: u32,
    every: Duration,
    multiplier: u32,
    max: u32,
) -> Option<ProfileProblem> {
    if count == 0 {
        Some(ProfileProblem::EmptyBatch)
    } else if every.is_zero() {
        Some(ProfileProblem::NoPeriod)
    } else if multiplier < 1000 {
        Some(ProfileProblem::MultiplierBelowOne)
    } else {
        (max < count).then_some(ProfileProblem::LargestBelowFirst)
    }
}

pub(super) fn quickening_problem(
    count: u32,
    start_every: Duration,
    accelerator: u32,
    min_every: Duration,
) -> Option<ProfileProblem> {
    if count == 0 {
        Some(ProfileProblem::EmptyBatch)
    } else if min_every.is_zero() {
        Some(ProfileProblem::NoShortestPeriod)
    } else if accelerator < 1000 {
        Some(ProfileProblem::AcceleratorBelowOne)
    } else {
        (start_every < min_every).then_some(ProfileProblem::FirstBelowShortest)
    }
}

pub(super) fn problem(batches: &[Batch], minions: u32) -> Option<ProfileProblem> {
    let given = sum(batches);
    if batches.is_empty() {
        Some(ProfileProblem::Empty)
    } else if batches.len() > MOST {
        Some(ProfileProblem::TooManyBatches { count: batches.len(), most: MOST })
    } else if batches.iter().any(|batch| batch.count == 0) {
        Some(ProfileProblem::EmptyBatch)
    } else if !batches.is_sorted_by_key(|batch| batch.at) {
        Some(ProfileProblem::UnorderedBatches)
    } else {
        (given != minions).then(|| ProfileProblem::OtherMinions { given: given.into(), scenario: minions })
    }
}
