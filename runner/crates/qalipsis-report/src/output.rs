//! What an output is, and how the outputs of a campaign are published.
//!
//! `runner/docs/outputs.md` shows how to add one.

use qalipsis_config::section::{Section, SectionDefinition};
use qalipsis_judge::report::Report;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// What an output has published, one line each: paths, mostly. The console shows them.
pub type PublishResult = Result<Vec<String>, Box<dyn Error + Send + Sync>>;

/// Publishes a finished report.
///
/// An output never changes a verdict: an error of it, a panic, and a time that is too long become warnings.
pub trait Output: Send + 'static {
    /// Whether this report is to be published.
    fn wants(&self, _report: &Report) -> bool {
        true
    }

    /// Publishes `report`.
    ///
    /// It may block. When its time is over nobody waits for it any longer, and the process may end.
    ///
    /// # Errors
    /// When the report could not be published, in a line without secrets.
    fn publish(&self, report: &Report) -> PublishResult;
}

/// An output before it is configured: all that the product knows of it.
#[derive(Debug)]
pub struct OutputDefinition {
    /// Its keys, below `report.export.<label>`.
    pub section: SectionDefinition,
    /// When it is published, and what becomes of an error.
    pub kind: OutputKind,
    /// Makes it as configured; `None` when it is not wanted.
    pub build: fn(&Section<'_>, &Surroundings<'_>) -> Option<Box<dyn Output>>,
    /// What is written to standard output behind the report, for a program that reads it.
    pub printed: Option<fn(&Section<'_>, &Report) -> Option<String>>,
}

impl OutputDefinition {
    /// What the lines about it begin with: the last part of the name of its section.
    pub fn label(&self) -> &'static str {
        let name = self.section.name;
        name.rsplit_once('.').map_or(name, |(_, label)| label)
    }
}

/// What kind of output it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// A message to people. It is sent first; an error is a warning of the report, which all others then show.
    Notification,
    /// A file that was asked for. It is checked before the load that its folder takes files, and a campaign without it
    /// does not end with exit code 0.
    File,
    /// Something appended to what another system reads. It is written once, after all others.
    Appendix,
}

/// What an output may need of the campaign's configuration beside its own keys.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Below which folder files are written: `report.export.junit.folder`.
    pub folder: &'a Path,
    /// Where people find the report: `report.link`.
    pub link: Option<&'a str>,
}

/// What became of one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Of the output.
    pub label: &'static str,
    /// What the console shows, or why it failed.
    pub outcome: Result<Vec<String>, String>,
}

impl Published {
    /// The warning, when it failed.
    pub fn warning(&self) -> Option<String> {
        self.outcome.as_ref().err().map(|error| format!("{}: {error}", self.label))
    }
}

/// An output with its label.
pub type Labelled = (&'static str, Box<dyn Output>);

/// Publishes `report` in all `outputs` at once and waits at most `limit` for all of them together.
///
/// What became of them comes in the order of the list.
pub fn publish(report: &Arc<Report>, outputs: Vec<Labelled>, limit: Duration) -> Vec<Published> {
    publish_unless(report, outputs, limit, |_| false)
}

/// How often it is looked whether an output is still wanted.
const LOOK: Duration = Duration::from_millis(50);

/// Like [`publish`], and waits no longer for an output once `unwanted` says so of its label.
pub fn publish_unless(
    report: &Arc<Report>,
    outputs: Vec<Labelled>,
    limit: Duration,
    unwanted: impl Fn(&str) -> bool,
) -> Vec<Published> {
    let end = Instant::now() + limit;
    let started: Vec<_> = outputs.into_iter().map(|(label, output)| (label, start(report, output))).collect();
    let wait = |label, outcome: mpsc::Receiver<Outcome>| loop {
        use mpsc::RecvTimeoutError::{Disconnected, Timeout};
        let left = end.saturating_duration_since(Instant::now());
        match outcome.recv_timeout(left.min(LOOK)) {
            Ok(outcome) => return outcome,
            Err(Timeout) if unwanted(label) => return Err("not finished, stopped by the user".to_owned()),
            Err(Timeout) if left > LOOK => {}
            Err(Timeout) => {
                return Err(format!("not finished within {}", qalipsis_model::duration::human(limit)));
            }
            Err(Disconnected) => return Err("it panicked, which is a defect of the output".to_owned()),
        }
    };
    let published = |(label, started): (&'static str, Result<mpsc::Receiver<_>, String>)| Published {
        label,
        outcome: started.and_then(|outcome| wait(label, outcome)),
    };
    started.into_iter().map(published).collect()
}

type Outcome = Result<Vec<String>, String>;

/// Each has a thread of its own: one that hangs delays neither the others nor the end of the process.
fn start(report: &Arc<Report>, output: Box<dyn Output>) -> Result<mpsc::Receiver<Outcome>, String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let report = Arc::clone(report);
    let work = move || {
        let outcome = output.publish(&report).map_err(|error| error.to_string());
        // Nobody waits any longer when its time is over.
        let _ = sender.send(outcome);
    };
    match std::thread::Builder::new().name("output".to_owned()).spawn(work) {
        Ok(_) => Ok(receiver),
        Err(error) => Err(format!("failed to start a thread: {error}")),
    }
}

/// A path as the console shows it.
pub fn shown(path: &Path) -> String {
    path.display().to_string()
}
