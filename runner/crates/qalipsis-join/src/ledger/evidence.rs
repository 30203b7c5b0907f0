//! What a ledger keeps as evidence: of records that are too many, and of keys that were not matched in time.

use super::{Entry, HashedKey, Ledger, Overdue, Shard};
use crate::awaiting::{Awaiting, Expected, Terms};
use crate::key::Key;
use crate::slot::{Arrived, ReceivedRecord, Slot};
use qalipsis_minion::current;
use qalipsis_minion::fault::Fault;
use qalipsis_minion::state::ScenarioContext;
use qalipsis_model::duration::human;
use qalipsis_model::evidence::{Evidence, ExchangeRecord, FailureKind, excerpt};
use qalipsis_model::join::Gap;
use qalipsis_model::plan::Role;
use qalipsis_model::timestamp::Timestamp;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// Keys per shard among which the nearest to a missing one is looked for.
const COMPARED_KEYS: usize = 128;

/// Gaps that the notes beside one key name.
const NAMED_GAPS: usize = 5;

/// How many records of each kind were admitted as evidence of this ledger.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    duplicates: AtomicU32,
    orphans: AtomicU32,
    out_of_order: AtomicU32,
    undecodable: AtomicU32,
}

impl Admitted {
    fn of(&self, kind: FailureKind) -> &AtomicU32 {
        match kind {
            FailureKind::JoinDuplicate => &self.duplicates,
            FailureKind::JoinOutOfOrder => &self.out_of_order,
            FailureKind::Undecodable => &self.undecodable,
            _ => &self.orphans,
        }
    }

    /// Whether one more of this kind is evidence.
    pub(super) fn admit(&self, kind: FailureKind, limit: u32) -> bool {
        let count = self.of(kind);
        // Most come when the limit was reached long ago, and then a read is all that they cost.
        count.load(Relaxed) < limit && count.fetch_add(1, Relaxed) < limit
    }
}

/// What is known of records of other keys.
struct Others {
    /// Keys that came and that no minion expected, as text: the nearest may be what was meant.
    near: Vec<String>,
    /// All records that the source has read.
    records: u64,
}

impl<K: Key, R: Send + 'static> Ledger<K, R> {
    /// Keeps a further record of a key that was matched already, among the first.
    pub(super) fn duplicate(&self, key: &K, received: &ReceivedRecord<R>) {
        self.record_evidence(FailureKind::JoinDuplicate, None, key, &[received], || {
            "a further record of a key that was matched already".to_owned()
        });
    }

    /// Keeps a record that no minion expected, among the first; `note` says what else is known.
    ///
    /// Of several factories none knows whether another one expected it: there such records are only counted.
    pub(super) fn orphan(&self, key: &K, received: &ReceivedRecord<R>, note: Option<String>) {
        if self.scenario.share.role != Role::Alone {
            return;
        }
        self.record_evidence(FailureKind::JoinOrphan, note, key, &[received], || {
            "a record that no minion expected".to_owned()
        });
    }

    /// A record was kept for a while that no minion expected.
    pub(super) fn evicted(&self, key: &HashedKey<K>, received: &ReceivedRecord<R>, now: Instant) {
        let mut shard = self.shard(key);
        shard.counts.orphans += 1;
        shard.counts.evicted += 1;
        shard.orphans.insert(key.clone(), received.at);
        drop(shard);
        let note = self.buffer.as_ref().map(|buffer| {
            let limits = buffer.limits();
            format!(
                "it was evicted from the buffer after {}, which keeps {} records for {}",
                human(now.saturating_duration_since(received.at)),
                limits.records,
                human(limits.age)
            )
        });
        self.orphan(&key.key, received, note);
    }

    /// Counts records of a key that came in another order than theirs.
    #[inline]
    pub(crate) fn check_order(&self, key: &K, arrived: &Arrived<R>) {
        let Some(order) = &self.order else { return };
        let places: Vec<u64> = arrived.all().map(|received| order(&received.record)).collect();
        let mut last = 0;
        let mut wrong = 0;
        for place in &places {
            wrong += u64::from(*place < last);
            last = last.max(*place);
        }
        if wrong == 0 {
            return;
        }
        self.figures.lock().figures.out_of_order += wrong;
        let all: Vec<&ReceivedRecord<R>> = arrived.all().collect();
        self.record_evidence(FailureKind::JoinOutOfOrder, None, key, &all, || {
            let places: Vec<String> = places.iter().map(ToString::to_string).collect();
            format!("expected records in ascending order, observed {}", places.join(", "))
        });
    }

    /// Keeps records as evidence that belongs to the join, when they are among the first of their kind.
    fn record_evidence(
        &self,
        kind: FailureKind,
        note: Option<String>,
        key: &K,
        records: &[&ReceivedRecord<R>],
        message: impl FnOnce() -> String,
    ) {
        let keeper = &self.scenario.evidence;
        if !self.admitted.admit(kind, keeper.limit()) {
            return;
        }
        let clock = self.clock();
        let exchange = |received: &&ReceivedRecord<R>| {
            let exchange = self.described(received)?;
            Some(ExchangeRecord {
                step: None,
                at: clock.date(received.at),
                summary: excerpt(&exchange.summary()),
                details: excerpt(&exchange.details()),
            })
        };
        let at = records.last().map_or_else(Instant::now, |received| received.at);
        let key = excerpt(&format!("{key:?}"));
        keeper.send(Evidence {
            id: keeper.next_id(),
            scenario: self.scenario.name.clone(),
            step: None,
            at: clock.date(at),
            minion: None,
            iteration: 0,
            taken: Default::default(),
            zone: self.scenario.zone.clone(),
            attempt: 1,
            kind,
            code: String::new(),
            message: format!("{}: {}, key {key}", self.name, message()),
            checks: Vec::new(),
            exchanges: records.iter().filter_map(exchange).collect(),
            exchanges_omitted: 0,
            notes: note.into_iter().collect(),
            source: Some(self.name.clone()),
            key: Some(key),
            trace_id: None,
            location: None,
        });
    }

    fn expected<'a>(&'a self, key: &'a K, slot: &Slot<R>, limit: Duration) -> Expected<'a> {
        let (wanted, has_condition) = (slot.wanted(), slot.has_condition());
        Expected { source: &self.name, key, wanted, limit, has_condition }
    }

    /// The records of a key did not all come in time. What else is known is looked for only when it is `kept`.
    pub(crate) fn missing(&self, key: &K, slot: &Slot<R>, terms: &Terms, kept: bool) -> Fault {
        let expected = self.expected(key, slot, terms.limit);
        if !kept {
            return expected.missing(slot.records(), &[]);
        }
        self.remember_seen(slot);
        self.missing_fault(expected, slot, terms, &self.others())
    }

    fn missing_fault(&self, expected: Expected<'_>, slot: &Slot<R>, terms: &Terms, others: &Others) -> Fault {
        let near: &[String] = if slot.came_before().is_none() { &others.near } else { &[] };
        let mut fault = expected.missing(slot.records(), near);
        fault.notes = self.notes(slot, terms, others);
        fault
    }

    /// The last state that was seen of a key is an exchange of the execution that awaits another.
    fn remember_seen(&self, slot: &Slot<R>) {
        let seen = slot.seen(|last| self.described(last).map(|exchange| (exchange, last.at)));
        if let Some((_, Some((exchange, at)))) = seen {
            current::remember_at(exchange, at);
        }
    }

    /// The records of a key came after its deadline.
    pub(crate) fn late_fault(&self, key: &K, slot: &Slot<R>, terms: &Terms, arrival: Instant) -> Fault {
        let latency = arrival.saturating_duration_since(terms.trigger);
        let mut fault = self.expected(key, slot, terms.limit).late(latency);
        fault.notes = self.gap_notes(terms.trigger, arrival);
        fault
    }

    /// A record came although its key counted as missing.
    pub(super) fn keep_late(&self, key: &K, overdue: &Overdue<R>, id: u64, arrival: Instant) {
        let Overdue { awaiting, slot } = overdue;
        let fault = self.late_fault(key, slot, &awaiting.terms, arrival);
        let records = slot.take().map_or_else(Vec::new, |arrived| self.exchanges(&arrived, awaiting));
        awaiting.keep(id, fault, records);
    }

    fn exchanges(&self, arrived: &Arrived<R>, awaiting: &Awaiting) -> Vec<ExchangeRecord> {
        let exchange = |received: &ReceivedRecord<R>| {
            let exchange = self.described(received)?;
            Some(ExchangeRecord {
                step: Some(awaiting.step_name().to_owned()),
                at: self.clock().date(received.at),
                summary: excerpt(&exchange.summary()),
                details: excerpt(&exchange.details()),
            })
        };
        arrived.all().filter_map(exchange).collect()
    }

    /// What is known of a key whose records did not come until the deadline.
    fn notes(&self, slot: &Slot<R>, terms: &Terms, others: &Others) -> Vec<String> {
        let mut notes = self.gap_notes(terms.trigger, terms.deadline());
        let came_before = slot.came_before();
        if let Some(came) = came_before {
            let before = human(terms.expected_at.saturating_duration_since(came));
            let place = format!("{}:{}", terms.expected.file(), terms.expected.line());
            notes.push(match &self.buffer {
                None => format!(
                    "a record of this key came {before} before it was expected ({place}); expect it before the \
                     request goes out"
                ),
                Some(buffer) => format!(
                    "a record of this key came {before} before it was expected ({place}) and was evicted from the \
                     buffer, which keeps {} records for {}",
                    buffer.limits().records,
                    human(buffer.limits().age)
                ),
            });
        }
        let last = slot.seen(|last| {
            let exchange = self.described(last);
            (exchange.map(|exchange| exchange.summary()), self.clock().date(last.at))
        });
        if let Some((count, (state, at))) = last {
            let records = if count == 1 { "1 record".to_owned() } else { format!("{count} records") };
            let state = state.map_or_else(String::new, |state| format!(": {}", excerpt(&state)));
            notes.push(format!(
                "{records} of this key came and did not meet the condition, the last at {} UTC{state}",
                at.time_of_day()
            ));
        }
        if slot.records() == 0 && came_before.is_none() {
            notes.push(match others.records {
                0 => "the source received no record at all".to_owned(),
                1 => "the source received 1 record, of another key".to_owned(),
                records => format!("the source received {records} records, none of this key"),
            });
        }
        notes
    }

    fn gap_notes(&self, from: Instant, to: Instant) -> Vec<String> {
        let clock = self.clock();
        let gaps = self.gaps.lock().overlapping(clock.date(from), clock.date(to), clock);
        let note = |gap: &Gap| {
            let outcome = match (gap.to, gap.lossy) {
                (None, _) => "",
                (Some(_), true) => ", what came meanwhile may be lost",
                (Some(_), false) => ", what came meanwhile was read afterwards",
            };
            format!("the source could not read {}: {}{outcome}", gap.interval(), gap.cause)
        };
        let mut notes: Vec<String> = gaps.iter().take(NAMED_GAPS).map(note).collect();
        if gaps.len() > NAMED_GAPS {
            notes.push(format!("and {} times more while it was awaited", gaps.len() - NAMED_GAPS));
        }
        notes
    }

    /// Whether a gap that `explains` overlaps this time.
    pub(super) fn is_explained(&self, from: Instant, to: Instant, explains: fn(&Gap) -> bool) -> bool {
        let clock = self.clock();
        self.gaps.lock().any_overlapping(clock.date(from), clock.date(to), clock, explains)
    }

    /// What is known of other records than those of a key. No lock of a shard may be locked by the caller.
    fn others(&self) -> Others {
        let mut near = Vec::new();
        // Of several factories the records that none of its minions expected are mostly those of another one.
        let shards = if self.scenario.share.role == Role::Alone { &self.shards[..] } else { &[] };
        for shard in shards {
            near.extend(shard.lock().orphans.keys().take(COMPARED_KEYS).map(|key| format!("{key:?}")));
        }
        Others { near, records: self.totals().records() }
    }

    /// What no minion has expected until now, no minion ever will.
    pub(super) fn close_buffer(&self) {
        let Some(buffer) = &self.buffer else { return };
        for shard in &self.shards {
            let mut left = Vec::new();
            let mut shard = shard.lock();
            let Shard { keys, counts, .. } = &mut *shard;
            keys.retain(|(key, entry)| match entry {
                Entry::Buffered(records) => {
                    counts.orphans += records.len() as u64;
                    left.push((key.clone(), std::mem::take(records)));
                    false
                }
                Entry::Awaited(_) | Entry::Overdue(_) => true,
            });
            drop(shard);
            for (key, records) in left {
                buffer.release(records.len());
                records.iter().for_each(|kept| self.orphan(&key, &kept.received, None));
            }
        }
    }

    /// What is overdue now is missing for ever.
    pub(super) fn close_overdue(&self) {
        let others = self.others();
        let mut room = self.scenario.evidence.limit() as usize;
        for shard in &self.shards {
            for (key, entry) in &shard.lock().keys {
                let Entry::Overdue(overdue) = entry else { continue };
                let Overdue { awaiting, slot } = &**overdue;
                if awaiting.optional {
                    continue;
                }
                self.settle_missing(overdue);
                // What was sent at its deadline is sent again with all that is known now. Those may all have come
                // late since, so some more are kept here.
                let id = match (awaiting.evidence, room) {
                    (Some(id), _) => id,
                    (None, 0) => continue,
                    (None, _) => {
                        room -= 1;
                        awaiting.scenario.evidence.next_id()
                    }
                };
                let expected = self.expected(key, slot, awaiting.terms.limit);
                awaiting.keep(id, self.missing_fault(expected, slot, &awaiting.terms, &others), Vec::new());
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

/// Keeps a failure that concerns no minion, whatever else is kept: a source fails once.
pub fn source_evidence(scenario: &ScenarioContext, step: Option<u32>, fault: Fault) {
    let id = scenario.evidence.next_id();
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
