//! Why a profile does not fit the minions of a scenario.

use std::time::Duration;

/// Why a profile cannot release the minions of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileProblem {
    /// A batch has no minions.
    EmptyBatch,
    /// The period between two batches is zero.
    NoPeriod,
    /// The window is shorter than the period.
    WindowBelowPeriod,
    /// The multiplier of growing batches is below 1.
    MultiplierBelowOne,
    /// The largest of growing batches is smaller than the first.
    LargestBelowFirst,
    /// The shortest period is zero.
    NoShortestPeriod,
    /// The accelerator of a shrinking period is below 1.
    AcceleratorBelowOne,
    /// The first period is shorter than the shortest.
    FirstBelowShortest,
    /// There is no stage, rate or batch.
    Empty,
    /// There are more batches than a profile can have.
    TooManyBatches {
        /// How many there are.
        count: usize,
        /// How many there can be.
        most: usize,
    },
    /// The batches are not in order of time.
    UnorderedBatches,
    /// A stage or rate has neither a ramp nor a total duration.
    NoDuration,
    /// The total duration of a stage or rate is shorter than its ramp.
    TotalBelowRamp,
    /// A rate lasts longer than rates can.
    RateTooLong {
        /// How long it can last.
        longest: Duration,
    },
    /// Some stages add percentages, others absolute counts.
    MixedShares,
    /// The percentages of the stages do not sum to 100.
    Percentages {
        /// Their sum.
        sum: u64,
    },
    /// The rates give more minions than a profile can have.
    TooManyMinions {
        /// How many there can be.
        most: u128,
    },
    /// The rates give no minion.
    NoMinion,
    /// The profile gives another number of minions than the scenario has.
    OtherMinions {
        /// That of the profile.
        given: u64,
        /// That of the scenario.
        scenario: u32,
    },
}
