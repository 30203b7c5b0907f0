//! What a comparison needs to know of a run.

use qalipsis_model::histogram::Histogram;
use std::time::Duration;

/// A run, as far as it can be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What people know it by: its file, or its campaign.
    pub label: String,
    /// Its scenarios.
    pub scenarios: Vec<ScenarioRun>,
}

/// The text that identifies a load; only runs of the same load are compared.
pub fn load(minions: u64, profile: &str) -> String {
    format!("{minions} {} {profile}", if minions == 1 { "minion" } else { "minions" })
}

/// A scenario in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioRun {
    /// Name.
    pub name: String,
    /// The load as text: minions and profile. Only runs of the same load can be compared.
    pub load: String,
    /// How long the load took.
    pub duration: Duration,
    /// How late the load generator was.
    pub release_lag: Histogram,
    /// Steps and joins, in the order of the scenario.
    pub subjects: Vec<Subject>,
}

/// What is compared: a step, or the source of a join.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// Name.
    pub name: String,
    /// Executions of a step, records of a source.
    pub count: u64,
    /// How long what succeeded took, the one to show first: response and service time, or the latency of a step
    /// that awaits a record.
    pub times: Vec<(Measure, Histogram)>,
    /// What did not go well, by measure.
    pub shares: Vec<(Measure, Share)>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// A step.
    Step,
    /// The source of a join.
    Source,
}

/// Hits among tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// How many.
    pub hits: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    /// The share, from 0 to 1.
    pub fn value(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.hits as f64 / self.of as f64 }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self { hits: self.hits + other.hits, of: self.of + other.of }
    }
}

/// What is measured of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// From the intended start to the end, of what succeeded.
    ResponseTime,
    /// From the start to the end, of what succeeded: without the wait for the load generator.
    ServiceTime,
    /// From trigger to arrival, in time or late.
    Latency,
    /// Executions that did not succeed.
    ErrorRate,
    /// Awaited records that never came.
    Missing,
    /// Awaited records that came too late.
    Late,
    /// Further records of keys already matched.
    Duplicates,
    /// Records that no minion expected.
    Orphans,
    /// Records that came in another order than theirs.
    OutOfOrder,
    /// Records that could not be decoded.
    Undecodable,
    /// Executions, or records, per second.
    Throughput,
}

impl Measure {
    /// The measures that are durations.
    pub const TIMES: [Self; 3] = [Self::ResponseTime, Self::ServiceTime, Self::Latency];

    /// The unit of its figures, as programs read them.
    pub fn unit(self) -> &'static str {
        match self {
            Self::ResponseTime | Self::ServiceTime | Self::Latency => "nanoseconds",
            Self::Throughput => "per second",
            _ => "share",
        }
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResponseTime => "response time",
            Self::ServiceTime => "service time",
            Self::Latency => "latency",
            Self::ErrorRate => "error rate",
            Self::Missing => "missing records",
            Self::Late => "late records",
            Self::Duplicates => "duplicate records",
            Self::Orphans => "orphan records",
            Self::OutOfOrder => "records out of order",
            Self::Undecodable => "undecodable records",
            Self::Throughput => "throughput",
        }
    }
}
