//! JUnit XML: what every CI server reads.
//!
//! One file per scenario: `<folder>/<campaign-key>/TEST-<scenario>.xml`. One test case per step, per
//! criterion and per problem, never one per execution. The dialect is that of Jenkins and Maven
//! Surefire, with `file` and `line` on the test cases.

mod body;
mod cases;
pub(crate) mod output;
mod xml;

use crate::{controls, gaps, ledger};
use chrono::{DateTime, Utc};
use qalipsis_judge::report::{Reason, Report, ScenarioReport};
use qalipsis_summary::file_name::{self, FileNames};
use quick_junit::TestSuite;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The most that the files of one campaign take together, in bytes.
///
/// CI servers refuse or skip larger ones; GitLab's limit is the lowest that is widely met.
pub const SIZE_LIMIT: usize = 5 * 1000 * 1000;

/// Why the JUnit files could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder could not be created.
    #[error("failed to create the folder {} for JUnit files, check report.export.junit.folder: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("failed to write the JUnit file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A document could not be built; a defect of the product.
    #[error("failed to build the JUnit document of scenario '{scenario}': {source}")]
    Document {
        /// The scenario.
        scenario: String,
        /// Why.
        source: quick_junit::SerializeError,
    },
}

/// How much of everything is shown, in bytes as written, escapes included.
#[derive(Debug, Clone, Copy)]
struct Limits {
    body: usize,
    message: usize,
    name: usize,
    /// Test cases of one scenario. What did not pass goes first.
    cases: usize,
}

/// Tried in turn until the files fit: texts are cut first. No body is ever empty, for some readers show nothing else.
const LIMITS: [Limits; 4] = [
    Limits { body: 4096, message: 1000, name: 300, cases: usize::MAX },
    Limits { body: 1024, message: 500, name: 300, cases: usize::MAX },
    Limits { body: 300, message: 300, name: 200, cases: usize::MAX },
    Limits { body: 150, message: 150, name: 100, cases: usize::MAX },
];

/// Then test cases are left out, as few as possible.
fn fewer_cases() -> impl Iterator<Item = Limits> {
    (0..=10).map(|halvings| Limits { body: 100, message: 100, name: 80, cases: 1024 >> halvings })
}

/// Writes one file per scenario below `folder` and returns their paths, in the order of the scenarios.
///
/// The files are valid XML 1.0 whatever names, messages and payloads hold, and together take at most
/// [`SIZE_LIMIT`] bytes.
///
/// # Errors
/// When a folder or a file cannot be written; names it.
pub fn write(report: &Report, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = folder.join(file_name::safe(&report.key));
    let files = files(report)?;
    std::fs::create_dir_all(&folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
    let mut paths = Vec::with_capacity(files.len());
    for (name, document) in files {
        let path = folder.join(name);
        qalipsis_summary::file::write(&path, document.as_bytes())
            .map_err(|source| Error::File { path: path.clone(), source })?;
        paths.push(path);
    }
    Ok(paths)
}

/// The files as [`write()`] makes them: names and documents, in the order of the scenarios.
///
/// # Errors
/// When a document cannot be built.
pub fn files(report: &Report) -> Result<Vec<(String, String)>, Error> {
    let mut names = FileNames::default();
    let named = report.scenarios.iter().map(|scenario| format!("TEST-{}.xml", names.unique(&scenario.name)));
    Ok(named.zip(documents(report)?).collect())
}

/// The documents of all scenarios, small enough together.
fn documents(report: &Report) -> Result<Vec<String>, Error> {
    let mut documents = Vec::new();
    for limits in LIMITS.into_iter().chain(fewer_cases()) {
        documents = report
            .scenarios
            .iter()
            .map(|scenario| document(report, scenario, limits))
            .collect::<Result<Vec<_>, _>>()?;
        if documents.iter().map(String::len).sum::<usize>() <= SIZE_LIMIT {
            break;
        }
    }
    Ok(documents)
}

fn document(report: &Report, scenario: &ScenarioReport, limits: Limits) -> Result<String, Error> {
    let name = xml::line(&scenario.name, limits.name);
    let mut suite = TestSuite::new(&name);
    suite.set_timestamp(started(report)).set_time(report.duration);
    for (key, value) in properties(report, scenario) {
        suite.add_property((key, xml::line(&value, limits.message).as_str()));
    }

    if limits.body < LIMITS[0].body {
        let Limits { body, message, name, .. } = limits;
        let shortened = format!("failures to {body} bytes, messages to {message}, names to {name}");
        suite.add_property(("shortened", shortened.as_str()));
    }
    let mut cases = cases::all(report, scenario, limits);
    if cases.len() > limits.cases {
        // A stable sort: what did not pass stays, in its order.
        cases.sort_by_key(cases::passed);
        let left_out = cases.split_off(limits.cases);
        let failed = left_out.iter().filter(|case| !cases::passed(case)).count();
        let left_out_text = format!("{}, of which {failed} did not pass", left_out.len());
        suite.add_property(("test-cases-left-out", left_out_text.as_str()));
    }
    let mut taken = HashSet::new();
    for case in cases {
        suite.add_test_case(xml::named_once(case, &mut taken));
    }

    let mut document = quick_junit::Report::new(name);
    document.set_time(report.duration);
    document.add_test_suite(suite);
    document.to_string().map_err(|source| Error::Document { scenario: scenario.name.clone(), source })
}

/// What a reader must know of the campaign to judge or repeat the run.
fn properties(report: &Report, scenario: &ScenarioReport) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("campaign-key", report.key.clone()),
        ("campaign-name", report.name.clone()),
        ("status", report.verdict()),
        ("seed", report.seed.to_string()),
    ];
    properties.extend(report.git_revision.iter().map(|revision| ("git-revision", revision.clone())));
    properties.push(("profile", scenario.profile.clone()));
    properties.push(("zones", scenario.zones.join(", ")));
    properties.push(("minions", scenario.minions.to_string()));
    if scenario.dropped > 0 {
        properties.push(("dropped", scenario.dropped.to_string()));
    }
    properties.push(("minions-released", scenario.released.to_string()));
    // What could not be read stands with the run, also where nothing failed for it.
    for join in &scenario.joins {
        let lines = gaps::first_lines(join).into_iter();
        properties.extend(lines.map(|line| ("source", format!("{} {line}", join.name))));
        properties.push(("awaited", format!("{}: {}", join.name, ledger::keys_line(join))));
        properties.push(("records", format!("{}: {}", join.name, ledger::records_line(join))));
    }
    properties.extend(controls::lines(report, controls::SHOWN));
    let reasons = campaign_reasons(report).take(REASONS);
    properties.extend(reasons.map(|reason| ("reason", explain(reason, None))));
    properties
}

/// The most of them that one file names.
const REASONS: usize = 10;

/// Reasons that are no failure of one scenario: aborted, invalid, not ready.
fn campaign_reasons(report: &Report) -> impl Iterator<Item = &Reason> {
    report.reasons.iter().filter(|r| r.scenario.is_none() || r.kind.is_none())
}

/// The reason in one line, with its scenario unless that is `here`.
fn explain(reason: &Reason, here: Option<&str>) -> String {
    match &reason.scenario {
        Some(scenario) if Some(scenario.as_str()) != here => {
            format!("scenario {scenario}: {}", reason.message)
        }
        _ => reason.message.clone(),
    }
}

fn started(report: &Report) -> DateTime<Utc> {
    let ns = report.started.0;
    DateTime::from_timestamp((ns / 1_000_000_000) as i64, (ns % 1_000_000_000) as u32).unwrap_or_default()
}
