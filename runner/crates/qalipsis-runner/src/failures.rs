//! The list of failed executions of a campaign, beside its summary.

use crate::line_file::{self, LineFile, Lines, Queue};
use qalipsis_head::FailureSink;
use qalipsis_judge::described::Described;
use qalipsis_model::failure::{FailedExecution, UnlistedFailures};
use qalipsis_model::plan::FactoryPlan;
use qalipsis_summary::failures::{self, Origin};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// By scenario: the names of its steps.
type Steps = BTreeMap<String, Vec<String>>;

/// What goes into the file at once.
#[derive(Debug)]
enum Batch {
    Failed { factory: String, zone: Option<String>, steps: Arc<Steps>, failed: Vec<FailedExecution> },
    Unlisted(UnlistedFailures),
}

impl Lines for Batch {
    fn count(&self) -> u64 {
        match self {
            Self::Failed { failed, .. } => failed.len() as u64,
            Self::Unlisted(_) => 1,
        }
    }

    fn write(&self, mut out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Unlisted(unlisted) => failures::write_unlisted(&mut out, *unlisted),
            Self::Failed { factory, zone, steps, failed } => failed.iter().try_for_each(|one| {
                let index = one.step.map(|step| step as usize);
                let step = index.and_then(|index| steps.get(&one.scenario)?.get(index));
                let origin = Origin { factory, zone: zone.as_deref(), step: step.map(String::as_str) };
                failures::write(&mut out, origin, one)
            }),
        }
    }
}

/// The way to the file, for the head.
#[derive(Debug)]
pub(crate) struct Sink {
    steps: Arc<Steps>,
    /// How many may still be listed, over all factories.
    room: u64,
    queue: Arc<Queue<Batch>>,
}

/// The list while it is written.
#[derive(Debug)]
pub(crate) struct FailureFile {
    queue: Arc<Queue<Batch>>,
    file: LineFile,
}

/// Begins the list of a campaign, of at most `limit` failures.
pub(crate) fn begin(folder: &Path, key: &str, limit: u64, described: &[Described]) -> (Sink, FailureFile) {
    let (queue, file) = line_file::begin(failures::path(folder, key), "failures", false);
    let names = |d: &Described| d.scenario.steps.iter().map(|step| step.name.clone()).collect();
    let steps = described.iter().map(|d| (d.scenario.name.clone(), names(d))).collect();
    let queue = Arc::new(queue);
    let sink = Sink { steps: Arc::new(steps), room: limit, queue: Arc::clone(&queue) };
    (sink, FailureFile { queue, file })
}

impl FailureSink for Sink {
    fn take(&mut self, factory: &FactoryPlan, mut failed: Vec<FailedExecution>) -> u64 {
        let all = failed.len() as u64;
        // Each factory may list as many as the campaign may.
        failed.truncate(usize::try_from(self.room).unwrap_or(usize::MAX));
        let taken = failed.len() as u64;
        self.room -= taken;
        if taken == 0 {
            return all;
        }
        let (name, zone) = (factory.factory.clone(), factory.zone.clone());
        let batch = Batch::Failed { factory: name, zone, steps: Arc::clone(&self.steps), failed };
        all - taken + self.queue.take(batch)
    }
}

impl FailureFile {
    /// Ends the list with what is not in it, and gives its path when there was any failure.
    ///
    /// # Errors
    /// When not all of it is in the file, in a line for the user.
    pub(crate) fn finish(self, unlisted: UnlistedFailures) -> Result<Option<String>, String> {
        if !unlisted.is_none() {
            self.queue.take(Batch::Unlisted(unlisted));
        }
        drop(self.queue);
        self.file.finish()
    }
}
