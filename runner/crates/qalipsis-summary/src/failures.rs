//! `failures.jsonl`: every failed execution of a campaign, one JSON object in each line.
//!
//! A format of its own, apart from the types of the product, as `events.jsonl`. It is described in
//! `runner/docs/failures.md`. Instants are RFC 3339 in UTC.

use crate::file_name;
use crate::instant;
use qalipsis_model::failure::{FailedExecution, UnlistedFailures};
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// Name of the file in the folder of its campaign.
pub const FILE_NAME: &str = "failures.jsonl";

/// Where the failures of a campaign are: `<folder>/<campaign-key>/failures.jsonl`.
pub fn path(folder: &Path, key: &str) -> PathBuf {
    folder.join(file_name::safe(key)).join(FILE_NAME)
}

/// One failed execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// When it failed.
    #[serde(with = "instant")]
    pub at: Timestamp,
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the step; null when the iteration failed outside of any step.
    pub step: Option<String>,
    /// `assertion`, `timeout`, `join-missing`, ...
    pub kind: String,
    /// Of a join: the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Index of the minion; null when no minion is concerned.
    pub minion: Option<u32>,
    /// Iteration of that minion, from 0.
    pub iteration: u64,
    /// One line that a person understands.
    pub message: String,
    /// W3C trace id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The factory.
    pub factory: String,
    /// Location label of the factory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// The last line, when not all failures are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlisted {
    /// How many failed executions have no line.
    pub unlisted: u64,
}

/// Who reports failures: what all those of one factory have in common.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Name of the factory.
    pub factory: &'a str,
    /// Location label of the factory.
    pub zone: Option<&'a str>,
    /// Name of the step.
    pub step: Option<&'a str>,
}

/// Writes one line.
///
/// # Errors
/// When it cannot be written.
pub fn write(out: &mut impl Write, origin: Origin<'_>, failed: &FailedExecution) -> io::Result<()> {
    let line = Failed {
        at: failed.at,
        scenario: failed.scenario.clone(),
        step: origin.step.map(str::to_owned),
        kind: failed.kind.name().to_owned(),
        key: failed.key.clone(),
        minion: failed.minion,
        iteration: failed.iteration,
        message: failed.message.clone(),
        trace_id: failed.trace_id.clone(),
        factory: origin.factory.to_owned(),
        zone: origin.zone.map(str::to_owned),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// Writes the last line of a list that is not complete.
///
/// # Errors
/// When it cannot be written.
pub fn write_unlisted(out: &mut impl Write, unlisted: UnlistedFailures) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Unlisted { unlisted: unlisted.count() })?;
    out.write_all(b"\n")
}

/// What a campaign is known to have failed at, as far as one iteration is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Its failures, in the order of the file.
    pub failures: Vec<Failed>,
    /// Whether the list has all failures of the campaign.
    pub complete: bool,
}

/// Reads the failures of one iteration. Lines that are no failures are passed over.
///
/// # Errors
/// When the file cannot be read.
pub fn of_iteration(path: &Path, scenario: &str, minion: u32, iteration: u64) -> io::Result<Known> {
    let mut known = Known { failures: Vec::new(), complete: true };
    for line in BufReader::new(File::open(path)?).lines() {
        let line = line?;
        if let Ok(failed) = serde_json::from_str::<Failed>(&line) {
            if failed.scenario == scenario && failed.minion == Some(minion) && failed.iteration == iteration {
                known.failures.push(failed);
            }
        } else if serde_json::from_str::<Unlisted>(&line).is_ok() {
            known.complete = false;
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_model::evidence::FailureKind;

    #[test]
    fn b4_a_line_has_all_that_finds_the_execution_and_is_read_again() {
        let failed = |minion: u32| FailedExecution {
            at: Timestamp(1_795_410_367_089_000_000),
            scenario: "checkout".into(),
            step: Some(1),
            key: Some("33cb".into()),
            minion: Some(minion),
            iteration: 3,
            kind: FailureKind::JoinMissing,
            message: "expected a record, observed none".into(),
            trace_id: Some("4bf9".into()),
        };
        let origin = Origin { factory: "checkout", zone: None, step: Some("fulfilled") };
        let mut text = Vec::new();
        write(&mut text, origin, &failed(7)).unwrap();
        let line = "{\"at\":\"2026-11-23T05:06:07.089Z\",\"scenario\":\"checkout\",\"step\":\"fulfilled\",\
                    \"kind\":\"join-missing\",\"key\":\"33cb\",\"minion\":7,\"iteration\":3,\
                    \"message\":\"expected a record, observed none\",\"trace_id\":\"4bf9\",\"factory\":\"checkout\"}\n";
        assert_eq!(String::from_utf8(text.clone()).unwrap(), line);
        write(&mut text, origin, &failed(8)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, &text).unwrap();
        let known = of_iteration(&path, "checkout", 7, 3).unwrap();
        assert_eq!((known.failures.len(), known.complete), (1, true));
        write_unlisted(&mut text, UnlistedFailures { beyond_limit: 5, dropped: 1 }).unwrap();
        assert!(text.ends_with(b"{\"unlisted\":6}\n"));
        std::fs::write(&path, &text).unwrap();
        let known = of_iteration(&path, "checkout", 7, 4).unwrap();
        assert_eq!((known.failures.len(), known.complete), (0, false));
    }
}
