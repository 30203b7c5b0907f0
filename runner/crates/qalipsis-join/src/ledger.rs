//! Which keys are awaited, matched, overdue or given up, and the counts of what came.
//!
//! Matching is a map lookup under the lock of one of `SHARDS` shards, done by the source as it
//! reads: there is no queue between source and minion in which a record could wait unseen.
//!
//! Every key ends as matched, late, missing, absent or abandoned, and every record as taken, duplicate,
//! orphan, undecodable or abandoned: the sums of [`JoinFigures`] that a report is checked against.

mod buffer;
mod counts;
mod evidence;
mod hashed;
mod remembered;

use crate::awaiting::Awaiting;
use crate::gaps::{Gaps, Recovery};
use crate::key::Key;
use crate::slot::{Arrived, ReceivedRecord, Slot};
pub use buffer::Limits;
use buffer::{Buffer, Kept};
use counts::{EndedCounts, ShardCounts, Totals};
use evidence::Admitted;
pub use evidence::source_evidence;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Place;
pub(crate) use hashed::HashedKey;
use hashed::hash;
use parking_lot::{Mutex, MutexGuard};
use qalipsis_minion::current;
use qalipsis_minion::fault::Fault;
use qalipsis_minion::state::ScenarioContext;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::plan::Role;
use qalipsis_model::snapshot::{JoinFigures, StepKind};
use qalipsis_recorder::clock::Clock;
use qalipsis_recorder::exchanges::Exchange;
use remembered::Generations;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// Locks of one ledger.
const SHARDS: usize = 16;

/// Keys that are remembered at most after they were matched or given up, and as many overdue ones, to
/// distinguish duplicates and late records from orphans. At least half as many are remembered.
pub const REMEMBERED_KEYS: usize = 1_000_000;

/// Keys of orphans that are remembered, to see that a key came before it was expected and to name the nearest one
/// beside a missing key. At least half as many are remembered.
pub const REMEMBERED_ORPHANS: usize = 65_536;

/// Gives the place of a record in the order of its key.
pub type Order<R> = Box<dyn Fn(&R) -> u64 + Send + Sync>;

/// The state of one join.
pub(crate) struct Ledger<K, R> {
    name: String,
    scenario: Arc<ScenarioContext>,
    shards: [Mutex<Shard<K, R>>; SHARDS],
    /// What became of the keys of each shard.
    ended: [EndedCounts; SHARDS],
    figures: Mutex<State>,
    /// The first 64 steps that are known to await it, one bit each.
    awaiting_steps: AtomicU64,
    overdue: AtomicUsize,
    longest_deadline_ns: AtomicU64,
    /// Whether the figures are final: what ends later was counted as abandoned.
    closed: AtomicBool,
    /// `None` when records that no minion expects are counted and dropped.
    buffer: Option<Buffer<K>>,
    order: Option<Order<R>>,
    gaps: Mutex<Gaps>,
    /// How evidence shows a record.
    describe: fn(&R) -> Option<Exchange>,
    admitted: Admitted,
}

/// What changes rarely.
#[derive(Default)]
struct State {
    /// Since the last snapshot.
    figures: JoinFigures,
    /// The counts of all shards that earlier snapshots took.
    reported: Totals,
}

struct Shard<K, R> {
    /// Keys that are awaited, overdue or buffered: few, so that they stay in the processor's cache.
    keys: HashTable<(K, Entry<R>)>,
    /// Keys in `keys` that are or were overdue, oldest first.
    overdue: VecDeque<K>,
    /// Keys that are no longer awaited.
    ended: Generations<K, End>,
    /// Keys of records that no minion expected, with the arrival of the last.
    orphans: Generations<K, Instant>,
    counts: ShardCounts,
}

enum Entry<R> {
    Awaited(Arc<Slot<R>>),
    Overdue(Box<Overdue<R>>),
    /// Came before any minion expected them.
    Buffered(VecDeque<Kept<R>>),
}

/// A key whose deadline has passed.
struct Overdue<R> {
    awaiting: Awaiting,
    /// What came of it.
    slot: Arc<Slot<R>>,
}

/// How a key ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Matched,
    /// Matched by the state that was awaited: records of further states are no duplicates.
    Settled,
    GivenUp,
}

/// What became of a record.
enum Routed<R> {
    /// It waits in the slot of its key, or belongs to one that was settled.
    Placed,
    Settled,
    Overdue,
    Late(Box<Overdue<R>>),
    Abandoned,
    Duplicate(ReceivedRecord<R>),
    Unexpected(ReceivedRecord<R>),
}

/// What the engine does with a ledger, whatever its types.
pub trait LedgerControl: Send + Sync {
    /// The figures since the last call.
    fn drain(&self) -> JoinFigures;
    /// Keys whose record may still come late.
    fn overdue(&self) -> usize;
    /// Records that the source knows of and has not read yet.
    fn consumer_lag(&self) -> u64;
    /// Whether the source cannot read now, and may again.
    fn is_interrupted(&self) -> bool;
    /// The longest deadline among the keys that were ever overdue: how long a late record may be worth waiting for.
    fn longest_deadline(&self) -> Duration;
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
                keys: HashTable::new(),
                overdue: VecDeque::new(),
                ended: Generations::new(REMEMBERED_KEYS / SHARDS),
                orphans: Generations::new(REMEMBERED_ORPHANS / SHARDS),
                counts: ShardCounts::default(),
            })
        };
        Self {
            name,
            scenario,
            shards: std::array::from_fn(|_| shard()),
            ended: Default::default(),
            figures: Mutex::default(),
            awaiting_steps: AtomicU64::new(0),
            overdue: AtomicUsize::new(0),
            longest_deadline_ns: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            buffer: buffer.map(Buffer::new),
            order,
            gaps: Mutex::default(),
            describe,
            admitted: Admitted::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn clock(&self) -> Clock {
        self.scenario.clock
    }

    /// Whether records may come before they are awaited.
    pub(crate) fn is_buffered(&self) -> bool {
        self.buffer.is_some()
    }

    /// Registers the slot of a key at `now`; false when the key is awaited already.
    pub(crate) fn register(&self, key: &HashedKey<K>, slot: &Arc<Slot<R>>, now: Instant) -> bool {
        let mut guard = self.shard(key);
        let shard = &mut *guard;
        let mut replaced = None;
        let mut waiting = None;
        match shard.entry(key) {
            Place::Occupied(place) if matches!(place.get().1, Entry::Awaited(_)) => return false,
            // A key that is awaited again begins as a new one: `keys` is looked up before `ended`.
            Place::Occupied(mut place) => {
                match std::mem::replace(&mut place.get_mut().1, Entry::Awaited(Arc::clone(slot))) {
                    Entry::Overdue(overdue) => {
                        self.overdue.fetch_sub(1, Relaxed);
                        replaced = Some(overdue);
                    }
                    Entry::Buffered(records) => waiting = Some(records),
                    Entry::Awaited(_) => {}
                }
            }
            Place::Vacant(place) => _ = place.insert((key.key.clone(), Entry::Awaited(Arc::clone(slot)))),
        }
        shard.counts.expected += 1;
        let came_before = shard.orphans.remove(key);
        let waited = waiting.map(|records| self.take_waiting(shard, key, records, now));
        drop(guard);
        if let Some(at) = came_before {
            slot.set_came_before(at);
            self.figures.lock().figures.before_expected += 1;
        }
        if let Some(overdue) = replaced {
            self.settle_missing(&overdue);
        }
        if let Some((evicted, duplicates)) = waited {
            evicted.iter().for_each(|received| self.evicted(key, received, now));
            duplicates.iter().for_each(|received| self.duplicate(&key.key, received));
        }
        true
    }

    /// Matches the records that came before their key was awaited. Gives those that are too old, and those beyond
    /// what is awaited.
    fn take_waiting(
        &self,
        shard: &mut Shard<K, R>,
        key: &HashedKey<K>,
        records: VecDeque<Kept<R>>,
        now: Instant,
    ) -> (Vec<ReceivedRecord<R>>, Vec<ReceivedRecord<R>>) {
        let (mut evicted, mut duplicates) = (Vec::new(), Vec::new());
        let Some(buffer) = &self.buffer else { return (evicted, duplicates) };
        buffer.release(records.len());
        for Kept { received, .. } in records {
            if buffer.is_stale(received.at, now) {
                evicted.push(received);
            } else if let Routed::Duplicate(received) = self.place(shard, key, received) {
                duplicates.push(received);
            }
        }
        (evicted, duplicates)
    }

    /// Notes the step that awaits records of this join.
    pub(crate) fn awaited_by(&self, step: Option<u32>) {
        let Some(step) = step else { return };
        let bit = 1_u64.checked_shl(step).unwrap_or(0);
        if bit != 0 && self.awaiting_steps.load(Relaxed) & bit != 0 {
            return;
        }
        let mut state = self.figures.lock();
        if !state.figures.steps.contains(&step) {
            state.figures.steps.push(step);
        }
        self.awaiting_steps.fetch_or(bit, Relaxed);
    }

    /// The scenario gives this expectation up before its outcome is known; a record of its key is no orphan.
    pub(crate) fn abandon(&self, key: &HashedKey<K>, slot: &Arc<Slot<R>>) {
        let mut shard = self.shard(key);
        // The key may be awaited again by another expectation meanwhile.
        if shard.find(key).is_some_and(|entry| entry.is_awaited_by(slot)) {
            self.end(&mut shard, key, End::GivenUp);
        }
        drop(shard);
        // Then it was counted as abandoned already.
        if self.is_closed() {
            return;
        }
        self.ended[key.shard()].given_up(u64::from(slot.records()));
        self.figures.lock().figures.abandoned += 1;
    }

    /// The minion has taken so many records of a key: in time, too late, or too late without failing for it.
    pub(crate) fn took(&self, key: &HashedKey<K>, records: u64, outcome: Outcome) {
        if self.is_closed() {
            return;
        }
        let ended = &self.ended[key.shard()];
        match outcome {
            Outcome::Matched => ended.matched(records),
            Outcome::Absent => ended.absent(records),
            Outcome::Late { trigger, arrival } => {
                ended.late(records);
                let explained = self.is_explained(trigger, arrival, |_| true);
                let figures = &mut self.figures.lock().figures;
                figures.late += 1;
                figures.in_gap += u64::from(explained);
                if explained {
                    current::with(|execution| {
                        let place = (StepKind::Join, execution.location);
                        let scenario = execution.minion.scenario();
                        scenario
                            .off_worker
                            .step(scenario.index, execution.step, place, |step| step.in_gap += 1);
                    });
                }
            }
        }
    }

    /// Whether what ends now was counted as abandoned.
    fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// The deadline of this key has passed: gives the records when the last one came at the last
    /// moment, or remembers who awaits them.
    pub(crate) fn overdue(
        &self,
        key: &HashedKey<K>,
        slot: &Arc<Slot<R>>,
        awaiting: Option<Awaiting>,
        optional: bool,
    ) -> Option<Arrived<R>> {
        let mut shard = self.shard(key);
        if let Some(arrived) = slot.take() {
            return Some(arrived);
        }
        if !self.is_closed() {
            let (ended, records) = (&self.ended[key.shard()], u64::from(slot.records()));
            if optional { ended.absent(records) } else { ended.missing(records) }
        }
        if let Some(entry) = shard.find_mut(key).filter(|entry| entry.is_awaited_by(slot)) {
            match awaiting {
                None => self.end(&mut shard, key, End::GivenUp),
                Some(awaiting) => {
                    self.overdue.fetch_add(1, Relaxed);
                    let limit = u64::try_from(awaiting.terms.limit.as_nanos()).unwrap_or(u64::MAX);
                    self.longest_deadline_ns.fetch_max(limit, Relaxed);
                    *entry = Entry::Overdue(Box::new(Overdue { awaiting, slot: Arc::clone(slot) }));
                    shard.overdue.push_back(key.key.clone());
                    self.limit_overdue(&mut shard);
                }
            }
        }
        None
    }

    /// A record as evidence shows it.
    fn described(&self, received: &ReceivedRecord<R>) -> Option<Exchange> {
        received.shown.as_deref().cloned().or_else(|| (self.describe)(&received.record))
    }

    /// Matches a record that arrived.
    pub(crate) fn route(&self, key: K, record: R, at: Instant, shown: Option<Exchange>) {
        if self.is_closed() {
            return;
        }
        let key = HashedKey::new(key);
        let received = ReceivedRecord { record, at, shown: shown.map(Box::new) };
        let routed = match &self.buffer {
            None => {
                let mut shard = self.shard(&key);
                shard.counts.records += 1;
                let routed = self.place(&mut shard, &key, received);
                if matches!(routed, Routed::Unexpected(_)) {
                    shard.counts.orphans += 1;
                    shard.orphans.insert(key.clone(), at);
                }
                routed
            }
            Some(buffer) => match self.route_buffered(buffer, &key, received) {
                Some(routed) => routed,
                None => return,
            },
        };
        match routed {
            Routed::Placed | Routed::Settled | Routed::Overdue | Routed::Abandoned => {}
            Routed::Duplicate(received) => self.duplicate(&key.key, &received),
            Routed::Unexpected(received) => self.orphan(&key.key, &received, None),
            Routed::Late(overdue) => self.late(&key.key, &overdue, at),
        }
    }

    /// Matches a record, or keeps it until its key is expected.
    fn route_buffered(
        &self,
        buffer: &Buffer<K>,
        key: &HashedKey<K>,
        received: ReceivedRecord<R>,
    ) -> Option<Routed<R>> {
        let at = received.at;
        // Taken before the lock of any shard.
        let mut queue = buffer.lock();
        let mut shard = self.shard(key);
        shard.counts.records += 1;
        let routed = match self.place(&mut shard, key, received) {
            Routed::Unexpected(received) => {
                let kept = buffer.keep(&mut queue, key.key.clone(), received);
                match shard.entry(key) {
                    Place::Occupied(mut place) => {
                        if let Entry::Buffered(records) = &mut place.get_mut().1 {
                            records.push_back(kept);
                        }
                    }
                    Place::Vacant(place) => {
                        place.insert((key.key.clone(), Entry::Buffered(VecDeque::from([kept]))));
                    }
                }
                None
            }
            routed => Some(routed),
        };
        drop(shard);
        self.evict(buffer, &mut queue, at);
        routed
    }

    fn place(&self, shard: &mut Shard<K, R>, key: &HashedKey<K>, received: ReceivedRecord<R>) -> Routed<R> {
        let Shard { keys, ended, counts, .. } = shard;
        let Ok(mut place) = keys.find_entry(key.hash(), |(own, _)| *own == key.key) else {
            return match ended.get(key) {
                Some(End::Matched) => {
                    counts.duplicates += 1;
                    Routed::Duplicate(received)
                }
                Some(End::Settled) => {
                    counts.taken += 1;
                    Routed::Settled
                }
                Some(End::GivenUp) => {
                    counts.abandoned += 1;
                    Routed::Abandoned
                }
                None => Routed::Unexpected(received),
            };
        };
        let (ends, is_late, settles) = match &mut place.get_mut().1 {
            Entry::Buffered(_) => return Routed::Unexpected(received),
            Entry::Overdue(overdue) => {
                counts.taken += 1;
                (overdue.slot.put(received), true, overdue.slot.has_condition())
            }
            Entry::Awaited(slot) => {
                counts.placed += 1;
                (slot.put(received), false, slot.has_condition())
            }
        };
        let pending = if is_late { Routed::Overdue } else { Routed::Placed };
        if !ends {
            return pending;
        }
        let (removed, _) = place.remove();
        match self.remember_end(ended, key, removed, if settles { End::Settled } else { End::Matched }) {
            Entry::Overdue(overdue) => {
                self.overdue.fetch_sub(1, Relaxed);
                if overdue.awaiting.optional { Routed::Overdue } else { Routed::Late(overdue) }
            }
            Entry::Awaited(_) | Entry::Buffered(_) => pending,
        }
    }

    /// Gives up the oldest buffered records beyond the limits.
    fn evict(&self, buffer: &Buffer<K>, queue: &mut buffer::Queue<K>, now: Instant) {
        while let Some(place) = buffer.next_to_evict(queue, now) {
            let key = HashedKey::new(place.key);
            let mut shard = self.shard(&key);
            let Some(Entry::Buffered(records)) = shard.find_mut(&key) else { continue };
            // Its record may have been taken, and its key be buffered again.
            if records.front().is_none_or(|kept| kept.number != place.number) {
                continue;
            }
            let kept = records.pop_front();
            if records.is_empty() {
                shard.remove(&key);
            }
            drop(shard);
            buffer.release(1);
            if let Some(kept) = kept {
                self.evicted(&key, &kept.received, now);
            }
        }
        if buffer.is_sparse(queue) {
            Buffer::retain(queue, |place| {
                let key = HashedKey::new(place.key.clone());
                match self.shard(&key).find(&key) {
                    Some(Entry::Buffered(records)) => records.iter().any(|kept| kept.number == place.number),
                    _ => false,
                }
            });
        }
    }

    /// What counted as missing came late.
    fn late(&self, key: &K, overdue: &Overdue<R>, at: Instant) {
        let awaiting = &overdue.awaiting;
        let latency = at.saturating_duration_since(awaiting.terms.trigger);
        let explained = self.is_explained(awaiting.terms.trigger, at, |_| true);
        let scenario = &awaiting.scenario;
        let place = (StepKind::Join, awaiting.location);
        scenario.off_worker.step(scenario.index, awaiting.step, place, |figures| {
            *figures.kinds.entry(FailureKind::JoinMissing).or_default() -= 1;
            *figures.kinds.entry(FailureKind::JoinLate).or_default() += 1;
            figures.late.get_or_insert_default().record(latency.as_nanos() as u64);
            figures.in_gap += u64::from(explained);
        });
        {
            let figures = &mut self.figures.lock().figures;
            figures.missing -= 1;
            figures.late += 1;
            figures.in_gap += u64::from(explained);
        }
        scenario.evidence.failures.add(|| {
            let fault = self.late_fault(key, &overdue.slot, &awaiting.terms, at);
            awaiting.listed(&fault, scenario.clock.date(at))
        });
        let id = awaiting
            .evidence
            .or_else(|| scenario.evidence.admit(scenario.index, Some(awaiting.step), FailureKind::JoinLate));
        if let Some(id) = id {
            self.keep_late(key, overdue, id, at);
        }
    }

    /// It stays missing for ever.
    fn settle_missing(&self, overdue: &Overdue<R>) {
        let awaiting = &overdue.awaiting;
        if awaiting.optional {
            return;
        }
        if self.is_explained(awaiting.terms.trigger, awaiting.terms.deadline(), |gap| gap.loses_records()) {
            self.figures.lock().figures.in_gap += 1;
            let (scenario, place) = (&awaiting.scenario, (StepKind::Join, awaiting.location));
            scenario.off_worker.step(scenario.index, awaiting.step, place, |step| step.in_gap += 1);
        }
    }

    pub(crate) fn figures(&self, change: impl FnOnce(&mut JoinFigures)) {
        change(&mut self.figures.lock().figures);
    }

    pub(crate) fn interrupted(&self, since: Instant, cause: String) {
        self.gaps.lock().interrupted(since, cause);
    }

    pub(crate) fn resumed(&self, at: Instant, recovery: Recovery) {
        self.gaps.lock().resumed(at, recovery, self.clock());
    }

    pub(crate) fn gap(&self, from: Instant, to: Instant, recovery: Recovery, cause: String) {
        self.gaps.lock().add(from, to, recovery, cause, self.clock());
    }

    /// Records that could not become a record of this join.
    pub(crate) fn undecodable(&self, mut fault: Fault) {
        // It has no key, so that it counts at any shard.
        self.shards[0].lock().counts.records += 1;
        let at = self.clock().now();
        let mut state = self.figures.lock();
        let figures = &mut state.figures;
        figures.undecodable += 1;
        figures.first_undecodable.get_or_insert(at);
        figures.last_undecodable = Some(at);
        let step = figures.steps.first().copied();
        drop(state);
        // By source: what one cannot decode must not use up the room of another.
        if !self.admitted.admit(FailureKind::Undecodable, self.scenario.evidence.limit()) {
            return;
        }
        fault.kind = FailureKind::Undecodable;
        fault.source = Some(self.name.clone());
        source_evidence(&self.scenario, step, fault);
    }

    /// Remembers taken records as exchanges of the execution that takes them.
    pub(crate) fn remember(&self, arrived: &Arrived<R>) {
        let remember = |received: &ReceivedRecord<R>| {
            if let Some(exchange) = self.described(received) {
                current::remember_at(exchange, received.at);
            }
        };
        remember(&arrived.first);
        arrived.more.iter().for_each(remember);
    }

    fn shard(&self, key: &HashedKey<K>) -> MutexGuard<'_, Shard<K, R>> {
        self.shards[key.shard()].lock()
    }

    /// The counts of all shards. No lock of a shard may be locked by the caller.
    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for (shard, ended) in self.shards.iter().zip(&self.ended) {
            totals.add(ended, || shard.lock().counts);
        }
        totals
    }

    /// Takes a key out of those that matter and remembers how it ended.
    fn end(&self, shard: &mut Shard<K, R>, key: &HashedKey<K>, end: End) {
        if let Some(removed) = shard.remove(key) {
            self.remember_end(&mut shard.ended, key, removed, end);
        }
    }

    fn remember_end(
        &self,
        ended: &mut Generations<K, End>,
        hashed: &HashedKey<K>,
        (key, entry): (K, Entry<R>),
        end: End,
    ) -> Entry<R> {
        let forgotten = ended.insert(hashed.with(key), end);
        if forgotten > 0 {
            self.figures.lock().figures.forgotten += forgotten as u64;
        }
        entry
    }

    /// Forgets the oldest overdue keys beyond the limit: they stay missing whatever comes.
    fn limit_overdue(&self, shard: &mut Shard<K, R>) {
        while shard.overdue.len() > REMEMBERED_KEYS / SHARDS {
            let Some(oldest) = shard.overdue.pop_front() else { return };
            let oldest = HashedKey::new(oldest);
            if matches!(shard.find(&oldest), Some(Entry::Overdue(_)))
                && let Some((_, Entry::Overdue(overdue))) = shard.remove(&oldest)
            {
                self.overdue.fetch_sub(1, Relaxed);
                self.settle_missing(&overdue);
                self.figures.lock().figures.forgotten += 1;
            }
        }
    }
}

/// How a key ended whose records its minion has taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Matched,
    Late {
        trigger: Instant,
        arrival: Instant,
    },
    /// Too late for an optional expectation.
    Absent,
}

impl<K: Key, R> Shard<K, R> {
    fn find(&self, key: &HashedKey<K>) -> Option<&Entry<R>> {
        self.keys.find(key.hash(), |(own, _)| *own == key.key).map(|(_, entry)| entry)
    }

    fn find_mut(&mut self, key: &HashedKey<K>) -> Option<&mut Entry<R>> {
        self.keys.find_mut(key.hash(), |(own, _)| *own == key.key).map(|(_, entry)| entry)
    }

    fn entry(&mut self, key: &HashedKey<K>) -> Place<'_, (K, Entry<R>)> {
        self.keys.entry(key.hash(), |(own, _)| *own == key.key, |(own, _)| hash(own))
    }

    fn remove(&mut self, key: &HashedKey<K>) -> Option<(K, Entry<R>)> {
        let place = self.keys.find_entry(key.hash(), |(own, _)| *own == key.key).ok()?;
        Some(place.remove().0)
    }
}

impl<R> Entry<R> {
    fn is_awaited_by(&self, slot: &Arc<Slot<R>>) -> bool {
        matches!(self, Self::Awaited(own) if Arc::ptr_eq(own, slot))
    }
}

impl<K: Key, R: Send + 'static> LedgerControl for Ledger<K, R> {
    fn drain(&self) -> JoinFigures {
        let totals = self.totals();
        let mut state = self.figures.lock();
        let State { figures, reported } = &mut *state;
        // Steps and lag are states, not counts.
        let kept = JoinFigures {
            steps: figures.steps.clone(),
            consumer_lag: figures.consumer_lag,
            ..JoinFigures::default()
        };
        let mut drained = JoinFigures { name: self.name.clone(), ..std::mem::replace(figures, kept) };
        totals.drain(reported, &mut drained);
        drop(state);
        self.gaps.lock().drain(self.clock(), &mut drained);
        match self.scenario.share.role {
            Role::Following => drained.without_reading(),
            Role::Alone | Role::Leading => drained,
        }
    }

    fn overdue(&self) -> usize {
        self.overdue.load(Relaxed)
    }

    fn consumer_lag(&self) -> u64 {
        self.figures.lock().figures.consumer_lag.unwrap_or(0)
    }

    fn is_interrupted(&self) -> bool {
        self.gaps.lock().is_interrupted()
    }

    fn longest_deadline(&self) -> Duration {
        Duration::from_nanos(self.longest_deadline_ns.load(Relaxed))
    }

    fn failed(&self, cause: &str) {
        self.gaps.lock().failed(Instant::now(), cause.to_owned());
        self.figures.lock().figures.failed.get_or_insert_with(|| cause.to_owned());
    }

    fn close(&self) {
        if self.closed.swap(true, Relaxed) {
            return;
        }
        self.close_buffer();
        self.close_overdue();
        // A scenario may keep an expectation for ever, and a hard stop does not wait for all minions.
        let (keys, records) = self.totals().open();
        let figures = &mut self.figures.lock().figures;
        figures.abandoned += keys;
        figures.abandoned_records += records;
    }
}

#[cfg(test)]
mod tests;
