//! Outputs as a list: how many there are is decided by who runs a campaign, not here.
//!
//! `runner/docs/outputs.md` shows how to add one.

use qalipsis_judge::report::Report;
use std::error::Error;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Shows a finished report to somebody.
///
/// An output never changes a verdict: an error of it, a panic, and a time that is too long become warnings.
pub trait Output: Send + 'static {
    /// What the lines about it begin with: `html`.
    fn label(&self) -> &'static str;

    /// Shows `report`. What it returns is told to the user, one line each: paths, mostly.
    ///
    /// It may block. When its time is over nobody waits for it any longer, and the process may end.
    ///
    /// # Errors
    /// When the report could not be shown, in a line that holds no secret.
    fn show(&self, report: &Report) -> Result<Vec<String>, Box<dyn Error + Send + Sync>>;
}

/// What became of one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Of the output.
    pub label: &'static str,
    /// What to tell the user, or why it failed.
    pub outcome: Result<Vec<String>, String>,
}

impl Shown {
    /// The warning, when it failed.
    pub fn warning(&self) -> Option<String> {
        self.outcome.as_ref().err().map(|error| format!("{}: {error}", self.label))
    }
}

/// Shows `report` in all `outputs` at once and waits at most `limit` for all of them together.
///
/// What became of them comes in the order of the list.
pub fn show(report: &Arc<Report>, outputs: Vec<Box<dyn Output>>, limit: Duration) -> Vec<Shown> {
    show_unless(report, outputs, limit, |_| false)
}

/// How often it is looked whether an output is still wanted.
const LOOK: Duration = Duration::from_millis(50);

/// Like [`show`], and waits no longer for an output once `unwanted` says so of its label.
pub fn show_unless(
    report: &Arc<Report>,
    outputs: Vec<Box<dyn Output>>,
    limit: Duration,
    unwanted: impl Fn(&str) -> bool,
) -> Vec<Shown> {
    let end = Instant::now() + limit;
    let started: Vec<_> = outputs.into_iter().map(|output| (output.label(), start(report, output))).collect();
    let wait = |label, shown: mpsc::Receiver<Result<Vec<String>, String>>| loop {
        use mpsc::RecvTimeoutError::{Disconnected, Timeout};
        let left = end.saturating_duration_since(Instant::now());
        match shown.recv_timeout(left.min(LOOK)) {
            Ok(outcome) => return outcome,
            Err(Timeout) if unwanted(label) => return Err("not finished, stopped by the user".to_owned()),
            Err(Timeout) if left > LOOK => {}
            Err(Timeout) => {
                return Err(format!("not finished within {}", qalipsis_model::duration::human(limit)));
            }
            Err(Disconnected) => return Err("it panicked, which is a defect of the output".to_owned()),
        }
    };
    let outcome = |(label, shown): (&'static str, Result<mpsc::Receiver<_>, String>)| Shown {
        label,
        outcome: shown.and_then(|shown| wait(label, shown)),
    };
    started.into_iter().map(outcome).collect()
}

/// Each has a thread of its own: one that hangs delays neither the others nor the end of the process.
fn start(
    report: &Arc<Report>,
    output: Box<dyn Output>,
) -> Result<mpsc::Receiver<Result<Vec<String>, String>>, String> {
    let (tell, told) = mpsc::sync_channel(1);
    let report = Arc::clone(report);
    let work = move || {
        let outcome = output.show(&report).map_err(|error| error.to_string());
        // Nobody listens any longer when its time is over.
        let _ = tell.send(outcome);
    };
    match std::thread::Builder::new().name("output".to_owned()).spawn(work) {
        Ok(_) => Ok(told),
        Err(error) => Err(format!("failed to start a thread: {error}")),
    }
}
