//! Figures: what is counted and timed. They merge exactly, so they serve as difference and as total.

use crate::blocked::Blocked;
use crate::criterion::Quantity;
use crate::evidence::FailureKind;
use crate::failure::UnlistedFailures;
use crate::health::Health;
use crate::histogram::Histogram;
pub use crate::join::{Gap, JoinFigures, Notice};
use crate::location::SourceLocation;
use crate::measured::Measured;
use crate::meter::MeterFigures;
use crate::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutionOutcome {
    /// It did what it should.
    Success,
    /// A check failed.
    Failure,
    /// It could not do its work.
    Error,
    /// It took longer than allowed.
    Timeout,
}

impl ExecutionOutcome {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Timeout => "timeout",
        }
    }
}

/// What a step turned out to be when it was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// It acts.
    Action,
    /// It asserts.
    Verification,
    /// It awaits a record.
    Join,
}

/// The difference that one factory reports for about one second.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// From 0, without gaps.
    pub sequence: u64,
    /// When the one before was taken; `None` for the first, which begins with the load.
    pub since: Option<Timestamp>,
    /// When it was taken.
    pub at: Timestamp,
    /// By name of the scenario.
    pub scenarios: BTreeMap<String, ScenarioFigures>,
    /// Failures counted without evidence because the connection to the head was full.
    pub evidence_lost: u64,
    /// Failures that are not in the list of all failures.
    pub unlisted_failures: UnlistedFailures,
    /// Events that were dropped because a buffer was full.
    pub events_dropped: u64,
    /// How the factory itself did.
    pub health: Health,
    /// Scenario code that kept a worker thread.
    pub blocked: Option<Blocked>,
}

/// Figures of one scenario.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScenarioFigures {
    /// Minions released.
    pub released: u64,
    /// Minions that were not released because too many others were active.
    pub dropped: u64,
    /// Minions that were not released because the campaign was stopped before.
    pub unreleased: u64,
    /// Minions that were active when the overload policy stopped the campaign.
    pub overloaded: Option<u64>,
    /// Minions that ended.
    pub ended: u64,
    /// How late releases were.
    pub release_lag: Histogram,
    /// Complete iterations.
    pub iterations: StepFigures,
    /// By index of the step.
    pub steps: BTreeMap<u32, StepFigures>,
    /// By index of the join.
    pub joins: BTreeMap<u32, JoinFigures>,
    /// What is watched and what the scenario sets, by name of the meter.
    pub meters: BTreeMap<String, MeterFigures>,
    /// What else the scenario measures, by name of the meter.
    pub measured: BTreeMap<String, Measured>,
    /// By name of the data: how many records each iteration takes.
    pub data: BTreeMap<String, RecordsPerIteration>,
    /// By name of the data: a number that differs when the content of its file does.
    pub data_files: BTreeMap<String, u64>,
    /// When an iteration last started: from then on backlogs should drain.
    pub last_started: Option<Timestamp>,
    /// When an iteration last ended.
    pub last_ended: Option<Timestamp>,
}

/// How many records of a data each iteration takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordsPerIteration {
    /// The same in all iterations; `None` when they differ.
    pub count: Option<u64>,
}

impl RecordsPerIteration {
    /// Of a minion that took so many in so many iterations, at least one.
    pub fn of(taken: u64, iterations: u64) -> Self {
        Self { count: taken.checked_div(iterations).filter(|each| each * iterations == taken) }
    }
}

/// Figures of one step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepFigures {
    /// What it turned out to be.
    pub kind: Option<StepKind>,
    /// Where the scenario executes it.
    pub location: Option<SourceLocation>,
    /// Executions that succeeded.
    pub success: Option<Box<Times>>,
    /// Executions in which a check failed.
    pub failure: Option<Box<Times>>,
    /// Executions that could not do their work.
    pub error: Option<Box<Times>>,
    /// Executions that took longer than allowed.
    pub timeout: Option<Box<Times>>,
    /// Executions that were dropped before their end, by the scenario or a hard stop.
    pub cancelled: u64,
    /// Distinct minions that executed it.
    pub minions: u64,
    /// Distinct minions of which an execution did not succeed.
    pub failed_minions: u64,
    /// When an execution first did not succeed.
    pub first_failure: Option<Timestamp>,
    /// When one last did not.
    pub last_failure: Option<Timestamp>,
    /// Executions that did not succeed, by kind; a join's overdue ones count as missing until they arrive late.
    pub kinds: BTreeMap<FailureKind, i64>,
    /// Of a join: from trigger to arrival, in time.
    pub latency: Option<Box<Histogram>>,
    /// Of a join: from trigger to arrival, too late.
    pub late: Option<Box<Histogram>>,
    /// Of a join: missing and late records that a gap of their source explains.
    pub in_gap: u64,
    /// Executions that succeeded only after a retry.
    pub flaky: u64,
    /// Why the first attempt of the first of them failed.
    pub flaky_cause: Option<String>,
    /// How many executions may fail.
    pub tolerance: Option<Tolerance>,
}

/// How many executions of a step may fail before the run does. The default is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// So many.
    Count(u64),
    /// This share of all executions, from 0 to 1.
    Share(f64),
}

impl Tolerance {
    /// At most so many executions may fail.
    pub fn count(executions: u64) -> Self {
        Self::Count(executions)
    }

    /// At most this share of the executions may fail, from 0 to less than 1.
    ///
    /// # Panics
    /// When it is outside of that range: with all of them tolerated the step could not fail.
    #[track_caller]
    pub fn share(share: f64) -> Self {
        assert!(
            (0.0..1.0).contains(&share),
            "a tolerated share is from 0 to less than 1, {share} is not: with all executions tolerated a step cannot fail"
        );
        Self::Share(share)
    }

    /// Whether so many of all executions may fail.
    pub fn allows(self, failures: u64, executions: u64) -> bool {
        match self {
            Self::Count(count) => failures <= count,
            Self::Share(share) => failures as f64 <= share * executions as f64,
        }
    }

    /// Whether it allows that all of so many executions fail, so that it checks nothing.
    pub fn covers(self, executions: u64) -> bool {
        self.allows(executions, executions)
    }

    /// The stricter of two; a count is stricter than a share.
    fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Count(a), Self::Count(b)) => Self::Count(a.min(b)),
            (Self::Share(a), Self::Share(b)) => Self::Share(a.min(b)),
            (count @ Self::Count(_), _) | (_, count) => count,
        }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Share(share) => f.write_str(&Quantity::ErrorRate.show(*share)),
        }
    }
}

/// Both durations of the executions with one outcome.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Times {
    /// From the start.
    pub service: Histogram,
    /// From the intended start.
    pub response: Histogram,
}

impl Times {
    /// Number of executions.
    pub fn count(&self) -> u64 {
        self.service.count()
    }
}

impl StepFigures {
    /// Adds one execution.
    pub fn record(&mut self, outcome: ExecutionOutcome, service_ns: u64, response_ns: u64) {
        let times = self.times_mut(outcome).get_or_insert_default();
        times.service.record(service_ns);
        times.response.record(response_ns);
    }

    /// Adds one failure of this kind at this time.
    pub fn record_failure(&mut self, kind: FailureKind, at: Timestamp) {
        *self.kinds.entry(kind).or_default() += 1;
        self.first_failure = Timestamp::earliest(self.first_failure, Some(at));
        self.last_failure = self.last_failure.max(Some(at));
    }

    /// So many executions may fail; where several are said, the strictest counts.
    pub fn tolerate(&mut self, tolerance: Tolerance) {
        self.tolerance = Some(self.tolerance.map_or(tolerance, |ours| ours.stricter(tolerance)));
    }

    /// Executions with this outcome.
    pub fn times(&self, outcome: ExecutionOutcome) -> Option<&Times> {
        match outcome {
            ExecutionOutcome::Success => &self.success,
            ExecutionOutcome::Failure => &self.failure,
            ExecutionOutcome::Error => &self.error,
            ExecutionOutcome::Timeout => &self.timeout,
        }
        .as_deref()
    }

    fn times_mut(&mut self, outcome: ExecutionOutcome) -> &mut Option<Box<Times>> {
        match outcome {
            ExecutionOutcome::Success => &mut self.success,
            ExecutionOutcome::Failure => &mut self.failure,
            ExecutionOutcome::Error => &mut self.error,
            ExecutionOutcome::Timeout => &mut self.timeout,
        }
    }

    fn all_times(&self) -> impl Iterator<Item = &Times> {
        [&self.success, &self.failure, &self.error, &self.timeout].into_iter().filter_map(|t| t.as_deref())
    }

    /// Executions that ended, whatever their outcome.
    pub fn executions(&self) -> u64 {
        self.all_times().map(Times::count).sum()
    }

    /// Executions that ended without success.
    pub fn failures(&self) -> u64 {
        self.executions() - self.success.as_ref().map_or(0, |t| t.count())
    }

    /// Failures of this kind.
    pub fn of_kind(&self, kind: FailureKind) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or(0).max(0) as u64
    }

    /// Service times of all executions.
    pub fn service(&self) -> Histogram {
        merged(self.all_times().map(|t| &t.service))
    }

    /// Response times of all executions.
    pub fn response(&self) -> Histogram {
        merged(self.all_times().map(|t| &t.response))
    }

    /// Of a join: from trigger to arrival of all records that came, in time or late.
    pub fn arrivals(&self) -> Histogram {
        merged([&self.latency, &self.late].into_iter().filter_map(|times| times.as_deref()))
    }

    /// Whether it awaits records: then its times are latencies, and not how long it waited for them.
    pub fn is_join(&self) -> bool {
        self.kind == Some(StepKind::Join) || self.latency.is_some() || self.late.is_some()
    }

    /// The durations that outputs show of the step, all the same ones: response times, of a join the latencies of
    /// all records that came.
    pub fn times_shown(&self) -> Histogram {
        if self.is_join() { self.arrivals() } else { self.response() }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.kind = self.kind.max(other.kind);
        if self.location.is_none() {
            self.location.clone_from(&other.location);
        }
        for outcome in [
            ExecutionOutcome::Success,
            ExecutionOutcome::Failure,
            ExecutionOutcome::Error,
            ExecutionOutcome::Timeout,
        ] {
            if let Some(theirs) = other.times(outcome) {
                let ours = self.times_mut(outcome).get_or_insert_default();
                ours.service.merge(&theirs.service);
                ours.response.merge(&theirs.response);
            }
        }
        self.cancelled += other.cancelled;
        self.minions += other.minions;
        self.failed_minions += other.failed_minions;
        self.first_failure = Timestamp::earliest(self.first_failure, other.first_failure);
        self.last_failure = self.last_failure.max(other.last_failure);
        for (kind, count) in &other.kinds {
            *self.kinds.entry(*kind).or_default() += count;
        }
        merge_histogram(&mut self.latency, other.latency.as_deref());
        merge_histogram(&mut self.late, other.late.as_deref());
        self.in_gap += other.in_gap;
        self.flaky += other.flaky;
        if self.flaky_cause.is_none() {
            self.flaky_cause.clone_from(&other.flaky_cause);
        }
        if let Some(theirs) = other.tolerance {
            self.tolerate(theirs);
        }
    }
}

impl ScenarioFigures {
    /// Notes how many records of a data each iteration took.
    pub fn took(&mut self, data: &str, takes: RecordsPerIteration) {
        match self.data.get_mut(data) {
            Some(own) if own.count != takes.count => own.count = None,
            Some(_) => {}
            None => _ = self.data.insert(data.to_owned(), takes),
        }
    }

    /// Notes the content of a file with data.
    pub fn read_file(&mut self, data: &str, digest: u64) {
        if !self.data_files.contains_key(data) {
            self.data_files.insert(data.to_owned(), digest);
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        other.data_files.iter().for_each(|(data, digest)| self.read_file(data, *digest));
        self.released += other.released;
        self.dropped += other.dropped;
        self.unreleased += other.unreleased;
        self.overloaded = self.overloaded.max(other.overloaded);
        self.ended += other.ended;
        self.release_lag.merge(&other.release_lag);
        self.iterations.merge(&other.iterations);
        for (index, step) in &other.steps {
            self.steps.entry(*index).or_default().merge(step);
        }
        for (index, join) in &other.joins {
            self.joins.entry(*index).or_default().merge(join);
        }
        for (name, meter) in &other.meters {
            self.meters.entry(name.clone()).or_default().merge(meter);
        }
        for (name, measured) in &other.measured {
            self.add_measured(name, measured);
        }
        for (name, takes) in &other.data {
            self.took(name, *takes);
        }
        self.last_started = self.last_started.max(other.last_started);
        self.last_ended = self.last_ended.max(other.last_ended);
    }

    /// Adds what a meter of the scenario measured.
    pub fn add_measured(&mut self, name: &str, figures: &Measured) {
        match self.measured.get_mut(name) {
            Some(ours) => ours.merge(figures),
            None => _ = self.measured.insert(name.to_owned(), figures.clone()),
        }
    }
}

fn merged<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Histogram {
    histograms.fold(Histogram::default(), |mut all, one| {
        all.merge(one);
        all
    })
}

fn merge_histogram(ours: &mut Option<Box<Histogram>>, theirs: Option<&Histogram>) {
    if let Some(theirs) = theirs {
        ours.get_or_insert_default().merge(theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OUTCOMES: [ExecutionOutcome; 4] = [
        ExecutionOutcome::Success,
        ExecutionOutcome::Failure,
        ExecutionOutcome::Error,
        ExecutionOutcome::Timeout,
    ];

    proptest! {
        #[test]
        fn n_factories_merged_are_one_factory_with_all_samples(
            samples in proptest::collection::vec((0_usize..4, 1_u64..10_000_000_000, 0_u64..1_000_000, 0_usize..4), 0..200),
        ) {
            let mut whole = ScenarioFigures::default();
            let mut factories = vec![ScenarioFigures::default(); 4];
            for (outcome, service, lag, factory) in samples {
                for figures in [&mut whole, &mut factories[factory]] {
                    let step = figures.steps.entry(7).or_default();
                    step.record(OUTCOMES[outcome], service, service + lag);
                    if outcome > 0 {
                        step.record_failure(FailureKind::ALL[outcome], Timestamp(service));
                    }
                    figures.released += 1;
                    figures.release_lag.record(lag);
                }
            }
            let mut merged = ScenarioFigures::default();
            for factory in factories.iter().rev() {
                merged.merge(factory);
            }
            prop_assert_eq!(merged, whole);
        }
    }
}
