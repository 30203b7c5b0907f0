//! What a ledger should count, the simple way: lists and loops.

use super::Observed;
use crate::join::Limits;
use qalipsis_model::snapshot::JoinFigures;
use std::time::Duration;

/// An expectation as the model sees it. Times are in ms from the beginning.
#[derive(Debug, Clone)]
struct Expectation {
    key: u8,
    wanted: u32,
    /// A value that is at least this is awaited.
    until: Option<u32>,
    limit: u64,
    optional: bool,
    registered: u64,
    /// When the first step after it started, or in a buffered join the last before it.
    trigger: Option<u64>,
    /// The trigger once it is awaited.
    clock: Option<u64>,
    /// Records of the key, in order: when they came.
    records: u32,
    /// When those came that count.
    arrivals: Vec<u64>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Awaited,
    /// All that it wants is there.
    Complete,
    Overdue,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Matched,
    Settled,
    GivenUp,
}

/// The whole ledger.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) now: u64,
    limits: Option<Limits>,
    expectations: Vec<Expectation>,
    /// By key: the expectation that takes its records.
    current: Vec<(u8, usize)>,
    ended: Vec<(u8, End)>,
    /// Key, value and arrival, oldest first.
    buffer: Vec<(u8, u32, u64)>,
    orphaned: Vec<u8>,
    last_start: Option<u64>,
    pub(super) figures: JoinFigures,
}

impl Model {
    pub(super) fn new(limits: Option<Limits>) -> Self {
        Self { limits, ..Self::default() }
    }

    /// A step starts.
    pub(super) fn start(&mut self) {
        let now = self.now;
        self.last_start = Some(now);
        if self.limits.is_none() {
            self.expectations.iter_mut().for_each(|one| _ = one.trigger.get_or_insert(now));
        }
    }

    /// Gives the number of the expectation, or `None` when the key is awaited already.
    pub(super) fn expect(
        &mut self,
        key: u8,
        wanted: u32,
        until: Option<u32>,
        limit: u64,
        optional: bool,
    ) -> Option<usize> {
        let current = self.current(key);
        if current.is_some_and(|index| self.expectations[index].state == State::Awaited) {
            return None;
        }
        let index = self.expectations.len();
        self.expectations.push(Expectation {
            key,
            wanted,
            until,
            limit,
            optional,
            registered: self.now,
            trigger: if self.limits.is_some() { self.last_start } else { None },
            clock: None,
            records: 0,
            arrivals: Vec::new(),
            state: State::Awaited,
        });
        self.set_current(key, Some(index));
        self.figures.expected += 1;
        self.figures.before_expected += u64::from(self.orphaned.contains(&key));
        self.orphaned.retain(|own| *own != key);
        let (mine, others) = self.buffer.iter().partition(|(own, ..)| *own == key);
        self.buffer = others;
        let mine: Vec<(u8, u32, u64)> = mine;
        for (_, value, at) in mine {
            if self.is_stale(at) {
                self.evict(key);
            } else {
                self.route(key, value, at);
            }
        }
        Some(index)
    }

    pub(super) fn record(&mut self, key: u8, value: u32) {
        self.figures.records += 1;
        self.route(key, value, self.now);
        let Some(limits) = self.limits else { return };
        while self.buffer.len() > limits.records
            || self.buffer.first().is_some_and(|one| self.is_stale(one.2))
        {
            let (key, ..) = self.buffer.remove(0);
            self.evict(key);
        }
    }

    fn is_stale(&self, at: u64) -> bool {
        self.limits.is_some_and(|limits| Duration::from_millis(self.now - at) > limits.age)
    }

    fn evict(&mut self, key: u8) {
        self.figures.evicted += 1;
        self.figures.orphans += 1;
        self.orphaned.push(key);
    }

    fn route(&mut self, key: u8, value: u32, at: u64) {
        if let Some(index) = self.current(key) {
            let one = &mut self.expectations[index];
            one.records += 1;
            let overdue = one.state == State::Overdue;
            self.figures.taken += u64::from(overdue);
            if one.until.is_some_and(|least| value < least) {
                return;
            }
            one.arrivals.push(at);
            if one.arrivals.len() < one.wanted as usize {
                return;
            }
            one.state = if overdue { State::Ended } else { State::Complete };
            let (settles, optional) = (one.until.is_some(), one.optional);
            if overdue && !optional {
                self.figures.missing -= 1;
                self.figures.late += 1;
            }
            self.set_current(key, None);
            self.set_ended(key, if settles { End::Settled } else { End::Matched });
            return;
        }
        match self.ended.iter().find(|(own, _)| *own == key) {
            Some((_, End::Matched)) => self.figures.duplicates += 1,
            Some((_, End::Settled)) => self.figures.taken += 1,
            Some((_, End::GivenUp)) => self.figures.abandoned_records += 1,
            None if self.limits.is_some() => self.buffer.push((key, value, at)),
            None => {
                self.figures.orphans += 1;
                self.orphaned.push(key);
            }
        }
    }

    /// It is awaited in a step of its own.
    pub(super) fn poll(&mut self, index: usize) -> Option<Observed> {
        let own_start = self.expectations[index].trigger.is_none() && self.limits.is_none();
        self.start();
        let now = self.now;
        let one = &mut self.expectations[index];
        // The step that awaits is no trigger.
        let trigger = if own_start { one.registered } else { one.trigger.unwrap_or(one.registered) };
        let trigger = *one.clock.get_or_insert(trigger);
        let ns = |at: u64| at.saturating_sub(trigger) * 1_000_000;
        match one.state {
            State::Complete => {
                one.state = State::Ended;
                self.figures.taken += u64::from(one.records);
                let latency = ns(one.arrivals.last().copied().unwrap_or_default());
                if latency <= one.limit * 1_000_000 {
                    self.figures.matched += 1;
                    Some(Observed::Matched(latency))
                } else if one.optional {
                    self.figures.absent += 1;
                    Some(Observed::Absent)
                } else {
                    self.figures.late += 1;
                    Some(Observed::Late(latency))
                }
            }
            State::Awaited if now >= trigger + one.limit => {
                one.state = State::Overdue;
                self.figures.taken += u64::from(one.records);
                if one.optional {
                    self.figures.absent += 1;
                    Some(Observed::Absent)
                } else {
                    self.figures.missing += 1;
                    Some(Observed::Missing)
                }
            }
            State::Awaited => None,
            State::Overdue | State::Ended => panic!("it was awaited after its end"),
        }
    }

    pub(super) fn give_up(&mut self, index: usize) {
        let one = &mut self.expectations[index];
        let (key, state) = (one.key, one.state);
        match state {
            State::Overdue | State::Ended => return,
            State::Awaited | State::Complete => {}
        }
        one.state = State::Ended;
        self.figures.abandoned += 1;
        self.figures.abandoned_records += u64::from(one.records);
        if self.current(key) == Some(index) {
            self.set_current(key, None);
            self.set_ended(key, End::GivenUp);
        }
    }

    pub(super) fn close(&mut self) {
        self.figures.orphans += self.buffer.len() as i64;
        self.buffer.clear();
    }

    fn current(&self, key: u8) -> Option<usize> {
        self.current.iter().find(|(own, _)| *own == key).map(|(_, index)| *index)
    }

    fn set_current(&mut self, key: u8, index: Option<usize>) {
        self.current.retain(|(own, _)| *own != key);
        self.current.extend(index.map(|index| (key, index)));
    }

    fn set_ended(&mut self, key: u8, end: End) {
        self.ended.retain(|(own, _)| *own != key);
        self.ended.push((key, end));
    }
}
