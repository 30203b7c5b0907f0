//! One step and its figures.

use super::failure::{Failure, Location};
use super::instant;
#[cfg(test)]
use super::schema;
use qalipsis_judge::report::StepReport;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::{self, ExecutionOutcome, StepFigures};
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// One step as declared, and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Step {
    /// Name.
    pub name: String,
    /// What it turned out to be; null when it was never executed.
    pub kind: Option<StepKind>,
    /// Where the scenario executes it; null when it never did.
    pub location: Option<Location>,
    /// Whether a run in which nobody reaches it may still pass.
    pub optional: bool,
    /// Whether it was declared but never executed.
    pub skipped: bool,
    /// Why it was never executed, when another failure explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Everything that failed in one line; null when nothing did.
    pub headline: Option<String>,
    /// Executions that succeeded only after a retry; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaky: Option<Flaky>,
    /// Failures that the scenario tolerates; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerated: Option<Tolerated>,
    /// What failed, one per kind, most frequent first.
    pub failures: Vec<Failure>,
    /// What was counted and timed.
    pub figures: Figures,
}

/// Executions that succeeded only after a retry. They warn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Flaky {
    /// How many.
    pub executions: u64,
    /// Why the first of them was retried; null when no reason was given.
    pub cause: Option<String>,
}

/// Failures within the tolerance of their step. They warn, and do not fail the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tolerated {
    /// How many executions failed.
    pub executions: u64,
    /// How many may: `3` or `1 %`.
    pub limit: String,
    /// What failed, in one line.
    pub message: String,
}

/// What a step turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum StepKind {
    /// It acts.
    Action,
    /// It asserts.
    Verification,
    /// It awaits a record.
    Join,
}

/// What was counted and timed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Figures {
    /// Executions that ended, whatever their outcome.
    pub executions: u64,
    /// Those that did not succeed.
    pub failed: u64,
    /// Executions that were dropped before their end.
    pub cancelled: u64,
    /// Distinct minions that executed it.
    pub minions: u64,
    /// Distinct minions of which an execution did not succeed.
    pub failed_minions: u64,
    /// When an execution first did not succeed.
    #[serde(with = "instant::optional", default)]
    #[cfg_attr(test, schemars(with = "Option<schema::Instant>"))]
    pub first_failure: Option<Timestamp>,
    /// When one last did not.
    #[serde(with = "instant::optional", default)]
    #[cfg_attr(test, schemars(with = "Option<schema::Instant>"))]
    pub last_failure: Option<Timestamp>,
    /// Figures of all response times; null when there is none. Of a join how long it was awaited: its latencies are
    /// with the joins.
    pub response_time: Option<Times>,
    /// Figures of all service times; null when there is none. Of a join as above.
    pub service_time: Option<Times>,
    /// The distributions, by outcome.
    pub outcomes: Outcomes,
}

/// Both distributions of the executions with one outcome. An outcome that nobody met is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcomes {
    /// Executions that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Outcome>,
    /// Executions in which a check failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Outcome>,
    /// Executions that could not do their work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Outcome>,
    /// Executions that took longer than allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Outcome>,
}

/// The executions with one outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcome {
    /// How many.
    pub count: u64,
    /// From the start of each to its end.
    #[cfg_attr(test, schemars(with = "schema::Histogram"))]
    pub service: Histogram,
    /// From the instant for which each was intended to its end.
    #[cfg_attr(test, schemars(with = "schema::Histogram"))]
    pub response: Histogram,
}

/// Figures of a distribution of durations. Percentiles are within 1 %, the others exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Times {
    /// Number of samples.
    pub count: u64,
    /// The shortest.
    pub min_ns: u64,
    /// The mean.
    pub mean_ns: u64,
    /// The median.
    pub p50_ns: u64,
    /// The 95th percentile.
    pub p95_ns: u64,
    /// The 99th percentile.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl Times {
    /// The figures of a distribution, when it has samples.
    pub fn of(histogram: &Histogram) -> Option<Self> {
        Some(Self {
            count: histogram.count(),
            min_ns: histogram.min_ns()?,
            mean_ns: histogram.mean_ns()?,
            p50_ns: histogram.percentile_ns(50.0)?,
            p95_ns: histogram.percentile_ns(95.0)?,
            p99_ns: histogram.percentile_ns(99.0)?,
            max_ns: histogram.max_ns()?,
        })
    }
}

impl Outcomes {
    fn of(figures: &StepFigures) -> Self {
        let outcome = |outcome| {
            figures.times(outcome).map(|times| Outcome {
                count: times.count(),
                service: times.service.clone(),
                response: times.response.clone(),
            })
        };
        Self {
            success: outcome(ExecutionOutcome::Success),
            failure: outcome(ExecutionOutcome::Failure),
            error: outcome(ExecutionOutcome::Error),
            timeout: outcome(ExecutionOutcome::Timeout),
        }
    }

    /// The distributions of all outcomes that were met.
    pub fn all(&self) -> impl Iterator<Item = &Outcome> {
        [&self.success, &self.failure, &self.error, &self.timeout].into_iter().flatten()
    }

    /// Response times, whatever the outcome.
    pub fn response(&self) -> Histogram {
        merged(self.all().map(|o| &o.response))
    }

    /// Service times, whatever the outcome.
    pub fn service(&self) -> Histogram {
        merged(self.all().map(|o| &o.service))
    }
}

fn merged<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Histogram {
    histograms.fold(Histogram::default(), |mut all, one| {
        all.merge(one);
        all
    })
}

impl From<&StepFigures> for Figures {
    fn from(figures: &StepFigures) -> Self {
        Self {
            executions: figures.executions(),
            failed: figures.failures(),
            cancelled: figures.cancelled,
            minions: figures.minions,
            failed_minions: figures.failed_minions,
            first_failure: figures.first_failure,
            last_failure: figures.last_failure,
            response_time: Times::of(&figures.response()),
            service_time: Times::of(&figures.service()),
            outcomes: Outcomes::of(figures),
        }
    }
}

impl From<&StepReport> for Step {
    fn from(step: &StepReport) -> Self {
        let figures = &step.figures;
        Self {
            name: step.name.clone(),
            kind: step.figures.kind.map(StepKind::from),
            location: step.location.as_ref().map(Location::from),
            optional: step.optional,
            skipped: step.skipped,
            cause: step.cause.clone(),
            headline: step.headline.clone(),
            flaky: (figures.flaky > 0)
                .then(|| Flaky { executions: figures.flaky, cause: figures.flaky_cause.clone() }),
            tolerated: step.tolerated.as_ref().zip(figures.tolerance).map(|(message, limit)| Tolerated {
                executions: figures.failures(),
                limit: limit.to_string(),
                message: message.clone(),
            }),
            failures: step.failures.iter().map(Failure::from).collect(),
            figures: Figures::from(&step.figures),
        }
    }
}

impl From<snapshot::StepKind> for StepKind {
    fn from(kind: snapshot::StepKind) -> Self {
        match kind {
            snapshot::StepKind::Action => Self::Action,
            snapshot::StepKind::Verification => Self::Verification,
            snapshot::StepKind::Join => Self::Join,
        }
    }
}
