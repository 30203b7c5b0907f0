//! What failed, with the evidence of the first failures.

use super::instant;
#[cfg(test)]
use super::schema;
use qalipsis_judge::report::StepFailure;
use qalipsis_model::evidence::{Evidence, ExchangeRecord, FailedCheck};
use qalipsis_model::location::SourceLocation;
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place in a scenario's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Location {
    /// Path as the compiler was given it, for a workspace relative to its root.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// The failures of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// `assertion`, `error`, `timeout`, `panic`, `join-missing`, `join-late`, `undecodable`, ...
    pub kind: String,
    /// How many executions, or records where records failed.
    pub count: u64,
    /// The first one in one line.
    pub message: String,
    /// The first ones, with their evidence.
    pub kept: Vec<Kept>,
}

/// One failure, with its evidence. Texts are excerpts of at most 2 KB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Kept {
    /// When it failed.
    #[serde(with = "instant")]
    #[cfg_attr(test, schemars(with = "schema::Instant"))]
    pub at: Timestamp,
    /// Index of the minion; null when no minion is concerned.
    pub minion: Option<u32>,
    /// Iteration of that minion, from 0.
    pub iteration: u64,
    /// How many records that minion had taken before that iteration, by name of the data; absent when it took none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taken: BTreeMap<String, u64>,
    /// Zone of the factory.
    pub zone: Option<String>,
    /// Attempt, from 1.
    pub attempt: u32,
    /// A stable word below the kind: `connect`, `dns`, `tls`; may be empty.
    pub code: String,
    /// One line that a person understands.
    pub message: String,
    /// The checks that failed.
    pub checks: Vec<Check>,
    /// Of a join: the key; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Of a join: the name of its source; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What else is known of the cause, a sentence each; absent when nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What that iteration exchanged until it failed, in order of time; absent when nothing was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// How many exchanges are left out after the eighth; absent when none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchanges_omitted: Option<u32>,
    /// What was sent; only in files that have no `exchanges`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// What was exchanged; only in files that have no `exchanges`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// W3C trace id.
    pub trace_id: Option<String>,
    /// The step in the scenario's source.
    pub location: Option<Location>,
}

/// One exchange with the system under test: a request and its answer, a statement and its rows, a record that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Exchange {
    /// Name of the step that made it; null outside of any step.
    pub step: Option<String>,
    /// When it began, or when the record came.
    #[serde(with = "instant")]
    #[cfg_attr(test, schemars(with = "schema::Instant"))]
    pub at: Timestamp,
    /// One line: `POST http://127.0.0.1:8080/orders → 202 in 3.1 ms`.
    pub summary: String,
    /// All that is known of it.
    pub details: String,
}

/// One check that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// What was expected.
    pub expected: String,
    /// What was observed.
    pub observed: String,
    /// The check in the scenario's source.
    pub location: Option<Location>,
}

impl From<&SourceLocation> for Location {
    fn from(location: &SourceLocation) -> Self {
        Self { file: location.file.clone(), line: location.line, column: location.column }
    }
}

impl From<&StepFailure> for Failure {
    fn from(failure: &StepFailure) -> Self {
        Self {
            kind: failure.kind.name().to_owned(),
            count: failure.count,
            message: failure.message.clone(),
            kept: failure.evidence.iter().map(Kept::from).collect(),
        }
    }
}

impl From<&Evidence> for Kept {
    fn from(evidence: &Evidence) -> Self {
        Self {
            at: evidence.at,
            minion: evidence.minion,
            iteration: evidence.iteration,
            taken: evidence.taken.clone(),
            zone: evidence.zone.clone(),
            attempt: evidence.attempt,
            code: evidence.code.clone(),
            message: evidence.message.clone(),
            checks: evidence.checks.iter().map(Check::from).collect(),
            key: evidence.key.clone(),
            source: evidence.source.clone(),
            notes: evidence.notes.clone(),
            exchanges: evidence.exchanges.iter().map(Exchange::from).collect(),
            exchanges_omitted: Some(evidence.exchanges_omitted).filter(|omitted| *omitted > 0),
            input: None,
            exchange: None,
            trace_id: evidence.trace_id.clone(),
            location: evidence.location.as_ref().map(Location::from),
        }
    }
}

impl From<&ExchangeRecord> for Exchange {
    fn from(record: &ExchangeRecord) -> Self {
        let ExchangeRecord { step, at, summary, details } = record.clone();
        Self { step, at, summary, details }
    }
}

impl From<&FailedCheck> for Check {
    fn from(check: &FailedCheck) -> Self {
        Self {
            name: check.name.clone(),
            expected: check.expected.clone(),
            observed: check.observed.clone(),
            location: check.location.as_ref().map(Location::from),
        }
    }
}
