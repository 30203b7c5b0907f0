//! Earlier runs that a run is compared with, read from their files.

use crate::error::Error;
use crate::problem::Problem;
use qalipsis_compare::{Comparison, Run, compare, mismatch};
use qalipsis_report::comparison;
use qalipsis_summary::{Environment, FILE_NAME, Status, Summary};
use std::path::{Path, PathBuf};

/// The most baselines that are read; of more, the ones whose names come last, which for campaigns are the latest.
const MOST: usize = 50;

/// Earlier runs, with their summaries.
#[derive(Debug)]
pub struct Baselines {
    runs: Vec<Run>,
    environments: Vec<Environment>,
    notes: Vec<String>,
}

impl Baselines {
    /// Reads a summary, or all those in a directory: `DIR/*.json` and `DIR/<campaign-key>/summary.json`.
    ///
    /// In a directory, campaigns that did not succeed are left out, and the comparison says so.
    ///
    /// # Errors
    /// When there is none, when a file is no summary of this program or of a newer one, and when a campaign
    /// that is given alone was aborted or is invalid.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut baselines = Self { runs: Vec::new(), environments: Vec::new(), notes: Vec::new() };
        if !path.is_dir() {
            let summary = read_comparable(path)?;
            if summary.status == Status::Failed {
                baselines.notes.push(format!("the baseline {} is of a campaign that failed", path.display()));
            }
            baselines.add(path, &summary);
            return Ok(baselines);
        }
        let mut files = files(path)?;
        let extra = files.len().saturating_sub(MOST);
        if extra > 0 {
            let note =
                format!("only the last {MOST} of {} baselines in {} are used", files.len(), path.display());
            baselines.notes.push(note);
        }
        for file in files.drain(..).skip(extra) {
            let summary = Summary::read(&file).map_err(Problem::new)?;
            match summary.status {
                Status::Successful | Status::Warning => baselines.add(&file, &summary),
                status @ (Status::Running | Status::Failed | Status::Aborted | Status::Invalid) => {
                    let note = format!("{} is left out: its campaign is {}", file.display(), name(status));
                    baselines.notes.push(note);
                }
            }
        }
        if baselines.runs.is_empty() {
            return Err(Problem::new(format_args!(
                "{} has no summary of a campaign that succeeded, write one with --save-baseline",
                path.display()
            ))
            .into());
        }
        Ok(baselines)
    }

    fn add(&mut self, path: &Path, summary: &Summary) {
        self.runs.push(comparison::run(summary, path.display().to_string()));
        self.environments.push(summary.environment.clone());
    }

    /// Whether scenarios with these loads can be compared with them.
    ///
    /// # Errors
    /// When they were recorded with another load, or have none of the scenarios.
    pub fn check(&self, loads: &[(&str, &str)]) -> Result<(), Error> {
        mismatch(&self.runs, loads).map_or(Ok(()), |why| Err(Problem::new(why).into()))
    }

    /// Holds a run against them.
    pub fn against(&self, current: &Summary, label: String) -> Comparison {
        let mut comparison = compare(&self.runs, &comparison::run(current, label));
        let mut notes = self.notes.clone();
        notes.append(&mut comparison.notes);
        notes.extend(self.other_machine(&current.environment));
        comparison.notes = notes;
        comparison
    }

    /// A warning when a baseline ran on another machine: its durations may differ for that alone.
    fn other_machine(&self, now: &Environment) -> Option<String> {
        let (index, then) =
            self.environments.iter().enumerate().find(|(_, then)| machine(then) != machine(now))?;
        Some(format!(
            "the baseline {} ran on another machine: {} there, {} now",
            self.runs[index].label,
            machine(then),
            machine(now)
        ))
    }
}

/// Reads the summary of a campaign that ran to its end on a generator that kept up.
///
/// # Errors
/// When the file is no such summary.
pub fn read_comparable(path: &Path) -> Result<Summary, Error> {
    let summary = Summary::read(path).map_err(Problem::new)?;
    match summary.status {
        Status::Successful | Status::Warning | Status::Failed => Ok(summary),
        status @ (Status::Running | Status::Aborted | Status::Invalid) => Err(Problem::new(format_args!(
            "{} cannot be compared: its campaign is {}, so its figures are not those of a complete run",
            path.display(),
            name(status)
        ))
        .into()),
    }
}

/// Where a baseline is written: the file itself, or a file named after the campaign in a directory.
pub fn output_path(path: &Path, key: &str) -> PathBuf {
    let folder = path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/');
    if folder { path.join(format!("{key}.json")) } else { path.to_owned() }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable =
        |error: std::io::Error| Problem::new(format_args!("failed to read {}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let nested = path.join(FILE_NAME);
        if nested.is_file() {
            files.push(nested);
        } else if path.extension().is_some_and(|e| e == "json") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn machine(environment: &Environment) -> String {
    let cpu = environment.cpu.as_deref().unwrap_or(&environment.architecture);
    format!("{} × {cpu}", environment.cpus)
}

fn name(status: Status) -> &'static str {
    match status {
        Status::Running => "RUNNING",
        Status::Successful => "SUCCESSFUL",
        Status::Warning => "WARNING",
        Status::Failed => "FAILED",
        Status::Aborted => "ABORTED",
        Status::Invalid => "INVALID",
    }
}
