//! Which keys are awaited, matched, overdue or given up, and the counts of what came.
//!
//! Matching is a map lookup under the lock of one of [`SHARDS`] shards, done by the source as it
//! reads: there is no queue between source and minion in which a record could wait unseen.

use crate::fault::Fault;
use crate::join::{Key, late, missing};
use crate::minion::ScenarioContext;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry as Place;
use parking_lot::Mutex;
use qalipsis_model::evidence::{Evidence, FailureKind, excerpt};
use qalipsis_model::snapshot::{JoinFigures, StepKind};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::Waker;
use std::time::Duration;
use tokio::time::Instant;

/// Locks of one ledger.
const SHARDS: usize = 16;

/// Keys that are remembered after they were matched, given up or overdue, to tell duplicates and
/// late records from orphans.
pub const REMEMBERED_KEYS: usize = 1_000_000;

/// The state of one join.
pub(crate) struct Ledger<K, R> {
    name: String,
    scenario: Arc<ScenarioContext>,
    hasher: FixedState,
    shards: [Mutex<Shard<K, R>>; SHARDS],
    figures: Mutex<JoinFigures>,
    overdue: AtomicUsize,
    patience_ns: AtomicU64,
}

struct Shard<K, R> {
    keys: HashMap<K, Entry<R>, FixedState>,
    /// Keys that are no longer awaited, oldest first.
    ended: VecDeque<K>,
}

enum Entry<R> {
    Awaited(Arc<Slot<R>>),
    Overdue(Box<Awaiting>),
    Matched,
    GivenUp,
}

/// Where a record waits for the minion that awaits it.
pub(crate) struct Slot<R> {
    state: Mutex<SlotState<R>>,
}

struct SlotState<R> {
    arrived: Option<Taken<R>>,
    waker: Option<Waker>,
}

/// A record and the instant of its arrival.
pub(crate) struct Taken<R> {
    pub(crate) record: R,
    pub(crate) at: Instant,
}

impl<R> Slot<R> {
    /// The record, or the waker is kept for its arrival.
    pub(crate) fn take(&self, waker: &Waker) -> Option<Taken<R>> {
        let mut state = self.state.lock();
        let arrived = state.arrived.take();
        if arrived.is_none() && !state.waker.as_ref().is_some_and(|w| w.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
        arrived
    }

    fn put(&self, record: R, at: Instant) {
        let mut state = self.state.lock();
        state.arrived = Some(Taken { record, at });
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Who awaits an overdue key.
#[derive(Debug)]
pub(crate) struct Awaiting {
    pub(crate) scenario: Arc<ScenarioContext>,
    pub(crate) step: u32,
    pub(crate) minion: u32,
    pub(crate) iteration: u64,
    pub(crate) trace_id: String,
    pub(crate) location: &'static Location<'static>,
    pub(crate) trigger: Instant,
    pub(crate) limit: Duration,
    /// The evidence that says it is missing, when one is kept.
    pub(crate) evidence: Option<u64>,
}

impl Awaiting {
    fn keep(&self, id: u64, kind: FailureKind, message: &str) {
        self.scenario.evidence.send(Evidence {
            id,
            scenario: self.scenario.name.clone(),
            step: Some(self.step),
            at: self.scenario.clock.date(self.trigger + self.limit),
            minion: Some(self.minion),
            iteration: self.iteration,
            zone: self.scenario.zone.clone(),
            attempt: 1,
            kind,
            code: String::new(),
            message: excerpt(message),
            checks: Vec::new(),
            input: None,
            exchange: None,
            trace_id: Some(self.trace_id.clone()),
            location: Some(self.location.into()),
        });
    }
}

/// What the engine does with a ledger, whatever its types.
pub trait LedgerControl: Send + Sync {
    /// The figures since the last call.
    fn drain(&self) -> JoinFigures;
    /// Keys whose record may still come late.
    fn overdue(&self) -> usize;
    /// Records that the source knows of and has not read yet.
    fn own_lag(&self) -> u64;
    /// The longest deadline among the keys that were ever overdue: how long a late record may be worth waiting for.
    fn patience(&self) -> Duration;
    /// No record will come any more: keeps the evidence of what is missing.
    fn close(&self);
}

impl<K: Key, R: Send + 'static> Ledger<K, R> {
    pub(crate) fn new(name: String, scenario: Arc<ScenarioContext>) -> Self {
        let shard = || Mutex::new(Shard { keys: HashMap::default(), ended: VecDeque::new() });
        Self {
            name,
            scenario,
            hasher: FixedState::default(),
            shards: std::array::from_fn(|_| shard()),
            figures: Mutex::new(JoinFigures::default()),
            overdue: AtomicUsize::new(0),
            patience_ns: AtomicU64::new(0),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A slot for the record of this key; `None` when it is awaited already.
    pub(crate) fn register(&self, key: &K) -> Option<Arc<Slot<R>>> {
        let slot = Arc::new(Slot { state: Mutex::new(SlotState { arrived: None, waker: None }) });
        let mut shard = self.shard(key);
        match shard.keys.entry(key.clone()) {
            Place::Occupied(place) if matches!(place.get(), Entry::Awaited(_)) => return None,
            // A key that is awaited again begins anew. Its old place in `ended` is harmless: see `end`.
            Place::Occupied(mut place) => {
                if matches!(place.insert(Entry::Awaited(Arc::clone(&slot))), Entry::Overdue(_)) {
                    self.overdue.fetch_sub(1, Relaxed);
                }
            }
            Place::Vacant(place) => {
                place.insert(Entry::Awaited(Arc::clone(&slot)));
            }
        }
        drop(shard);
        self.figures.lock().expected += 1;
        Some(slot)
    }

    /// Notes the step that awaits records of this join.
    pub(crate) fn awaited_by(&self, step: Option<u32>) {
        if let Some(step) = step {
            let mut figures = self.figures.lock();
            if !figures.steps.contains(&step) {
                figures.steps.push(step);
            }
        }
    }

    /// Nobody awaits this key any more; a record of it is not an orphan.
    pub(crate) fn abandon(&self, key: &K) {
        let mut shard = self.shard(key);
        if let Some(entry) = shard.keys.get_mut(key)
            && matches!(entry, Entry::Awaited(_))
        {
            *entry = Entry::GivenUp;
            self.end(&mut shard, key);
        }
    }

    /// The deadline of this key has passed: gives the record that came at the last moment, or
    /// remembers who awaits it.
    pub(crate) fn overdue(&self, key: &K, slot: &Slot<R>, awaiting: Option<Awaiting>) -> Option<Taken<R>> {
        let mut shard = self.shard(key);
        if let Some(arrived) = slot.state.lock().arrived.take() {
            return Some(arrived);
        }
        if let Some(entry) = shard.keys.get_mut(key) {
            *entry = match awaiting {
                Some(awaiting) => {
                    self.overdue.fetch_add(1, Relaxed);
                    self.patience_ns.fetch_max(awaiting.limit.as_nanos() as u64, Relaxed);
                    Entry::Overdue(Box::new(awaiting))
                }
                None => Entry::GivenUp,
            };
            self.end(&mut shard, key);
        }
        None
    }

    /// Matches a record that arrived.
    pub(crate) fn route(&self, key: K, record: R, at: Instant) {
        let mut late_for = None;
        let mut duplicate = false;
        let mut orphan = false;
        let mut shard = self.shard(&key);
        match shard.keys.get_mut(&key) {
            None => orphan = true,
            Some(Entry::Matched) => duplicate = true,
            Some(Entry::GivenUp) => {}
            Some(entry) => match std::mem::replace(entry, Entry::Matched) {
                Entry::Awaited(slot) => {
                    slot.put(record, at);
                    self.end(&mut shard, &key);
                }
                Entry::Overdue(awaiting) => late_for = Some(awaiting),
                Entry::Matched | Entry::GivenUp => {}
            },
        }
        drop(shard);
        let mut figures = self.figures.lock();
        figures.records += 1;
        figures.duplicates += u64::from(duplicate);
        figures.orphans += u64::from(orphan);
        drop(figures);
        if let Some(awaiting) = late_for {
            self.overdue.fetch_sub(1, Relaxed);
            self.late(&key, &awaiting, at);
        }
    }

    /// What counted as missing came late.
    fn late(&self, key: &K, awaiting: &Awaiting, at: Instant) {
        let latency = at.saturating_duration_since(awaiting.trigger);
        let scenario = &awaiting.scenario;
        let place = (StepKind::Join, awaiting.location);
        scenario.side.step(scenario.index, awaiting.step, place, |figures| {
            *figures.kinds.entry(FailureKind::JoinMissing).or_default() -= 1;
            *figures.kinds.entry(FailureKind::JoinLate).or_default() += 1;
            figures.late.get_or_insert_default().record(latency.as_nanos() as u64);
        });
        let kind = FailureKind::JoinLate;
        let id =
            awaiting.evidence.or_else(|| scenario.evidence.admit(scenario.index, Some(awaiting.step), kind));
        if let Some(id) = id {
            awaiting.keep(id, kind, &late(&self.name, key, awaiting.limit, latency));
        }
    }

    /// Records that could not become a record of this join.
    pub(crate) fn undecodable(&self, mut fault: Fault) {
        let at = self.scenario.clock.now();
        let mut figures = self.figures.lock();
        figures.undecodable += 1;
        figures.first_undecodable.get_or_insert(at);
        figures.last_undecodable = Some(at);
        let step = figures.steps.first().copied();
        drop(figures);
        fault.kind = FailureKind::Undecodable;
        source_evidence(&self.scenario, step, fault);
    }

    pub(crate) fn figures(&self, change: impl FnOnce(&mut JoinFigures)) {
        change(&mut self.figures.lock());
    }

    fn shard(&self, key: &K) -> parking_lot::MutexGuard<'_, Shard<K, R>> {
        // The map inside uses the low bits of the same hash, so shards take high ones.
        let shard = (self.hasher.hash_one(key) >> 48) as usize % SHARDS;
        self.shards[shard].lock()
    }

    /// Remembers a key that is no longer awaited, and forgets the oldest ones beyond the limit.
    fn end(&self, shard: &mut Shard<K, R>, key: &K) {
        shard.ended.push_back(key.clone());
        while shard.ended.len() > REMEMBERED_KEYS / SHARDS {
            let Some(oldest) = shard.ended.pop_front() else { break };
            match shard.keys.entry(oldest) {
                // Awaited again, and so not ended.
                Place::Occupied(place) if matches!(place.get(), Entry::Awaited(_)) => continue,
                Place::Occupied(place) => {
                    if matches!(place.remove(), Entry::Overdue(_)) {
                        self.overdue.fetch_sub(1, Relaxed);
                    }
                    self.figures.lock().forgotten += 1;
                }
                Place::Vacant(_) => {}
            }
        }
    }
}

impl<K: Key, R: Send + 'static> LedgerControl for Ledger<K, R> {
    fn drain(&self) -> JoinFigures {
        let mut figures = self.figures.lock();
        // Steps and lag are states, not counts.
        let kept =
            JoinFigures { steps: figures.steps.clone(), own_lag: figures.own_lag, ..JoinFigures::default() };
        let drained = std::mem::replace(&mut *figures, kept);
        JoinFigures { name: self.name.clone(), ..drained }
    }

    fn overdue(&self) -> usize {
        self.overdue.load(Relaxed)
    }

    fn own_lag(&self) -> u64 {
        self.figures.lock().own_lag.unwrap_or(0)
    }

    fn patience(&self) -> Duration {
        Duration::from_nanos(self.patience_ns.load(Relaxed))
    }

    fn close(&self) {
        let mut room = self.scenario.evidence.limit() as usize;
        for shard in &self.shards {
            for (key, entry) in &shard.lock().keys {
                let Entry::Overdue(awaiting) = entry else { continue };
                // Told at its deadline. Those may all have come late since, so some more are kept here.
                if awaiting.evidence.is_some() {
                    continue;
                }
                let Some(left) = room.checked_sub(1) else { return };
                room = left;
                let id = awaiting.scenario.evidence.next_id();
                awaiting.keep(id, FailureKind::JoinMissing, &missing(&self.name, key, awaiting.limit));
            }
        }
    }
}

/// Keeps a failure that concerns no minion.
pub fn source_evidence(scenario: &ScenarioContext, step: Option<u32>, fault: Fault) {
    let Some(id) = scenario.evidence.admit(scenario.index, step, fault.kind) else { return };
    let fault = fault.into_details();
    scenario.evidence.send(Evidence {
        id,
        scenario: scenario.name.clone(),
        step,
        at: scenario.clock.now(),
        minion: None,
        iteration: 0,
        zone: scenario.zone.clone(),
        attempt: 1,
        kind: fault.kind,
        code: fault.code.into_owned(),
        message: excerpt(&fault.message),
        checks: fault.checks,
        input: fault.input.map(|text| excerpt(&text)),
        exchange: fault.exchange.map(|text| excerpt(&text)),
        trace_id: None,
        location: None,
    });
}
