//! The file of events: a thread of its own writes it, so that no disk ever delays the campaign.

use qalipsis_head::EventSink;
use qalipsis_model::event::Event;
use qalipsis_model::judge::Described;
use qalipsis_model::plan::FactoryPlan;
use qalipsis_report::events::{self, Teller};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Messages of factories that may wait for the disk, of at most 1,000 events each.
const WAITING: usize = 256;
/// How long what waits at the end of a campaign may take to be written.
const LIMIT: Duration = Duration::from_secs(5);

/// The events of one factory in one message.
type Batch = (Arc<Teller>, Vec<Event>);

/// The way to the file, for the head.
#[derive(Debug)]
pub(crate) struct Sink {
    described: Vec<Described>,
    tellers: Vec<Arc<Teller>>,
    queue: SyncSender<Batch>,
}

/// The file while it is written.
#[derive(Debug)]
pub(crate) struct EventFile {
    path: PathBuf,
    outcome: Receiver<Outcome>,
}

/// What became of the events.
#[derive(Debug, Default)]
struct Outcome {
    /// Why no more is written.
    error: Option<io::Error>,
    /// Events that are not in the file for that.
    missing: u64,
}

/// Begins the file of a campaign. What is wrong with it is told by [`EventFile::finish`].
pub(crate) fn begin(folder: &Path, key: &str, described: Vec<Described>) -> (Sink, EventFile) {
    let path = events::path(folder, key);
    let (queue, batches) = sync_channel(WAITING);
    let (tell, outcome) = sync_channel(1);
    let file = path.clone();
    let work = move || {
        // Nobody listens any longer when its time is over.
        let _ = tell.send(write(&file, &batches));
    };
    // Without the thread there is nobody to take events: they count as dropped.
    let _ = std::thread::Builder::new().name("events".to_owned()).spawn(work);
    (Sink { described, tellers: Vec::new(), queue }, EventFile { path, outcome })
}

impl Sink {
    fn teller(&mut self, plan: &FactoryPlan) -> Arc<Teller> {
        let scenarios = || plan.campaign.scenarios.iter().map(|scenario| &scenario.name);
        // Two executables in different folders may have one name; they never have the same scenarios.
        let known = self.tellers.iter().find(|teller| {
            teller.factory == plan.factory && teller.scenarios.iter().map(|(name, _)| name).eq(scenarios())
        });
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let steps = |scenario: &str| {
            let found = self.described.iter().find(|described| described.scenario.name == scenario);
            found.map_or_else(Vec::new, |d| d.scenario.steps.iter().map(|s| s.name.clone()).collect())
        };
        let teller = Arc::new(Teller {
            campaign: plan.campaign.key.clone(),
            factory: plan.factory.clone(),
            zone: plan.zone.clone(),
            scenarios: scenarios().map(|name| (name.clone(), steps(name))).collect(),
        });
        self.tellers.push(Arc::clone(&teller));
        teller
    }
}

impl EventSink for Sink {
    fn take(&mut self, factory: &FactoryPlan, events: Vec<Event>) -> u64 {
        let (teller, count) = (self.teller(factory), events.len() as u64);
        self.queue.try_send((teller, events)).map_or(count, |()| 0)
    }
}

impl EventFile {
    /// Waits until all is written, once the sink is gone, and gives the path of the file.
    ///
    /// # Errors
    /// When not all events are in the file, in a line for the user.
    pub(crate) fn finish(self) -> Result<String, String> {
        let path = self.path.display();
        match self.outcome.recv_timeout(LIMIT) {
            Ok(Outcome { error: None, .. }) => Ok(path.to_string()),
            Ok(Outcome { error: Some(error), missing }) => {
                Err(format!("failed to write {path}: {error}; {missing} events are not in it"))
            }
            Err(RecvTimeoutError::Timeout) => Err(format!(
                "{path} was not written within {}; the last events are not in it",
                qalipsis_model::duration::human(LIMIT)
            )),
            Err(RecvTimeoutError::Disconnected) => {
                Err(format!("{path} could not be written: no thread for it"))
            }
        }
    }
}

/// Writes all batches. After an error it goes on to take them, so that the campaign is not told of drops that
/// have another cause.
fn write(path: &Path, batches: &Receiver<Batch>) -> Outcome {
    let open = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        File::create(path).map(BufWriter::new)
    };
    let mut outcome = Outcome::default();
    let mut file = open().map_err(|error| outcome.error = Some(error)).ok();
    for (teller, events) in batches {
        let written = file.as_mut().map(|file| {
            events.iter().try_for_each(|event| events::write(file, &teller, event))?;
            // Who follows the file sees whole lines, and a full disk is noticed with these events.
            file.flush()
        });
        match written {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                outcome = Outcome { error: Some(error), missing: events.len() as u64 };
                file = None;
            }
            None => outcome.missing += events.len() as u64,
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_model::event::Level;
    use qalipsis_model::plan::{CampaignPlan, Limits};
    use qalipsis_model::segment::Segment;
    use qalipsis_model::timestamp::Timestamp;
    use std::process::Command;

    fn plan() -> FactoryPlan {
        FactoryPlan {
            campaign: CampaignPlan {
                key: "key".into(),
                name: "name".into(),
                seed: 1,
                scenarios: Vec::new(),
                limits: Limits::default(),
                events: None,
            },
            factory: "shop".into(),
            zone: None,
            segment: Segment::WHOLE,
            workers: None,
            replay: None,
        }
    }

    fn event(number: u64) -> Event {
        Event {
            at: Timestamp(7),
            level: Level::Info,
            name: "number".into(),
            value: number.into(),
            scenario: 0,
            step: None,
            minion: 0,
            iteration: 0,
        }
    }

    #[test]
    fn all_that_was_taken_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (mut sink, file) = begin(folder.path(), "key", Vec::new());
        for batch in 0..10 {
            let events = (0..100).map(|number| event(batch * 100 + number)).collect();
            assert_eq!(sink.take(&plan(), events), 0);
        }
        drop(sink);
        let path = file.finish().unwrap();
        assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 1_000);
    }

    #[test]
    fn a_disk_that_hangs_delays_nobody_and_what_it_cannot_take_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("key")).unwrap();
        // Nobody reads this pipe, so that opening it to write never returns.
        let pipe = folder.path().join("key/events.jsonl");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (mut sink, file) = begin(folder.path(), "key", Vec::new());
        let dropped: u64 = (0..WAITING + 10).map(|_| sink.take(&plan(), vec![event(0), event(1)])).sum();
        assert_eq!(dropped, 20);
        drop(sink);
        let problem = file.finish().unwrap_err();
        assert!(problem.ends_with(" was not written within 5 s; the last events are not in it"), "{problem}");
    }

    #[test]
    fn what_cannot_be_written_is_told_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("occupied");
        fs::write(&occupied, "").unwrap();
        let (mut sink, file) = begin(&occupied, "key", Vec::new());
        assert_eq!(sink.take(&plan(), vec![event(0), event(1)]), 0, "it is no full buffer");
        drop(sink);
        let problem = file.finish().unwrap_err();
        assert!(
            problem.starts_with("failed to write ") && problem.ends_with("; 2 events are not in it"),
            "{problem}"
        );
    }
}
