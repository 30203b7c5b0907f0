//! What a minion keeps between its iterations, and what it shares with others: its scenario and its worker.

use crate::active_minions::ActiveMinions;
use crate::replay::Replay;
use crate::rng::{self, MinionRng};
use crate::step_failed::StepFailed;
use crate::steps::{Monitor, StepSpec};
use parking_lot::Mutex;
use qalipsis_model::blocked::Blocked;
use qalipsis_model::event::{Event, Level, Value};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::plan::{EventsPlan, LoadShare};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_recorder::clock::Clock;
use qalipsis_recorder::events::EventBuffer;
use qalipsis_recorder::evidence::EvidenceKeeper;
use qalipsis_recorder::exchanges::{Exchange, Exchanges, Remembered};
use qalipsis_recorder::recorder::Recorder;
use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// What all minions of a scenario share in one factory. The engine makes it.
#[derive(Debug)]
pub struct ScenarioContext {
    /// Place of the scenario in every recorder.
    pub index: usize,
    /// Name.
    pub name: String,
    /// Its steps.
    pub steps: &'static [StepSpec],
    /// Of the campaign.
    pub seed: u64,
    /// Key of the campaign.
    pub key: String,
    /// Part of trace ids, so that two campaigns with one seed differ.
    pub campaign: u64,
    /// Dates instants.
    pub clock: Clock,
    /// Of the factory.
    pub zone: Option<String>,
    /// Where first failures go.
    pub evidence: Arc<EvidenceKeeper>,
    /// For what happens outside of workers: sources, late arrivals.
    pub off_worker: Arc<Recorder>,
    /// Its minions in this factory that have not ended.
    pub active: Arc<ActiveMinions>,
    /// The share of the scenario that this factory has.
    pub share: LoadShare,
    /// Its minions over all factories.
    pub minions: u32,
    /// How long one iteration may take.
    pub iteration_limit: Duration,
    /// When one iteration of one minion is replayed: which, and where its executions are sent.
    pub replay: Option<Replay>,
}

/// One thread that runs minions. The engine makes it.
#[derive(Debug)]
pub struct Worker {
    /// From 0.
    pub index: u32,
    /// Its figures.
    pub recorder: Recorder,
    /// Its events, when they are collected.
    pub events: Option<EventBuffer>,
    /// Scenario, minion and step that were polled last: who blocks the thread, when somebody does.
    polled: [AtomicU32; 3],
    polls: AtomicU64,
    /// Whether a minion is being polled now.
    polling: AtomicBool,
    /// The longest time since the last look in which scenario code kept the thread, and how often it did.
    blocked: Mutex<Option<Blocked>>,
    /// Whether pauses end at once.
    stopping: watch::Sender<bool>,
}

impl Worker {
    /// A worker that has not run anything.
    pub fn new(index: u32, recorder: Recorder) -> Self {
        Self {
            index,
            recorder,
            events: None,
            polled: [const { AtomicU32::new(u32::MAX) }; 3],
            polls: AtomicU64::new(0),
            polling: AtomicBool::new(false),
            blocked: Mutex::new(None),
            stopping: watch::Sender::new(false),
        }
    }

    /// The same worker, which collects events as planned.
    pub fn with_events(self, events: Option<EventsPlan>) -> Self {
        Self { events: events.map(EventBuffer::new), ..self }
    }

    /// Ends all pauses, and those to come.
    pub fn end_pauses(&self) {
        self.stopping.send_if_modified(|stopping| !std::mem::replace(stopping, true));
    }

    /// Index of the scenario, index of the minion and index of the step that were polled last.
    pub fn polled(&self) -> (u32, u32, u32) {
        let [scenario, minion, step] = &self.polled;
        (scenario.load(Relaxed), minion.load(Relaxed), step.load(Relaxed))
    }

    /// Whether a minion is being polled now: then the thread is in scenario code.
    pub fn is_polling(&self) -> bool {
        self.polling.load(Relaxed)
    }

    /// Notes a time for which scenario code kept the thread.
    pub fn note_blocked(&self, blocked: Blocked) {
        self.blocked.lock().get_or_insert_default().merge(&blocked);
    }

    /// What was noted since the last call.
    pub fn take_blocked(&self) -> Option<Blocked> {
        self.blocked.lock().take()
    }

    /// How often minions were polled: while it grows, the thread is busy but not blocked.
    pub fn polls(&self) -> u64 {
        self.polls.load(Relaxed)
    }
}

/// The number of step starts that a minion remembers to find what triggered a join that was expected elsewhere,
/// such as in a task of its own.
const REMEMBERED_STARTS: usize = 8;

/// What waits for the start of the next step.
pub trait Triggered: Send + Sync {
    /// Execution `execution` of its minion started at `at`; only the first one counts.
    fn trigger(&self, at: Instant, execution: u32);
}

/// The expectations of an iteration that no step has triggered yet.
#[derive(Default)]
struct Untriggered {
    any: AtomicBool,
    all: Mutex<Vec<Arc<dyn Triggered>>>,
}

impl Untriggered {
    fn push(&self, one: Arc<dyn Triggered>) {
        let mut all = self.all.lock();
        if all.len() == all.capacity() {
            // Those that were dropped since would pile up in an iteration that starts no step.
            all.retain(|one| Arc::strong_count(one) > 1);
        }
        all.push(one);
        self.any.store(true, Relaxed);
    }

    /// All of them, when there are any.
    fn take(&self, each: impl FnMut(Arc<dyn Triggered>)) {
        if self.any.load(Relaxed) {
            let mut all = self.all.lock();
            self.any.store(false, Relaxed);
            all.drain(..).for_each(each);
        }
    }
}

/// What a minion keeps between its iterations, and its current iteration.
pub struct MinionState {
    scenario: Arc<ScenarioContext>,
    worker: Arc<Worker>,
    index: u32,
    executed: StepSet,
    failed: StepSet,
    iteration: AtomicU64,
    /// Whether the iteration took too long, and whether a step has reported that.
    timed_out: AtomicBool,
    timeout_reported: AtomicBool,
    /// That it runs no further iteration.
    ended: AtomicBool,
    draws: AtomicU32,
    /// Unique ids that were made in this iteration.
    ids: AtomicU32,
    spans: AtomicU32,
    /// Lateness of the iteration, in nanoseconds, until its first execution takes it.
    lag_ns: AtomicU64,
    /// Instants of the last starts, as dates; the start of span `n` is at `n % REMEMBERED_STARTS`.
    starts: [AtomicU64; REMEMBERED_STARTS],
    /// The number of its first execution in this iteration.
    first_span: AtomicU32,
    untriggered: Untriggered,
    current: AtomicU32,
    exchanges: Mutex<Exchanges>,
    extensions: Mutex<Vec<(usize, Arc<dyn Any + Send + Sync>)>>,
}

impl MinionState {
    /// A minion that has not started.
    pub fn new(scenario: Arc<ScenarioContext>, worker: Arc<Worker>, index: u32) -> Self {
        let steps = scenario.steps.len();
        Self {
            scenario,
            worker,
            index,
            executed: StepSet::new(steps),
            failed: StepSet::new(steps),
            iteration: AtomicU64::new(0),
            timed_out: AtomicBool::new(false),
            timeout_reported: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            draws: AtomicU32::new(0),
            ids: AtomicU32::new(0),
            spans: AtomicU32::new(0),
            lag_ns: AtomicU64::new(0),
            starts: Default::default(),
            first_span: AtomicU32::new(0),
            untriggered: Untriggered::default(),
            current: AtomicU32::new(u32::MAX),
            exchanges: Mutex::default(),
            extensions: Mutex::new(Vec::new()),
        }
    }

    /// Begins iteration `iteration`, which is late by `lag`.
    pub fn begin(&self, iteration: u64, lag: Duration) {
        self.iteration.store(iteration, Relaxed);
        self.timed_out.store(false, Relaxed);
        self.timeout_reported.store(false, Relaxed);
        self.draws.store(0, Relaxed);
        self.ids.store(0, Relaxed);
        self.lag_ns.store(lag.as_nanos() as u64, Relaxed);
        self.current.store(u32::MAX, Relaxed);
        self.exchanges.lock().clear();
        self.first_span.store(self.spans.load(Relaxed), Relaxed);
        self.untriggered.take(drop);
    }

    /// Notes that this minion is about to be polled.
    pub fn polling(&self) {
        let [scenario, minion, step] = &self.worker.polled;
        scenario.store(self.scenario.index as u32, Relaxed);
        minion.store(self.index, Relaxed);
        step.store(self.current.load(Relaxed), Relaxed);
        // Only the worker's own thread writes it, so that no costly addition is needed.
        self.worker.polls.store(self.worker.polls().wrapping_add(1), Relaxed);
        self.worker.polling.store(true, Relaxed);
    }

    /// Notes that the poll of this minion has returned.
    pub fn polled(&self) {
        self.worker.polling.store(false, Relaxed);
    }

    /// The name of the step that was started last in this iteration.
    pub(crate) fn current_step(&self) -> Option<&'static str> {
        self.scenario.steps.get(self.current.load(Relaxed) as usize).map(|s| s.name)
    }

    /// Index in the scenario.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// What it shares with the other minions of its scenario in this factory.
    pub fn scenario(&self) -> &Arc<ScenarioContext> {
        &self.scenario
    }

    /// Place of its scenario in every recorder.
    pub fn scenario_index(&self) -> usize {
        self.scenario.index
    }

    /// Where its worker counts.
    pub fn recorder(&self) -> &Recorder {
        &self.worker.recorder
    }

    pub(crate) fn events(&self) -> Option<&EventBuffer> {
        self.worker.events.as_ref()
    }

    pub(crate) fn monitor(&self, step: u32) -> Monitor {
        self.scenario.steps[step as usize].monitor
    }

    pub(crate) fn worker_index(&self) -> u32 {
        self.worker.index
    }

    /// Its iteration, from 0.
    pub fn iteration(&self) -> u64 {
        self.iteration.load(Relaxed)
    }

    pub(crate) fn step_name(&self, step: u32) -> &'static str {
        self.scenario.steps[step as usize].name
    }

    /// The date of an instant.
    pub fn date(&self, instant: Instant) -> Timestamp {
        self.scenario.clock.date(instant)
    }

    /// The limit of the iteration when it is being dropped for taking too long.
    pub(crate) fn iteration_timed_out(&self) -> Option<Duration> {
        let timed_out = self.timed_out.load(Relaxed);
        if timed_out {
            self.timeout_reported.store(true, Relaxed);
        }
        timed_out.then_some(self.scenario.iteration_limit)
    }

    /// Notes the start of a step; gives the number of the execution in this minion's life.
    pub(crate) fn step_started(&self, step: u32, at: Instant) -> u32 {
        let span = self.spans.fetch_add(1, Relaxed);
        self.starts[span as usize % REMEMBERED_STARTS].store(self.date(at).0, Relaxed);
        self.current.store(step, Relaxed);
        self.worker.polled[2].store(step, Relaxed);
        self.untriggered.take(|one| one.trigger(at, span));
        span
    }

    /// Triggers `one` when the next step starts.
    pub fn await_trigger(&self, one: Arc<dyn Triggered>) {
        self.untriggered.push(one);
    }

    /// When the last step of this iteration started, and the number of its execution.
    pub fn last_start(&self) -> Option<(Instant, u32)> {
        let next = self.spans.load(Relaxed);
        if next == self.first_span.load(Relaxed) {
            return None;
        }
        let last = next.wrapping_sub(1);
        let start = self.starts[last as usize % REMEMBERED_STARTS].load(Relaxed);
        Some((self.scenario.clock.instant(Timestamp(start)), last))
    }

    /// The executions of this iteration before `before` whose starts are remembered.
    fn remembered_starts(&self, before: u32) -> impl Iterator<Item = Timestamp> {
        let first = before.saturating_sub(REMEMBERED_STARTS as u32 - 1).max(self.first_span.load(Relaxed));
        (first..before).map(|span| Timestamp(self.starts[span as usize % REMEMBERED_STARTS].load(Relaxed)))
    }

    /// The first step that started at or after `registered`, if it is among the last ones before execution `before`.
    pub fn trigger_since(&self, registered: Instant, before: u32) -> Option<Instant> {
        let registered = self.date(registered);
        self.remembered_starts(before)
            .filter(|start| *start >= registered)
            .min()
            .map(|start| self.scenario.clock.instant(start))
    }

    /// The last step that started before `registered`, if it is among the last ones before
    /// execution `before`.
    pub fn trigger_before(&self, registered: Instant, before: u32) -> Option<Instant> {
        let registered = self.date(registered);
        self.remembered_starts(before)
            .filter(|start| *start < registered)
            .max()
            .map(|start| self.scenario.clock.instant(start))
    }

    pub(crate) fn take_lag(&self) -> u64 {
        if self.lag_ns.load(Relaxed) == 0 { 0 } else { self.lag_ns.swap(0, Relaxed) }
    }

    /// It runs no further iteration, and the end of this one is no failure.
    pub fn end(&self) {
        self.ended.store(true, Relaxed);
    }

    /// Whether it runs no further iteration.
    pub fn ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// Minions of the scenario, over all factories.
    pub fn minions(&self) -> u32 {
        self.scenario.minions
    }

    /// Returns when the campaign is stopped.
    pub async fn stopped(&self) {
        // The sender is the worker's own, so that it is never gone.
        let _ = self.worker.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// How late the iteration is, until its first execution takes it.
    pub(crate) fn lag(&self) -> u64 {
        self.lag_ns.load(Relaxed)
    }

    pub(crate) fn draw(&self, draw: u32) -> MinionRng {
        rng::generator(self.scenario.seed, &self.scenario.name, self.index, self.iteration(), draw)
    }

    /// Returns at `instant`, or when the campaign is stopped.
    pub(crate) async fn wait_until(&self, instant: Instant) {
        let mut stopping = self.worker.stopping.subscribe();
        tokio::select! {
            () = tokio::time::sleep_until(instant) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }

    pub(crate) fn first_execution(&self, step: u32) -> bool {
        self.executed.insert(step)
    }

    pub(crate) fn first_failure(&self, step: u32) -> bool {
        self.failed.insert(step)
    }

    /// The first iteration of every minion.
    pub fn first_iteration(&self) -> u64 {
        self.scenario.replay.as_ref().map_or(0, Replay::iteration)
    }

    /// Remembers an exchange of an execution of this iteration.
    pub(crate) fn remember(&self, span: u32, step: u32, exchange: Exchange, at: Instant) {
        if let Some(replay) = &self.scenario.replay {
            replay.remember(span, Arc::clone(&exchange));
        }
        self.exchanges.lock().push(Remembered { step, at, exchange });
    }

    /// The exchanges of this iteration that are kept, and how many are not.
    pub(crate) fn exchanges(&self) -> (Vec<Remembered>, u32) {
        self.exchanges.lock().all()
    }

    /// The end of an iteration by `step`, when why is recorded already.
    pub fn failed(&self, step: &'static str, kind: FailureKind) -> StepFailed {
        StepFailed { step, kind }
    }

    /// Notes that the iteration took too long, so that the steps that it is in report it when it is dropped.
    pub(crate) fn set_timed_out(&self) {
        self.timed_out.store(true, Relaxed);
    }

    /// Whether a step has reported that the iteration took too long.
    pub(crate) fn is_timeout_reported(&self) -> bool {
        self.timeout_reported.load(Relaxed)
    }

    /// The number of the next draw of randomness in this iteration.
    pub(crate) fn next_draw(&self) -> u32 {
        self.draws.fetch_add(1, Relaxed)
    }

    /// The number of the next unique id in this iteration.
    pub(crate) fn next_id(&self) -> u32 {
        self.ids.fetch_add(1, Relaxed)
    }

    /// The own instance of `T` for `owner`, made by `make` on the first call.
    pub fn extension<T: Any + Send + Sync>(&self, owner: usize, make: impl FnOnce() -> T) -> Arc<T> {
        let mut extensions = self.extensions.lock();
        let found = extensions
            .iter()
            .filter(|(of, _)| *of == owner)
            .find_map(|(_, value)| Arc::clone(value).downcast().ok());
        found.unwrap_or_else(|| {
            let made = Arc::new(make());
            extensions.push((owner, Arc::<T>::clone(&made)));
            made
        })
    }

    /// Emits an event of at least the level that is collected.
    pub(crate) fn emit(
        &self,
        at: Timestamp,
        step: Option<u32>,
        level: Level,
        name: Cow<'static, str>,
        value: Value,
    ) {
        let Some(events) = self.events().filter(|events| events.takes(level)) else { return };
        let event = Event {
            at,
            level,
            name,
            value,
            scenario: self.scenario_index() as u32,
            step,
            minion: self.index(),
            iteration: self.iteration(),
        };
        events.push(event.bounded());
    }

    /// All of its own instances of `T`.
    pub(crate) fn extensions<T: Any + Send + Sync>(&self) -> Vec<Arc<T>> {
        let extensions = self.extensions.lock();
        extensions.iter().filter_map(|(_, value)| Arc::clone(value).downcast::<T>().ok()).collect()
    }

    /// 32 hexadecimal digits, the same for all steps of one iteration.
    pub fn trace_id(&self) -> String {
        String::from_utf8(self.trace_digits().to_vec()).expect("digits are ASCII")
    }

    pub(crate) fn trace_digits(&self) -> [u8; 32] {
        let scenario = rng::fnv1a(self.scenario.name.as_bytes());
        let high = self.scenario.campaign ^ scenario.rotate_left(17);
        let low = u64::from(self.index) << 32 | (self.iteration() & 0xffff_ffff);
        let mut digits = [0; 32];
        // W3C forbids an id of zeros only.
        digits[..16].copy_from_slice(&hexadecimal(high | 1));
        digits[16..].copy_from_slice(&hexadecimal(low));
        digits
    }
}

impl fmt::Debug for MinionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MinionState")
            .field("scenario", &self.scenario.name)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

/// 16 hexadecimal digits.
pub(crate) fn hexadecimal(number: u64) -> [u8; 16] {
    std::array::from_fn(|digit| b"0123456789abcdef"[(number >> (60 - 4 * digit)) as usize & 15])
}

/// The steps for which something happened, one bit each.
struct StepSet {
    inline: AtomicU64,
    more: Box<[AtomicU64]>,
}

impl StepSet {
    fn new(steps: usize) -> Self {
        let more = steps.div_ceil(64).saturating_sub(1);
        Self {
            inline: AtomicU64::new(0),
            more: std::iter::repeat_with(AtomicU64::default).take(more).collect(),
        }
    }

    /// Whether it was not in the set.
    fn insert(&self, step: u32) -> bool {
        let word = match (step / 64) as usize {
            0 => &self.inline,
            n => &self.more[n - 1],
        };
        let bit = 1 << (step % 64);
        word.load(Relaxed) & bit == 0 && word.fetch_or(bit, Relaxed) & bit == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_sixteen_digits() {
        for number in [0, 1, 0xfedc_ba98_7654_3210, u64::MAX] {
            assert_eq!(hexadecimal(number).as_slice(), format!("{number:016x}").as_bytes());
        }
    }
}
