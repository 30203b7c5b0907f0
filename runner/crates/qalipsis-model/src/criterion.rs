//! Criteria: rules on measured values, each met or breached.

mod meter;

pub use meter::Meter;

use crate::duration::human_ns;
use crate::evidence::FailureKind;
use crate::location::SourceLocation;
use crate::scope::{Scope, Window};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// What a criterion is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The step of this name.
    Step(String),
    /// The meter of this name, see [`Meter`].
    Meter(String),
}

impl Subject {
    /// Name of the step or meter.
    pub fn name(&self) -> &str {
        match self {
            Self::Step(name) | Self::Meter(name) => name,
        }
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// From the instant for which the execution was intended to its end.
    ResponseTime,
    /// From the start of the execution to its end.
    ServiceTime,
    /// Of a join: from the start of the triggering step to the arrival of the awaited record.
    Latency,
    /// Number of executions; of a meter: of its samples.
    Count,
    /// Executions per second; of a meter: what it counted per second.
    Throughput,
    /// Share of the executions that did not succeed, from 0 to 1.
    ErrorRate,
    /// Of a join: awaited records that never came.
    Missing,
    /// Of a join: awaited records that came after their deadline.
    Late,
    /// Of a join: from the start of the triggering step to the arrival of records that came late.
    Lateness,
    /// Of a join: further records of keys already matched.
    Duplicates,
    /// Of a join: records that no minion expected.
    Orphans,
    /// Of a meter: its values.
    Value,
    /// Of a meter: its durations.
    Time,
    /// Of a meter: all that it counted.
    Total,
    /// Of a meter: hits by tries, from 0 to 1.
    Rate,
    /// Of a meter: the longest time for which it rose; dips of up to 10 % do not end a rise.
    Growth,
    /// Of a meter: from the start of the last iteration until it is back where it was before the load.
    Drain,
}

/// Which figure of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// The value that this percentage of the samples does not exceed.
    Percentile(f64),
    /// Sum by count.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The only figure of a count or a rate.
    Value,
}

/// What the figure must be. Durations are in nanoseconds, rates from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Strictly less.
    Below(f64),
    /// Not more.
    AtMost(f64),
    /// Not less.
    AtLeast(f64),
    /// Both ends included.
    Between(f64, f64),
}

/// A rule on measured values, judged on the merged figures of all factories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// The step or meter.
    pub subject: Subject,
    /// What is measured.
    pub quantity: Quantity,
    /// Which figure of it.
    pub statistic: Statistic,
    /// What it must be.
    pub limit: Limit,
    /// Which part of the run it is about.
    #[serde(default)]
    pub scope: Scope,
    /// From this time in its window on, the campaign is stopped as soon as it is breached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_after: Option<Duration>,
    /// Where it is written.
    pub location: SourceLocation,
}

impl Limit {
    /// The largest figure that it names.
    pub(crate) fn upper(&self) -> f64 {
        match *self {
            Self::Below(limit) | Self::AtMost(limit) | Self::AtLeast(limit) | Self::Between(_, limit) => {
                limit
            }
        }
    }

    /// Whether `value` is allowed.
    pub fn allows(&self, value: f64) -> bool {
        match *self {
            Self::Below(limit) => value < limit,
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
            Self::Between(low, high) => (low..=high).contains(&value),
        }
    }
}

impl Quantity {
    /// The kind of failure when a criterion on it is breached.
    pub fn failure_kind(self) -> FailureKind {
        match self {
            Self::ResponseTime | Self::ServiceTime | Self::Latency | Self::Lateness => FailureKind::Latency,
            Self::Count => FailureKind::Count,
            Self::Throughput => FailureKind::Throughput,
            Self::ErrorRate => FailureKind::ErrorRate,
            Self::Missing => FailureKind::JoinMissing,
            Self::Late => FailureKind::JoinLate,
            Self::Duplicates => FailureKind::JoinDuplicate,
            Self::Orphans => FailureKind::JoinOrphan,
            Self::Value | Self::Time | Self::Total | Self::Rate | Self::Growth | Self::Drain => {
                FailureKind::Meter
            }
        }
    }

    /// Whether only a step that awaits records has it.
    pub fn is_of_joins(self) -> bool {
        matches!(
            self,
            Self::Latency | Self::Missing | Self::Late | Self::Lateness | Self::Duplicates | Self::Orphans
        )
    }

    /// Its name in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResponseTime => "response time",
            Self::ServiceTime => "service time",
            Self::Latency => "latency",
            Self::Count => "count",
            Self::Throughput => "throughput",
            Self::ErrorRate => "error rate",
            Self::Missing => "missing",
            Self::Late => "late",
            Self::Lateness => "latency of late ones",
            Self::Duplicates => "duplicates",
            Self::Orphans => "orphans",
            Self::Value => "value",
            Self::Time => "time",
            Self::Total => "total",
            Self::Rate => "rate",
            Self::Growth => "longest growth",
            Self::Drain => "time to drain",
        }
    }

    /// A figure of this quantity with its unit.
    pub fn show(self, value: f64) -> String {
        match self {
            _ if value.is_infinite() => "no end".to_owned(),
            Self::ResponseTime
            | Self::ServiceTime
            | Self::Latency
            | Self::Lateness
            | Self::Time
            | Self::Growth
            | Self::Drain => human_ns(value as u64),
            Self::Count | Self::Total | Self::Missing | Self::Late | Self::Duplicates | Self::Orphans => {
                format!("{value:.0}")
            }
            Self::Value => plain(value),
            Self::Throughput => format!("{} per s", plain(value)),
            Self::ErrorRate | Self::Rate => {
                let percent = format!("{:.2}", value * 100.0);
                format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

impl Criterion {
    /// The rule without the step: `response time p95 below 130 ms`.
    pub fn rule(&self) -> String {
        format!("{} {}", self.measure(), self.expectation())
    }

    /// Judges it from `from` on, a time since the start of the load: what comes before is warm-up.
    ///
    /// Windows are exact to the second in which factories report: an execution belongs to the second in which it ended,
    /// and that second to the window in which its middle lies.
    #[must_use]
    pub fn after(mut self, from: Duration) -> Self {
        self.scope.window = Window::After(from);
        self
    }

    /// Judges it between two times since the start of the load, see [`Criterion::after`].
    #[must_use]
    pub fn during(mut self, from: Duration, to: Duration) -> Self {
        self.scope.window = Window::During(from, to);
        self
    }

    /// Judges it in the stage of this number, from 1, of a profile of stages, see [`Criterion::after`].
    #[must_use]
    pub fn in_stage(mut self, number: u32) -> Self {
        self.scope.window = Window::Stage(number);
        self
    }

    /// Judges it on the factories of this zone alone. Without it: on all together.
    #[must_use]
    pub fn in_zone(mut self, zone: impl Into<String>) -> Self {
        self.scope.zone = Some(zone.into());
        self
    }

    /// Stops the campaign, which then has failed, as soon as it is breached. It is checked each second, the first time
    /// after `after`: the first few executions prove little. The time counts from the start of the load or of the
    /// criterion's window. Without data nothing is stopped.
    #[must_use]
    pub fn abort_on_breach(mut self, after: Duration) -> Self {
        self.abort_after = Some(after);
        self
    }

    /// What is measured, without step and limit: `response time p95`, `count after 10 s in zone eu`.
    pub fn measure(&self) -> String {
        let quantity = self.quantity.name();
        let figure = match self.statistic {
            Statistic::Percentile(p) => format!("{quantity} p{p}"),
            Statistic::Mean => format!("{quantity} mean"),
            Statistic::Min => format!("{quantity} min"),
            Statistic::Max => format!("{quantity} max"),
            Statistic::Value => quantity.to_owned(),
        };
        format!("{figure}{}", self.scope)
    }

    /// The limit in words: `below 130 ms`.
    pub fn expectation(&self) -> String {
        let show = |value| self.quantity.show(value);
        match self.limit {
            Limit::Below(limit) => format!("below {}", show(limit)),
            Limit::AtMost(limit) => format!("at most {}", show(limit)),
            Limit::AtLeast(limit) => format!("at least {}", show(limit)),
            Limit::Between(low, high) => format!("between {} and {}", show(low), show(high)),
        }
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject.name(), self.rule())
    }
}

/// Durations of a step or meter, before a figure is chosen.
#[derive(Debug, Clone)]
#[must_use = "choose a figure, for example `.p(95)`, then a limit"]
pub struct Durations {
    subject: Subject,
    quantity: Quantity,
}

impl Durations {
    /// Durations of the step of this name.
    pub fn of(step: impl Into<String>, quantity: Quantity) -> Self {
        Self { subject: Subject::Step(step.into()), quantity }
    }

    /// The duration that this percentage of the executions does not exceed, from 0 to 100.
    pub fn p(self, percentile: impl Into<f64>) -> DurationFigure {
        self.figure(Statistic::Percentile(percentile.into()))
    }

    /// The mean duration.
    pub fn mean(self) -> DurationFigure {
        self.figure(Statistic::Mean)
    }

    /// The longest duration.
    pub fn max(self) -> DurationFigure {
        self.figure(Statistic::Max)
    }

    /// The shortest duration.
    pub fn min(self) -> DurationFigure {
        self.figure(Statistic::Min)
    }

    fn figure(self, statistic: Statistic) -> DurationFigure {
        DurationFigure { subject: self.subject, quantity: self.quantity, statistic }
    }
}

/// One figure of durations, before its limit is chosen.
#[derive(Debug, Clone)]
#[must_use = "choose a limit, for example `.below(millis(130))`"]
pub struct DurationFigure {
    subject: Subject,
    quantity: Quantity,
    statistic: Statistic,
}

impl DurationFigure {
    /// Must be strictly less than `limit`.
    #[track_caller]
    pub fn below(self, limit: Duration) -> Criterion {
        self.criterion(Limit::Below(limit.as_nanos() as f64), Location::caller())
    }

    /// Must not exceed `limit`.
    #[track_caller]
    pub fn at_most(self, limit: Duration) -> Criterion {
        self.criterion(Limit::AtMost(limit.as_nanos() as f64), Location::caller())
    }

    /// Must not be less than `limit`.
    #[track_caller]
    pub fn at_least(self, limit: Duration) -> Criterion {
        self.criterion(Limit::AtLeast(limit.as_nanos() as f64), Location::caller())
    }

    /// Must lie in the range, both ends included.
    #[track_caller]
    pub fn between(self, low: Duration, high: Duration) -> Criterion {
        self.criterion(Limit::Between(low.as_nanos() as f64, high.as_nanos() as f64), Location::caller())
    }

    fn criterion(self, limit: Limit, location: &Location<'_>) -> Criterion {
        Criterion {
            subject: self.subject,
            quantity: self.quantity,
            statistic: self.statistic,
            limit,
            scope: Scope::default(),
            abort_after: None,
            location: location.into(),
        }
    }
}

/// A number, before its limit is chosen: a count, a rate from 0 to 1, a value of a meter.
#[derive(Debug, Clone)]
#[must_use = "choose a limit, for example `.at_least(1_000)`"]
pub struct NumberFigure {
    subject: Subject,
    quantity: Quantity,
    statistic: Statistic,
}

impl NumberFigure {
    /// A number of the step of this name.
    pub fn of(step: impl Into<String>, quantity: Quantity) -> Self {
        Self { subject: Subject::Step(step.into()), quantity, statistic: Statistic::Value }
    }

    /// Must be strictly less than `limit`.
    #[track_caller]
    pub fn below(self, limit: impl Into<f64>) -> Criterion {
        self.criterion(Limit::Below(limit.into()), Location::caller())
    }

    /// Must not exceed `limit`.
    #[track_caller]
    pub fn at_most(self, limit: impl Into<f64>) -> Criterion {
        self.criterion(Limit::AtMost(limit.into()), Location::caller())
    }

    /// Must not be less than `limit`.
    #[track_caller]
    pub fn at_least(self, limit: impl Into<f64>) -> Criterion {
        self.criterion(Limit::AtLeast(limit.into()), Location::caller())
    }

    /// Must lie in the range, both ends included.
    #[track_caller]
    pub fn between(self, low: impl Into<f64>, high: impl Into<f64>) -> Criterion {
        self.criterion(Limit::Between(low.into(), high.into()), Location::caller())
    }

    fn criterion(self, limit: Limit, location: &Location<'_>) -> Criterion {
        Criterion {
            subject: self.subject,
            quantity: self.quantity,
            statistic: self.statistic,
            limit,
            scope: Scope::default(),
            abort_after: None,
            location: location.into(),
        }
    }
}

/// A number without needless digits.
fn plain(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_criterion_reads_as_a_sentence() {
        let p95 = Durations::of("place", Quantity::ResponseTime).p(95).below(Duration::from_millis(130));
        assert_eq!(p95.to_string(), "place response time p95 below 130 ms");
        let rate = NumberFigure::of("place", Quantity::ErrorRate).at_most(0.015);
        assert_eq!(rate.to_string(), "place error rate at most 1.5 %");
        let count = NumberFigure::of("place", Quantity::Count).between(1, 10);
        assert_eq!(count.to_string(), "place count between 1 and 10");
        assert!(p95.location.file.ends_with("criterion.rs"));
        assert_eq!(Meter::named("lag").below(500).to_string(), "lag value max below 500");
        let late =
            NumberFigure::of("place", Quantity::Throughput).at_least(49.5).after(Duration::from_secs(10));
        assert_eq!(
            late.in_zone("eu").to_string(),
            "place throughput after 10 s in zone eu at least 49.5 per s"
        );
        let drained = Meter::named("lag").drains_within(Duration::from_secs(30));
        assert_eq!(drained.to_string(), "lag time to drain at most 30 s");
        assert_eq!(drained.quantity.show(f64::INFINITY), "no end");
    }

    #[test]
    fn limits_include_what_they_say() {
        assert!(!Limit::Below(1.0).allows(1.0));
        assert!(Limit::AtMost(1.0).allows(1.0));
        assert!(Limit::AtLeast(1.0).allows(1.0));
        assert!(Limit::Between(1.0, 2.0).allows(2.0));
        assert!(!Limit::AtMost(1.0).allows(f64::NAN));
    }
}
