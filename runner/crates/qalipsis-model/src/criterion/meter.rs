//! Criteria on meters.

use super::{Criterion, DurationFigure, Durations, NumberFigure, Quantity, Statistic, Subject};
use std::time::Duration;

/// A meter of a scenario: one that it declares with `#[derive(Meters)]`, or that its world watches with `Setup::watch`.
///
/// A criterion on a figure that the declared meter does not have is refused before anything runs.
#[derive(Debug, Clone)]
#[must_use = "choose a figure, for example `.max()`, then a limit"]
pub struct Meter {
    name: String,
}

impl Meter {
    /// The meter of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// Of what is watched, a gauge or a summary: its largest value.
    pub fn max(self) -> NumberFigure {
        self.figure(Statistic::Max)
    }

    /// Of what is watched, a gauge or a summary: its smallest value.
    pub fn min(self) -> NumberFigure {
        self.figure(Statistic::Min)
    }

    /// Of what is watched, a gauge or a summary: the mean of its values.
    pub fn mean(self) -> NumberFigure {
        self.figure(Statistic::Mean)
    }

    /// Of what is watched or a gauge: its last value.
    pub fn last(self) -> NumberFigure {
        self.figure(Statistic::Value)
    }

    /// Of a summary: the value that this percentage of them does not exceed, from 0 to 100.
    pub fn p(self, percentile: impl Into<f64>) -> NumberFigure {
        self.figure(Statistic::Percentile(percentile.into()))
    }

    /// Of a timer: its durations.
    pub fn time(self) -> Durations {
        Durations { subject: Subject::Meter(self.name), quantity: Quantity::Time }
    }

    /// Of a counter or a throughput: all that it counted. Nothing counted is 0, and not without data.
    pub fn total(self) -> NumberFigure {
        self.number(Quantity::Total)
    }

    /// Of a counter or a throughput: what it counted per second, until the last iteration ended.
    pub fn throughput(self) -> NumberFigure {
        self.number(Quantity::Throughput)
    }

    /// Of a rate: its hits by its tries, from 0 to 1.
    pub fn rate(self) -> NumberFigure {
        self.number(Quantity::Rate)
    }

    /// Of what is watched, a gauge, a timer, a summary or a rate: the number of its values, durations or tries.
    pub fn count(self) -> NumberFigure {
        self.number(Quantity::Count)
    }

    /// Every value must be strictly less than `limit`.
    #[track_caller]
    pub fn below(self, limit: impl Into<f64>) -> Criterion {
        self.max().below(limit)
    }

    /// Of what is watched: within this time of the start of the last iteration it must be back where it was
    /// before the load.
    /// The campaign goes on until it is, or the time is over.
    #[track_caller]
    pub fn drains_within(self, limit: Duration) -> Criterion {
        self.times(Quantity::Drain).at_most(limit)
    }

    /// Of what is watched: it must not rise for so long, dips of up to 10 % included: the early sign of a backlog that never drains.
    #[track_caller]
    pub fn never_grows_for(self, limit: Duration) -> Criterion {
        self.times(Quantity::Growth).below(limit)
    }

    fn figure(self, statistic: Statistic) -> NumberFigure {
        NumberFigure { subject: Subject::Meter(self.name), quantity: Quantity::Value, statistic }
    }

    fn number(self, quantity: Quantity) -> NumberFigure {
        NumberFigure { subject: Subject::Meter(self.name), quantity, statistic: Statistic::Value }
    }

    fn times(self, quantity: Quantity) -> DurationFigure {
        DurationFigure { subject: Subject::Meter(self.name), quantity, statistic: Statistic::Value }
    }
}
