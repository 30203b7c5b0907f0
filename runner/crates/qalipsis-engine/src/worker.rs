//! One thread with its own single-threaded runtime, which runs minions.
//!
//! Measured on HTTP: one such runtime per core serves a quarter more than one runtime with a
//! thread per core, for nothing ever moves between cores.

use crate::minions::{self, EndGuard, Load};
use crate::pacing::Release;
use crate::sources::Opened;
use parking_lot::Mutex;
use qalipsis_core::meters;
use qalipsis_core::scenario::Iterate;
use qalipsis_minion::state::{MinionState, ScenarioContext, Worker};
use qalipsis_model::blocked::{BLOCKED, Blocked};
use qalipsis_model::plan::Stop;
use qalipsis_profile::profile::Completion;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Releases that may wait for a worker before pacing waits for it.
const RELEASES: usize = 65_536;
/// How often a worker shows that it moves, and looks whether to stop.
const BEAT: Duration = Duration::from_millis(100);
/// The most that counts between two looks at a worker: a longer time is one in which nobody could look.
const LOOK_LIMIT: Duration = Duration::from_millis(500);
/// How long a worker may take to end.
const END_LIMIT: Duration = Duration::from_secs(2);

/// A running worker.
pub(crate) struct WorkerHandle {
    pub(crate) launches: mpsc::Sender<Release>,
    worker: Arc<Worker>,
    beat: Arc<Mutex<Instant>>,
    still: Mutex<Stillness>,
    /// For how long one poll of a minion has lasted.
    poll: Mutex<Stillness>,
    started: Instant,
    end: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl WorkerHandle {
    /// Who blocks this worker, when nothing moved on it for `limit`.
    pub(crate) fn stuck(&self, limit: Duration, scenarios: &[Arc<ScenarioContext>]) -> Option<String> {
        // The runtime looks at timers only once in many polls: a late beat alone can be mere overload.
        let moved = (self.worker.polls(), *self.beat.lock());
        let now = Instant::now();
        let still = self.still.lock().seen(moved, now);
        self.look_for_blocks(moved.0, now, scenarios);
        if still < limit {
            return None;
        }
        let (scenario, minion, step) = self.worker.polled();
        let at = scenarios.get(scenario as usize).map_or_else(String::new, |scenario| {
            let step = scenario.steps.get(step as usize);
            let step =
                step.map_or_else(|| "before its first step".to_owned(), |s| format!("in step '{}'", s.name));
            format!(": scenario '{}', minion {minion}, {step}", scenario.name)
        });
        Some(format!(
            "scenario code has blocked a worker thread for {} without reaching an await{at}; \
             move blocking work to tokio::task::spawn_blocking",
            qalipsis_model::duration::human(limit)
        ))
    }
}

impl WorkerHandle {
    /// Notes scenario code that keeps the thread for long.
    fn look_for_blocks(&self, polls: u64, now: Instant, scenarios: &[Arc<ScenarioContext>]) {
        let mut poll = self.poll.lock();
        if !self.worker.is_polling() {
            poll.moved = None;
            return;
        }
        // The beat plays no part: it comes only between polls.
        let before = poll.still;
        let lasted = poll.seen((polls, self.started), now);
        if lasted < BLOCKED {
            return;
        }
        let (scenario, _, step) = self.worker.polled();
        let Some(scenario) = scenarios.get(scenario as usize) else { return };
        self.worker.note_blocked(Blocked {
            longest: lasted,
            count: u64::from(before < BLOCKED),
            scenario: scenario.name.clone(),
            step: scenario.steps.get(step as usize).map(|step| step.name.to_owned()),
        });
    }
}

/// Ends workers, and with them the worlds; a blocked thread is left behind.
pub(crate) async fn end(workers: Vec<WorkerHandle>) {
    for worker in &workers {
        worker.end.send_replace(true);
    }
    let joined = tokio::task::spawn_blocking(move || {
        for worker in workers {
            // A panic of the thread itself was printed; nothing of it is left to report.
            let _ = worker.thread.join();
        }
    });
    let _ = tokio::time::timeout(END_LIMIT, joined).await;
}

/// Starts a worker.
pub(crate) fn spawn(
    worker: Arc<Worker>,
    contexts: &[Arc<ScenarioContext>],
    opened: &[Opened],
    load: Arc<Load>,
) -> WorkerHandle {
    let (launches, received) = mpsc::channel(RELEASES);
    let (end, ending) = watch::channel(false);
    let beat = Arc::new(Mutex::new(Instant::now()));
    let scenarios: Vec<Hosted> = contexts
        .iter()
        .zip(opened)
        .map(|(context, opened)| Hosted {
            context: Arc::clone(context),
            iterate: Arc::clone(&opened.iterations.iterate),
            completion: opened.completion,
            minions: JoinSet::new(),
        })
        .collect();
    let state = State { worker: Arc::clone(&worker), scenarios, load, beat: Arc::clone(&beat) };
    let index = worker.index;
    let body = move || {
        meters::claim(index);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be built");
        runtime.block_on(state.run(received, ending));
    };
    let name = format!("worker-{index}");
    let thread = std::thread::Builder::new().name(name).spawn(body).expect("a thread can be started");
    let (still, poll) = (Mutex::new(Stillness::new()), Mutex::new(Stillness::new()));
    WorkerHandle { launches, worker, beat, still, poll, started: Instant::now(), end, thread }
}

/// For how long a worker has not moved, as far as this process itself ran meanwhile: who was paused as a whole, by
/// Ctrl-Z or with its machine, is not blocked by scenario code.
#[derive(Debug)]
struct Stillness {
    /// How often the worker had polled minions, and its last beat.
    moved: Option<(u64, Instant)>,
    looked: Instant,
    still: Duration,
}

impl Stillness {
    fn new() -> Self {
        Self { moved: None, looked: Instant::now(), still: Duration::ZERO }
    }

    fn seen(&mut self, moved: (u64, Instant), now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.looked).min(LOOK_LIMIT);
        self.looked = now;
        if self.moved == Some(moved) {
            self.still += passed;
        } else {
            (self.moved, self.still) = (Some(moved), Duration::ZERO);
        }
        self.still
    }
}

struct Hosted {
    context: Arc<ScenarioContext>,
    iterate: Iterate,
    completion: Completion,
    minions: JoinSet<()>,
}

struct State {
    worker: Arc<Worker>,
    scenarios: Vec<Hosted>,
    load: Arc<Load>,
    beat: Arc<Mutex<Instant>>,
}

impl State {
    async fn run(mut self, mut releases: mpsc::Receiver<Release>, mut ending: watch::Receiver<bool>) {
        let mut beat = tokio::time::interval(BEAT);
        let load = Arc::clone(&self.load);
        // What was released when the load was paused, and waits for its end.
        let mut waiting: Option<Release> = None;
        loop {
            if let Some(release) = waiting.take_if(|_| !load.course.is_paused()) {
                match load.stopped() {
                    Some(_) => self.withhold(&release),
                    None => self.release(release),
                }
                continue;
            }
            tokio::select! {
                biased;
                _ = beat.tick() => self.beat(),
                () = load.course.resumed(), if waiting.is_some() => {}
                Some(release) = releases.recv(), if waiting.is_none() => {
                    if load.course.is_paused() {
                        waiting = Some(release);
                    } else if !load.course.keeps_queued() {
                        self.withhold(&release);
                    } else {
                        self.release(release);
                    }
                }
                _ = ending.wait_for(|end| *end) => return,
            }
        }
    }

    /// Counts a minion that the load was stopped before.
    fn withhold(&self, release: &Release) {
        self.worker.recorder.scenario(release.scenario, |figures| figures.unreleased += 1);
        self.load.closed(release.scenario, 1);
    }

    fn release(&mut self, release: Release) {
        if self.load.stopped() == Some(Stop::Hard) {
            return self.withhold(&release);
        }
        let hosted = &mut self.scenarios[release.scenario];
        let ending = EndGuard::of(&self.load, &self.worker, release.scenario);
        let minion = MinionState::new(Arc::clone(&hosted.context), Arc::clone(&self.worker), release.minion);
        hosted.minions.spawn(minions::run(
            minion,
            ending,
            Arc::clone(&hosted.iterate),
            hosted.context.iteration_limit,
            self.load.course.instant(release.after),
        ));
    }

    fn beat(&mut self) {
        *self.beat.lock() = Instant::now();
        let stopped = self.load.stopped();
        if stopped.is_some() {
            self.worker.end_pauses();
        }
        let hard = stopped == Some(Stop::Hard);
        for (index, hosted) in self.scenarios.iter_mut().enumerate() {
            while hosted.minions.try_join_next().is_some() {}
            let over = hosted.completion == Completion::Hard && self.load.has_passed(index);
            if hard || over {
                hosted.minions.abort_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_a_worker_is_still_only_as_long_as_somebody_could_look() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut stillness = Stillness { moved: None, looked: start, still: Duration::ZERO };
        assert_eq!(stillness.seen((7, start), at(20)), Duration::ZERO);
        assert_eq!(stillness.seen((7, start), at(40)), Duration::from_millis(20));
        assert_eq!(stillness.seen((7, start), at(60_040)), Duration::from_millis(520), "it was paused");
        assert_eq!(stillness.seen((8, start), at(60_060)), Duration::ZERO, "it moves again");
        assert_eq!(stillness.seen((8, at(60_070)), at(60_080)), Duration::ZERO, "its beat counts as well");
    }
}
