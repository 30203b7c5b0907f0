//! `summary.json`: the report for programs, and for later runs to be compared with; beside it the list of all failures, and
//! the names of files.
//!
//! A format of its own, apart from the types of the product, so that it only changes on purpose. Its
//! JSON Schema is `runner/docs/summary.schema.json`. New fields may come at any time and readers skip
//! those that they do not know; [`SCHEMA_VERSION`] rises when an older reader would misunderstand.
//!
//! Names end in their unit. Instants are RFC 3339 in UTC. Durations are whole nanoseconds.

mod controls;
mod criterion;
mod environment;
mod failure;
pub mod failures;
pub mod file;
pub mod file_name;
pub mod instant;
mod join;
mod meter;
mod scenario;
#[cfg(test)]
mod schema;
mod step;
mod timeline;
mod zone;

pub use controls::{Marker, Pause};
pub use criterion::Criterion;
pub use environment::{Crate, Environment};
pub use failure::{Check, Exchange, Failure, Kept, Location};
pub use join::{Awaiting, Gap, Join, KeptRecord, Notice};
pub use meter::Meter;
pub use scenario::{Problem, Scenario};
pub use step::{Figures, Outcome, Outcomes, Step, StepKind, Times};
pub use timeline::{StepTimeline, Timeline};
pub use zone::{Zone, ZoneDifference, ZoneStep};

use qalipsis_judge::report::Report;
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Version of the format that this program writes, and the newest that it reads.
pub const SCHEMA_VERSION: u32 = 1;

/// Name of the file in the folder of its campaign.
pub const FILE_NAME: &str = "summary.json";

/// One campaign: finished, or as far as it is known while it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// Version of this format.
    pub schema_version: u32,
    /// Unique key of the campaign; it sorts by time.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Seed of schedules and data: the same seed gives the same ones.
    pub seed: u64,
    /// When the load started, or the campaign when no load was started.
    #[serde(with = "instant")]
    #[cfg_attr(test, schemars(with = "schema::Instant"))]
    pub started: Timestamp,
    /// From `started` to the end of the drain.
    pub duration_ns: u64,
    /// The verdict.
    pub status: Status,
    /// Why the verdict is not SUCCESSFUL, most important first; empty when it is.
    pub reasons: Vec<Reason>,
    /// What did not change the verdict but must be known.
    pub warnings: Vec<String>,
    /// In order of the plan.
    pub scenarios: Vec<Scenario>,
    /// Processes that hosted minions.
    pub factories: Vec<Factory>,
    /// Its events; null when none were collected.
    #[serde(default)]
    pub events: Option<Events>,
    /// Times in which the load was paused, in their order.
    #[serde(default)]
    pub pauses: Vec<Pause>,
    /// Instants that users marked, in their order.
    #[serde(default)]
    pub markers: Vec<Marker>,
    /// The machine, the programs and the configuration.
    pub environment: Environment,
}

/// The verdict on a campaign, and before it that there is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Status {
    /// The campaign has not ended; all else is as far as it is known. No file has it.
    Running,
    /// All checks and criteria were met.
    Successful,
    /// Only warnings.
    Warning,
    /// A verification, join or criterion failed, or what had to be executed never was.
    Failed,
    /// The user, a timeout or a lost factory ended it.
    Aborted,
    /// The generator was the bottleneck: the figures cannot be trusted.
    Invalid,
}

/// One cause of the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reason {
    /// Scenario concerned.
    pub scenario: Option<String>,
    /// Step or meter concerned.
    pub step: Option<String>,
    /// Kind of failure: `assertion`, `latency`, `join-missing`, ...; null when the system did not fail (aborted, invalid).
    pub kind: Option<String>,
    /// One line that a person understands without the rest.
    pub message: String,
}

/// One process that hosted minions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Factory {
    /// Name.
    pub name: String,
    /// Location label.
    pub zone: Option<String>,
    /// Why it was lost, when it was.
    pub lost: Option<String>,
    /// CPU during the load; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// The largest jump of its wall clock against the monotonic one; positive is forward.
    #[serde(default)]
    pub clock_jump_ns: i64,
}

/// CPU in use during the load, in percent of what the factory may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cpu {
    /// By the factory on average.
    pub own_mean_percent: u8,
    /// By the factory in the second in which it had most.
    pub own_max_percent: u8,
    /// By whomever in the second in which most was in use.
    pub machine_max_percent: u8,
}

/// The events of a campaign, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Events {
    /// Those that reached the head.
    pub received: u64,
    /// Those that were dropped because a buffer was full.
    pub dropped: u64,
}

/// Why a summary could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or its folder could not be written.
    #[error("failed to write the summary {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file could not be read.
    #[error("failed to read the summary {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is something else, or damaged.
    #[error("{} is not a summary.json of QALIPSIS: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// A newer program wrote the file.
    #[error(
        "{} has version {found} of the format, this program reads up to {SCHEMA_VERSION}: use the qalipsis that wrote it, or a newer one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// What every version has.
#[derive(Deserialize)]
struct Versioned {
    schema_version: u32,
}

impl Summary {
    /// Reads a summary of this version or an older one.
    ///
    /// # Errors
    /// When the file cannot be read, is no summary, or was written by a newer program; names it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let malformed = |source| Error::Malformed { path: path.to_owned(), source };
        // The version goes first: a newer file may well not fit the types of this program.
        let Versioned { schema_version: found } = serde_json::from_slice(&text).map_err(malformed)?;
        if found > SCHEMA_VERSION {
            return Err(Error::Newer { path: path.to_owned(), found });
        }
        serde_json::from_slice(&text).map_err(malformed)
    }

    /// Writes it to a file, and makes its folder when there is none.
    ///
    /// The file is complete or not there: a reader never sees half of it.
    ///
    /// # Errors
    /// When the folder or the file cannot be written; names it.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::Write { path: path.to_owned(), source };
        let mut text = serde_json::to_vec(self).map_err(|e| failed(e.into()))?;
        text.push(b'\n');
        file::write(path, &text).map_err(failed)
    }
}

impl From<&Report> for Summary {
    fn from(report: &Report) -> Self {
        let reason = |reason: &qalipsis_judge::report::Reason| Reason {
            scenario: reason.scenario.clone(),
            step: reason.step.clone(),
            kind: reason.kind.map(|kind| kind.name().to_owned()),
            message: reason.message.clone(),
        };
        let factory = |factory: &qalipsis_judge::report::FactoryReport| Factory {
            name: factory.name.clone(),
            zone: factory.zone.clone(),
            lost: factory.lost.clone(),
            cpu: factory.cpu.map(|cpu| Cpu {
                own_mean_percent: cpu.own_mean,
                own_max_percent: cpu.own_max,
                machine_max_percent: cpu.machine_max,
            }),
            clock_jump_ns: factory.clock_jump_ns,
        };
        Self {
            schema_version: SCHEMA_VERSION,
            key: report.key.clone(),
            name: report.name.clone(),
            seed: report.seed,
            started: report.started,
            duration_ns: report.duration.as_nanos() as u64,
            status: report.status.into(),
            reasons: report.reasons.iter().map(reason).collect(),
            warnings: report.warnings.clone(),
            scenarios: report.scenarios.iter().map(|s| Scenario::new(s, report.started)).collect(),
            factories: report.factories.iter().map(factory).collect(),
            events: report.events.map(|e| Events { received: e.received, dropped: e.dropped }),
            pauses: controls::pauses(&report.controls),
            markers: controls::markers(&report.controls),
            environment: Environment::of(report),
        }
    }
}

impl From<qalipsis_model::verdict::Status> for Status {
    fn from(status: qalipsis_model::verdict::Status) -> Self {
        use qalipsis_model::verdict::Status as Verdict;
        match status {
            Verdict::Running => Self::Running,
            Verdict::Successful => Self::Successful,
            Verdict::Warning => Self::Warning,
            Verdict::Failed => Self::Failed,
            Verdict::Aborted => Self::Aborted,
            Verdict::Invalid => Self::Invalid,
        }
    }
}
