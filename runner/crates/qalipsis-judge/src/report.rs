//! The one report of a campaign. Every output shows it; none recomputes or changes it.

use crate::zone::{ZoneDifference, ZoneReport};
use qalipsis_compare::Comparison;
use qalipsis_model::control::Controls;
use qalipsis_model::criterion::Criterion;
use qalipsis_model::duration::human;
use qalipsis_model::environment::Environment;
use qalipsis_model::event::EventCounts;
use qalipsis_model::evidence::{Evidence, FailureKind};
use qalipsis_model::failure::UnlistedFailures;
use qalipsis_model::health::CpuReport;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::location::SourceLocation;
use qalipsis_model::measured::{Measured, MeterKind};
use qalipsis_model::meter::MeterFigures;
use qalipsis_model::snapshot::{JoinFigures, RecordsPerIteration, StepFigures};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::Status;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a campaign was, what it measured, and the verdict.
#[derive(Debug, Clone)]
pub struct Report {
    /// Unique key of the campaign.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Seed of schedules and data.
    pub seed: u64,
    /// When the load started, or the campaign when no load was started.
    pub started: Timestamp,
    /// From `started` to the end of the drain.
    pub duration: Duration,
    /// Commit of the working directory, when it is a git checkout.
    pub git_revision: Option<String>,
    /// The verdict; of an interim report that there is none yet, and all else is as far as it is known.
    pub status: Status,
    /// Why the verdict is not SUCCESSFUL, most important first; empty when it is.
    pub reasons: Vec<Reason>,
    /// What did not change the verdict but must be known.
    pub warnings: Vec<String>,
    /// In order of the plan.
    pub scenarios: Vec<ScenarioReport>,
    /// Processes that hosted minions.
    pub factories: Vec<FactoryReport>,
    /// Its events; `None` when none were collected.
    pub events: Option<EventCounts>,
    /// Failed executions that are not in the list of all failures.
    pub unlisted_failures: UnlistedFailures,
    /// How it compares with earlier runs, when it was compared with any.
    pub comparison: Option<Comparison>,
    /// Whether counts do not add up, which is an error of this program; the first reasons say which.
    pub has_internal_errors: bool,
    /// The machine, the programs and the configuration.
    pub environment: Environment,
    /// What users did to it while it ran.
    pub controls: Controls,
}

/// One cause of the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Scenario concerned.
    pub scenario: Option<String>,
    /// Step concerned.
    pub step: Option<String>,
    /// Why; `None` for what is not a failure of the system under test (abort, invalid).
    pub kind: Option<FailureKind>,
    /// One line that a person understands without the rest.
    pub message: String,
}

/// One scenario.
#[derive(Debug, Clone)]
pub struct ScenarioReport {
    /// Name.
    pub name: String,
    /// Crate that it is compiled in.
    pub crate_name: String,
    /// One line for people; may be empty.
    pub description: String,
    /// Where it is built.
    pub location: SourceLocation,
    /// The profile in words.
    pub profile: String,
    /// Zones of its factories.
    pub zones: Vec<String>,
    /// The figures of each zone that reported any, by name; empty unless there are several.
    pub by_zone: Vec<ZoneReport>,
    /// Where zones differ: failures first, then times, largest first.
    pub zone_differences: Vec<ZoneDifference>,
    /// Minions planned.
    pub minions: u64,
    /// Minions released.
    pub released: u64,
    /// Minions not released because too many others were active.
    pub dropped: u64,
    /// Minions that ended.
    pub ended: u64,
    /// How late releases were.
    pub release_lag: Histogram,
    /// Complete iterations.
    pub iterations: StepFigures,
    /// In order of declaration.
    pub steps: Vec<StepReport>,
    /// In order of opening.
    pub joins: Vec<JoinFigures>,
    /// Evidence of records that warn, by the name of their source: duplicates, records that no minion expected, and
    /// records out of order.
    pub join_evidence: Vec<Evidence>,
    /// What is watched and what the scenario sets, by name.
    pub meters: BTreeMap<String, MeterFigures>,
    /// What else the scenario measures, in order of declaration, and gauges that were never set.
    pub measured: Vec<MeasuredReport>,
    /// By name of the data: how many records each iteration took.
    pub data: BTreeMap<String, RecordsPerIteration>,
    /// By name of the data: a number that differs when the content of its file does.
    pub data_files: BTreeMap<String, u64>,
    /// When an iteration last started.
    pub last_started: Option<Timestamp>,
    /// In order of declaration.
    pub criteria: Vec<CriterionReport>,
    /// Failures outside of any step: warm-up, sources, panics between steps.
    pub problems: Vec<ScenarioProblem>,
    /// Load and response times over time.
    pub timeline: TimelineReport,
}

/// One meter of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredReport {
    /// Name.
    pub name: String,
    /// What it measures.
    pub kind: MeterKind,
    /// The unit of what it counts or holds; may be empty.
    pub unit: String,
    /// One line for people; may be empty.
    pub description: String,
    /// `None` when nothing was recorded.
    pub figures: Option<Measured>,
    /// Of a counter and a throughput: what it counted per second, until the last iteration ended.
    pub per_second: Option<f64>,
}

/// How load and response times went over time, in at most [`BUCKETS`](crate::timeline::BUCKETS) buckets
/// of equal width from the start of the load. All lists are of one length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TimelineReport {
    /// Time that each bucket takes.
    pub width: Duration,
    /// Minions released.
    pub released: Vec<u64>,
    /// Minions released and not ended, at the end of each bucket.
    pub active: Vec<u64>,
    /// Executions of all steps that ended.
    pub executions: Vec<u64>,
    /// Those that did not succeed.
    pub failures: Vec<u64>,
    /// By step, in order of declaration.
    pub steps: Vec<StepTimeline>,
}

/// One step over time. Response times, of a join latencies, are right within 3 %, their maximum is exact; `None` where
/// there is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepTimeline {
    /// Executions that ended.
    pub executions: Vec<u64>,
    /// Those that did not succeed.
    pub failures: Vec<u64>,
    /// Their median.
    pub p50_ns: Vec<Option<u64>>,
    /// Their 95th percentile.
    pub p95_ns: Vec<Option<u64>>,
    /// The longest.
    pub max_ns: Vec<Option<u64>>,
}

/// One step.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// Name.
    pub name: String,
    /// Where the scenario executes it; `None` when it never did.
    pub location: Option<SourceLocation>,
    /// Its figures.
    pub figures: StepFigures,
    /// Everything that failed in one line: `37 of 1000 minions: expected status 202, observed 503`; `None` when nothing did.
    pub headline: Option<String>,
    /// The same of failures that are tolerated; there is no headline then.
    pub tolerated: Option<String>,
    /// What failed, one per kind, most frequent first; empty when nothing did.
    pub failures: Vec<StepFailure>,
    /// Whether it was declared but never executed.
    pub skipped: bool,
    /// Why it was never executed, when a failure that is reported already explains it.
    pub cause: Option<String>,
    /// Whether a run in which no minion reaches it may still succeed.
    pub optional: bool,
}

/// The failures of one kind of one step.
#[derive(Debug, Clone)]
pub struct StepFailure {
    /// Why.
    pub kind: FailureKind,
    /// Number of executions, or of records for what is undecodable.
    pub count: u64,
    /// The first one in one line: `expected status 202, observed 503`.
    pub message: String,
    /// The evidence of the first ones.
    pub evidence: Vec<Evidence>,
}

/// A failure outside of any step.
#[derive(Debug, Clone)]
pub struct ScenarioProblem {
    /// Unique in its scenario: `warm-up`, `source kafka topic orders.fulfilled`, `iteration`.
    pub name: String,
    /// Why.
    pub kind: FailureKind,
    /// How often.
    pub count: u64,
    /// One line that a person understands.
    pub message: String,
    /// The evidence of the first ones.
    pub evidence: Vec<Evidence>,
}

/// A criterion and how it came out.
#[derive(Debug, Clone)]
pub struct CriterionReport {
    /// Unique in its scenario, and without the limit, so that a test keeps its history when the limit changes:
    /// `place response time p95 in zone eu`.
    pub name: String,
    /// The rule.
    pub criterion: Criterion,
    /// What was observed; `None` when there was nothing to observe.
    pub observed: Option<f64>,
    /// Why there was nothing to observe: `255 executions of step 'fulfilled' ended, no awaited record came`.
    pub no_data: Option<String>,
    /// How it came out.
    pub outcome: Outcome,
    /// When the campaign was stopped for it, since the start of the load; `None` when it was not.
    pub stopped_after: Option<Duration>,
    /// What else must be known to read a breach: that the load generator itself was late, for example.
    pub hint: Option<String>,
}

/// How a criterion came out.
///
/// Only [`Outcome::Breached`] is a failure of its own. What follows from another failure names that one, so that one
/// cause is reported once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What was observed is within the limit.
    Met,
    /// What was observed is not within the limit, or there was nothing to observe and nothing else explains it.
    Breached,
    /// It could not be judged because of a failure that is reported already.
    NotJudged {
        /// That failure in one line: `warm-up failed: http://127.0.0.1:1 refuses connections`.
        cause: String,
    },
    /// What was observed is not within the limit, but only because of a failure that is reported already.
    Repeats {
        /// That failure in one line: `step 'fulfilled' failed: 3 of 80 minions: ...`.
        cause: String,
    },
}

impl Outcome {
    /// The name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Breached => "breached",
            Self::NotJudged { .. } => "not-judged",
            Self::Repeats { .. } => "repeats",
        }
    }
}

impl CriterionReport {
    /// Whether what was observed is within the limit.
    pub fn is_met(&self) -> bool {
        self.outcome == Outcome::Met
    }

    /// Whether it is a failure of its own.
    pub fn is_breached(&self) -> bool {
        self.outcome == Outcome::Breached
    }

    /// The failure that explains it, when it is not a failure of its own.
    pub fn cause(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Met | Outcome::Breached => None,
            Outcome::NotJudged { cause } | Outcome::Repeats { cause } => Some(cause),
        }
    }

    /// The kind of its failure, when it is one of its own.
    pub fn failure_kind(&self) -> FailureKind {
        match self.observed {
            Some(_) => self.criterion.quantity.failure_kind(),
            None => FailureKind::NoData,
        }
    }

    /// The observed figure with its unit, or `no data`.
    pub fn observed_text(&self) -> String {
        match self.observed {
            Some(value) => self.criterion.quantity.show(value),
            None if self.is_met() => "none".to_owned(),
            None => "no data".to_owned(),
        }
    }

    /// One line: `expected response time p95 below 130 ms, observed 1.2 s`.
    pub fn message(&self) -> String {
        let mut message = format!("expected {}, observed {}", self.criterion.rule(), self.observed_text());
        if let Some(why) = &self.no_data {
            message.push_str(&format!(": {why}"));
        }
        if let Some(after) = self.stopped_after {
            message.push_str(&format!("; the campaign was stopped for it after {}", human(after)));
        }
        match &self.outcome {
            Outcome::Met | Outcome::Breached => {}
            Outcome::NotJudged { cause } => message.push_str(&format!("; not judged: {cause}")),
            Outcome::Repeats { cause } => message.push_str(&format!("; it repeats: {cause}")),
        }
        if let Some(hint) = &self.hint {
            message.push_str(&format!("; {hint}"));
        }
        message
    }
}

/// One process that hosted minions.
#[derive(Debug, Clone)]
pub struct FactoryReport {
    /// Name.
    pub name: String,
    /// Location label.
    pub zone: Option<String>,
    /// Why it was lost, when it was.
    pub lost: Option<String>,
    /// CPU during the load; `None` where it could not be read.
    pub cpu: Option<CpuReport>,
    /// The largest jump of its wall clock in ns, positive is forward.
    pub clock_jump_ns: i64,
}

impl FactoryReport {
    /// A factory that has not reported its health.
    pub fn new(name: impl Into<String>, zone: Option<String>, lost: Option<String>) -> Self {
        Self { name: name.into(), zone, lost, cpu: None, clock_jump_ns: 0 }
    }
}
