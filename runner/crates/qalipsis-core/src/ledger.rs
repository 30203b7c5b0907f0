//! Which keys are awaited, matched, overdue or given up, and the counts of what came.
//!
//! Matching is a map lookup under the lock of one of `SHARDS` shards, done by the source as it
//! reads: there is no queue between source and minion in which a record could wait unseen.

use crate::awaiting::{Awaiting, Expected};
use crate::clock::Clock;
use crate::execution::{self, Exchange};
use crate::fault::Fault;
use crate::gaps::Gaps;
use crate::join::{Key, Limits};
use crate::minion::ScenarioContext;
use crate::slot::{Arrived, Slot, Taken};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry as Place;
use parking_lot::Mutex;
use qalipsis_model::evidence::{Evidence, ExchangeRecord, FailureKind, excerpt};
use qalipsis_model::snapshot::{JoinFigures, StepKind};
use qalipsis_model::timestamp::Timestamp;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// Locks of one ledger.
const SHARDS: usize = 16;

/// Keys that are remembered at most after they were matched or given up, and as many overdue ones, to
/// tell duplicates and late records from orphans. At least half as many are remembered.
pub const REMEMBERED_KEYS: usize = 1_000_000;

/// Orphan keys that are remembered, to name the nearest one beside a missing key.
const REMEMBERED_ORPHANS: usize = 256;

/// Gives the place of a record in the order of its key.
pub(crate) type Order<R> = Box<dyn Fn(&R) -> u64 + Send + Sync>;

/// The state of one join.
pub(crate) struct Ledger<K, R> {
    name: String,
    scenario: Arc<ScenarioContext>,
    hasher: FixedState,
    shards: [Mutex<Shard<K, R>>; SHARDS],
    figures: Mutex<JoinFigures>,
    overdue: AtomicUsize,
    patience_ns: AtomicU64,
    /// `None` when records that nobody awaits are counted and dropped.
    buffer: Option<Limits>,
    order: Option<Order<R>>,
    orphans: Mutex<VecDeque<K>>,
    pub(crate) gaps: Mutex<Gaps>,
    /// How evidence shows a record.
    describe: fn(&R) -> Option<Exchange>,
}

struct Shard<K, R> {
    /// Keys that are awaited, overdue or buffered: few, so that they stay in the processor's cache.
    keys: HashMap<K, Entry<R>, FixedState>,
    /// Keys in `keys` that are or were overdue, oldest first.
    overdue: VecDeque<K>,
    /// Keys that are no longer awaited.
    ended: Generations<K>,
    /// Keys of buffered records with their arrival, oldest first; those taken since are passed over.
    buffered: VecDeque<(K, Instant)>,
    /// Records that are buffered.
    kept: usize,
}

enum Entry<R> {
    Awaited(Arc<Slot<R>>),
    Overdue(Box<Awaiting>),
    /// Came before anybody awaited them.
    Buffered(VecDeque<Taken<R>>),
}

/// How a key ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Matched,
    GivenUp,
}

/// Ended keys in two generations: when the young one is full, the old one is forgotten as a whole.
struct Generations<K> {
    young: HashMap<K, End, FixedState>,
    old: HashMap<K, End, FixedState>,
}

impl<K: Key> Generations<K> {
    /// How this key ended, if it did and is remembered.
    fn get(&self, key: &K) -> Option<End> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    /// Remembers a key; gives the number of keys that are forgotten for it.
    fn insert(&mut self, key: K, end: End) -> usize {
        self.young.insert(key, end);
        if self.young.len() <= REMEMBERED_KEYS / SHARDS / 2 {
            return 0;
        }
        std::mem::replace(&mut self.old, std::mem::take(&mut self.young)).len()
    }
}

/// What became of a record.
enum Routed {
    Taken,
    Duplicate,
    Orphan,
    Late(Box<Awaiting>),
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
    /// The source ended for good because of `cause`, and reads nothing from now on.
    fn failed(&self, cause: &str);
    /// No record will come any more: keeps the evidence of what is missing.
    fn close(&self);
}

impl<K: Key, R: Send + 'static> Ledger<K, R> {
    pub(crate) fn new(
        name: String,
        scenario: Arc<ScenarioContext>,
        buffer: Option<Limits>,
        order: Option<Order<R>>,
        describe: fn(&R) -> Option<Exchange>,
    ) -> Self {
        let shard = || {
            Mutex::new(Shard {
                keys: HashMap::default(),
                overdue: VecDeque::new(),
                ended: Generations { young: HashMap::default(), old: HashMap::default() },
                buffered: VecDeque::new(),
                kept: 0,
            })
        };
        Self {
            name,
            scenario,
            hasher: FixedState::default(),
            shards: std::array::from_fn(|_| shard()),
            figures: Mutex::new(JoinFigures::default()),
            overdue: AtomicUsize::new(0),
            patience_ns: AtomicU64::new(0),
            buffer,
            order,
            orphans: Mutex::new(VecDeque::new()),
            gaps: Mutex::default(),
            describe,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether records may come before they are awaited.
    pub(crate) fn is_buffered(&self) -> bool {
        self.buffer.is_some()
    }

    /// A slot for `wanted` records of this key; `None` when it is awaited already.
    pub(crate) fn register(&self, key: &K, wanted: u32) -> Option<Arc<Slot<R>>> {
        let slot = Arc::new(Slot::new(wanted));
        let mut guard = self.shard(key);
        let shard = &mut *guard;
        match shard.keys.entry(key.clone()) {
            Place::Occupied(place) if matches!(place.get(), Entry::Awaited(_)) => return None,
            // A key that is awaited again begins anew: `keys` is looked up before `ended`.
            Place::Occupied(mut place) => match place.insert(Entry::Awaited(Arc::clone(&slot))) {
                Entry::Overdue(_) => _ = self.overdue.fetch_sub(1, Relaxed),
                Entry::Buffered(records) => {
                    shard.kept -= records.len();
                    self.replay(shard, key, records);
                }
                Entry::Awaited(_) => {}
            },
            Place::Vacant(place) => _ = place.insert(Entry::Awaited(Arc::clone(&slot))),
        }
        drop(guard);
        self.figures.lock().expected += 1;
        Some(slot)
    }

    /// Matches the records that came before their key was awaited.
    fn replay(&self, shard: &mut Shard<K, R>, key: &K, records: VecDeque<Taken<R>>) {
        for taken in records {
            if matches!(self.place(shard, key, taken), Routed::Duplicate) {
                self.figures.lock().duplicates += 1;
            }
        }
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
        if matches!(shard.keys.get(key), Some(Entry::Awaited(_))) {
            self.end(&mut shard, key, End::GivenUp);
        }
    }

    /// The deadline of this key has passed: gives the records when the last one came at the last
    /// moment, or remembers who awaits them.
    pub(crate) fn overdue(&self, key: &K, slot: &Slot<R>, awaiting: Option<Awaiting>) -> Option<Arrived<R>> {
        let mut shard = self.shard(key);
        if let Some(arrived) = slot.take() {
            return Some(arrived);
        }
        match (awaiting, shard.keys.get_mut(key)) {
            (_, None) => {}
            (None, Some(_)) => _ = self.end(&mut shard, key, End::GivenUp),
            (Some(awaiting), Some(entry)) => {
                self.overdue.fetch_add(1, Relaxed);
                let patience = u64::try_from(awaiting.limit.as_nanos()).unwrap_or(u64::MAX);
                self.patience_ns.fetch_max(patience, Relaxed);
                let left = slot.wanted() - slot.count();
                *entry = Entry::Overdue(Box::new(Awaiting { left, ..awaiting }));
                shard.overdue.push_back(key.clone());
                self.limit_overdue(&mut shard);
            }
        }
        None
    }

    /// Keys that came and that nobody awaited, as text: the nearest may be what was meant.
    pub(crate) fn near(&self) -> Vec<String> {
        self.orphans.lock().iter().map(|key| format!("{key:?}")).collect()
    }

    /// Matches a record that arrived.
    pub(crate) fn route(&self, key: K, record: R, at: Instant) {
        let mut shard = self.shard(&key);
        let routed = self.place(&mut shard, &key, Taken { record, at });
        drop(shard);
        let mut figures = self.figures.lock();
        figures.records += 1;
        match routed {
            Routed::Taken => {}
            Routed::Duplicate => figures.duplicates += 1,
            Routed::Orphan => {
                figures.orphans += 1;
                drop(figures);
                let mut orphans = self.orphans.lock();
                if orphans.len() == REMEMBERED_ORPHANS {
                    orphans.pop_front();
                }
                orphans.push_back(key);
            }
            Routed::Late(awaiting) => {
                drop(figures);
                self.late(&key, &awaiting, at);
            }
        }
    }

    fn place(&self, shard: &mut Shard<K, R>, key: &K, taken: Taken<R>) -> Routed {
        let at = taken.at;
        let end = match shard.keys.get_mut(key) {
            None => {
                return match (shard.ended.get(key), self.buffer) {
                    (Some(End::Matched), _) => Routed::Duplicate,
                    (Some(End::GivenUp), _) => Routed::Taken,
                    (None, None) => Routed::Orphan,
                    (None, Some(limits)) => {
                        shard.keys.insert(key.clone(), Entry::Buffered(VecDeque::from([taken])));
                        self.buffered(shard, key, at, limits);
                        Routed::Taken
                    }
                };
            }
            Some(Entry::Buffered(records)) => {
                records.push_back(taken);
                if let Some(limits) = self.buffer {
                    self.buffered(shard, key, at, limits);
                }
                return Routed::Taken;
            }
            Some(Entry::Overdue(awaiting)) => {
                awaiting.left = awaiting.left.saturating_sub(1);
                awaiting.left == 0
            }
            Some(Entry::Awaited(slot)) => slot.put(taken),
        };
        if !end {
            return Routed::Taken;
        }
        match self.end(shard, key, End::Matched) {
            Some(Entry::Overdue(awaiting)) => {
                self.overdue.fetch_sub(1, Relaxed);
                if awaiting.optional { Routed::Taken } else { Routed::Late(awaiting) }
            }
            Some(Entry::Awaited(_) | Entry::Buffered(_)) | None => Routed::Taken,
        }
    }

    /// Notes one more buffered record, and evicts the oldest ones beyond the limits.
    fn buffered(&self, shard: &mut Shard<K, R>, key: &K, at: Instant, limits: Limits) {
        shard.buffered.push_back((key.clone(), at));
        shard.kept += 1;
        let room = (limits.records / SHARDS).max(1);
        while let Some((_, oldest)) = shard.buffered.front()
            && (shard.buffered.len() > 2 * room
                || shard.kept > room
                || at.saturating_duration_since(*oldest) > limits.age)
        {
            let Some((oldest, _)) = shard.buffered.pop_front() else { break };
            let Some(Entry::Buffered(records)) = shard.keys.get_mut(&oldest) else { continue };
            records.pop_front();
            shard.kept -= 1;
            if records.is_empty() {
                shard.keys.remove(&oldest);
            }
            let mut figures = self.figures.lock();
            figures.evicted += 1;
            figures.orphans += 1;
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
        let id = awaiting
            .evidence
            .or_else(|| scenario.evidence.admit(scenario.index, Some(awaiting.step), FailureKind::JoinLate));
        if let Some(id) = id {
            awaiting.keep(id, self.expected(key, awaiting.wanted, awaiting.limit).late(latency));
        }
    }

    pub(crate) fn expected<'a>(&'a self, key: &'a K, wanted: u32, limit: Duration) -> Expected<'a> {
        Expected { source: &self.name, key, wanted, limit }
    }

    /// Counts records of a key that came in another order than theirs.
    pub(crate) fn check_order(&self, arrived: &Arrived<R>) {
        let Some(order) = &self.order else { return };
        let mut last = order(&arrived.first.record);
        let mut wrong = 0;
        for taken in &arrived.more {
            let place = order(&taken.record);
            wrong += u64::from(place < last);
            last = last.max(place);
        }
        if wrong > 0 {
            self.figures.lock().out_of_order += wrong;
        }
    }

    /// Records that could not become a record of this join.
    pub(crate) fn undecodable(&self, mut fault: Fault) {
        let at = self.scenario.clock.now();
        let mut figures = self.figures.lock();
        figures.records += 1;
        figures.undecodable += 1;
        figures.first_undecodable.get_or_insert(at);
        figures.last_undecodable = Some(at);
        let step = figures.steps.first().copied();
        drop(figures);
        fault.kind = FailureKind::Undecodable;
        fault.source = Some(self.name.clone());
        source_evidence(&self.scenario, step, fault);
    }

    pub(crate) fn clock(&self) -> Clock {
        self.scenario.clock
    }

    /// Remembers taken records as exchanges of the execution that takes them.
    pub(crate) fn remember(&self, arrived: &Arrived<R>) {
        for taken in std::iter::once(&arrived.first).chain(&arrived.more) {
            if let Some(exchange) = (self.describe)(&taken.record) {
                execution::remember_at(exchange, taken.at);
            }
        }
    }

    pub(crate) fn figures(&self, change: impl FnOnce(&mut JoinFigures)) {
        change(&mut self.figures.lock());
    }

    fn shard(&self, key: &K) -> parking_lot::MutexGuard<'_, Shard<K, R>> {
        // The map inside uses the low bits of the same hash, so shards take high ones.
        let shard = (self.hasher.hash_one(key) >> 48) as usize % SHARDS;
        self.shards[shard].lock()
    }

    /// Takes a key out of those that matter and remembers how it ended.
    fn end(&self, shard: &mut Shard<K, R>, key: &K, end: End) -> Option<Entry<R>> {
        let (key, entry) = shard.keys.remove_entry(key)?;
        let forgotten = shard.ended.insert(key, end);
        if forgotten > 0 {
            self.figures.lock().forgotten += forgotten as u64;
        }
        Some(entry)
    }

    /// Forgets the oldest overdue keys beyond the limit: they stay missing whatever comes.
    fn limit_overdue(&self, shard: &mut Shard<K, R>) {
        while shard.overdue.len() > REMEMBERED_KEYS / SHARDS {
            let Some(oldest) = shard.overdue.pop_front() else { return };
            if matches!(shard.keys.get(&oldest), Some(Entry::Overdue(_))) {
                shard.keys.remove(&oldest);
                self.overdue.fetch_sub(1, Relaxed);
                self.figures.lock().forgotten += 1;
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
        let mut drained = JoinFigures { name: self.name.clone(), ..drained };
        self.gaps.lock().drain(self.clock(), &mut drained);
        drained
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

    fn failed(&self, cause: &str) {
        self.gaps.lock().failed(Instant::now(), cause.to_owned());
        self.figures.lock().failed.get_or_insert_with(|| cause.to_owned());
    }

    fn close(&self) {
        // What nobody has awaited until now, nobody ever will.
        let kept: usize = self.shards.iter().map(|shard| std::mem::take(&mut shard.lock().kept)).sum();
        self.figures.lock().orphans += kept as u64;
        let near = self.near();
        let mut room = self.scenario.evidence.limit() as usize;
        for shard in &self.shards {
            for (key, entry) in &shard.lock().keys {
                let Entry::Overdue(awaiting) = entry else { continue };
                // Told at its deadline. Those may all have come late since, so some more are kept here.
                if awaiting.evidence.is_some() || awaiting.optional {
                    continue;
                }
                let Some(left) = room.checked_sub(1) else { return };
                room = left;
                let id = awaiting.scenario.evidence.next_id();
                let expected = self.expected(key, awaiting.wanted, awaiting.limit);
                awaiting.keep(id, expected.missing(awaiting.wanted - awaiting.left, &near));
            }
        }
    }
}

/// A text of a plugin as an exchange.
fn exchange_record(at: Timestamp, text: Option<String>) -> Option<ExchangeRecord> {
    let text = text?;
    let summary = excerpt(text.lines().next().unwrap_or_default());
    Some(ExchangeRecord { step: None, at, summary, details: excerpt(&text) })
}

/// Keeps a failure that concerns no minion.
pub fn source_evidence(scenario: &ScenarioContext, step: Option<u32>, fault: Fault) {
    let Some(id) = scenario.evidence.admit(scenario.index, step, fault.kind) else { return };
    let fault = fault.into_details();
    let at = scenario.clock.now();
    scenario.evidence.send(Evidence {
        id,
        scenario: scenario.name.clone(),
        step,
        at,
        minion: None,
        iteration: 0,
        taken: Default::default(),
        zone: scenario.zone.clone(),
        attempt: 1,
        kind: fault.kind,
        code: fault.code.into_owned(),
        message: excerpt(&fault.message),
        checks: fault.checks,
        exchanges: exchange_record(at, fault.exchange.or(fault.input)).into_iter().collect(),
        exchanges_omitted: 0,
        notes: fault.notes,
        source: fault.source,
        key: fault.key,
        trace_id: None,
        location: None,
    });
}
