//! What became of the keys and records of one join, and when its source could not read.

use crate::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The gaps of one source that a report lists; further ones are counted.
pub const LISTED_GAPS: usize = 100;

/// An interval in which a source could not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// When reading ended.
    pub from: Timestamp,
    /// When it went on; `None` when it never did.
    pub to: Option<Timestamp>,
    /// Whether what came meanwhile may be lost for ever.
    pub lossy: bool,
    /// Why, in one clause without the name of the source.
    pub cause: String,
}

impl Gap {
    /// Whether it excuses a record that never came: reading never went on, or what came meanwhile may be lost.
    pub fn loses_records(&self) -> bool {
        self.lossy || self.to.is_none()
    }

    /// `12:00:03.120-12:00:05.004 UTC`, or `from 12:00:03.120 UTC until the end`.
    pub fn interval(&self) -> String {
        let from = self.from.time_of_day();
        match self.to {
            Some(to) => format!("{from}-{} UTC", to.time_of_day()),
            None => format!("from {from} UTC until the end"),
        }
    }

    /// `12:00:03.120-12:00:05.004 UTC: connection reset by peer`.
    pub fn text(&self) -> String {
        format!("{}: {}", self.interval(), self.cause)
    }
}

/// Passing events of one kind at a source, which are no gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How often.
    pub count: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// What the first one said.
    pub message: String,
}

impl Notice {
    /// The first one, at this time.
    pub fn first(at: Timestamp, message: String) -> Self {
        Self { count: 1, first: at, last: at, message }
    }

    fn merge(&mut self, other: &Self) {
        if other.first < self.first {
            self.first = other.first;
            self.message.clone_from(&other.message);
        }
        self.count += other.count;
        self.last = self.last.max(other.last);
    }
}

/// Figures of one join's source and ledger, beyond those of the steps that await it.
///
/// At the end of a campaign `expected` is `matched + late + missing + absent + abandoned`, and `records` is
/// `taken + duplicates + orphans + undecodable + abandoned_records`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinFigures {
    /// The source, as people know it: `kafka topic orders.fulfilled`.
    pub name: String,
    /// Steps that await it, by index.
    pub steps: Vec<u32>,
    /// Keys that were awaited.
    pub expected: u64,
    /// Keys whose records came in time and were taken by their minion.
    pub matched: u64,
    /// Keys whose records came after the deadline.
    pub late: u64,
    /// Keys whose deadline passed without their records. As a difference it is negative when some came late.
    pub missing: i64,
    /// Optional keys whose records did not come in time, which fails nothing.
    pub absent: u64,
    /// Keys that the scenario gave up before their outcome was known.
    pub abandoned: u64,
    /// Missing or late keys that a gap of the source explains.
    pub in_gap: u64,
    /// Records read, those that could not be decoded included.
    pub records: u64,
    /// Records that belong to a key that was matched, late, missing or absent.
    pub taken: u64,
    /// Records of keys that were given up.
    pub abandoned_records: u64,
    /// Bytes read, where the source reports them.
    pub bytes: u64,
    /// Further records of keys already matched.
    pub duplicates: u64,
    /// Records that no minion expected. As a difference it may be negative: of several factories that read the same
    /// records one reports them all, and the others take theirs off again.
    pub orphans: i64,
    /// Keys that were expected only after a record of them had come.
    pub before_expected: u64,
    /// Records that came in another order than theirs.
    pub out_of_order: u64,
    /// Of a buffered join: orphans that were evicted because the buffer was full or they were too old.
    pub evicted: u64,
    /// Records that could not be decoded.
    pub undecodable: u64,
    /// Keys forgotten because the ledger was full; later records of them count as orphans.
    pub forgotten: u64,
    /// When a record could first not be decoded.
    pub first_undecodable: Option<Timestamp>,
    /// When one last could not.
    pub last_undecodable: Option<Timestamp>,
    /// Records that the source has not read yet, last known.
    pub consumer_lag: Option<u64>,
    /// The largest consumer lag seen.
    pub consumer_lag_max: Option<u64>,
    /// When the source could not read: the first [`LISTED_GAPS`], and one that is still open.
    pub gaps: Vec<Gap>,
    /// How many gaps there were.
    pub gaps_total: u64,
    /// Passing events at the source, by code.
    pub notices: BTreeMap<String, Notice>,
    /// Why the source ended for good before the campaign did.
    pub failed: Option<String>,
}

impl JoinFigures {
    /// Adds all of `other`. A gap that is open is a state: it is replaced when it is reported again or closed.
    pub fn merge(&mut self, other: &Self) {
        if self.name.is_empty() {
            self.name.clone_from(&other.name);
        }
        for step in &other.steps {
            if !self.steps.contains(step) {
                self.steps.push(*step);
            }
        }
        self.expected += other.expected;
        self.matched += other.matched;
        self.late += other.late;
        self.missing += other.missing;
        self.absent += other.absent;
        self.abandoned += other.abandoned;
        self.in_gap += other.in_gap;
        self.records += other.records;
        self.taken += other.taken;
        self.abandoned_records += other.abandoned_records;
        self.bytes += other.bytes;
        self.duplicates += other.duplicates;
        self.orphans += other.orphans;
        self.before_expected += other.before_expected;
        self.out_of_order += other.out_of_order;
        self.evicted += other.evicted;
        self.undecodable += other.undecodable;
        self.forgotten += other.forgotten;
        self.first_undecodable = Timestamp::earliest(self.first_undecodable, other.first_undecodable);
        self.last_undecodable = self.last_undecodable.max(other.last_undecodable);
        self.consumer_lag = other.consumer_lag.or(self.consumer_lag);
        self.consumer_lag_max = self.consumer_lag_max.max(other.consumer_lag_max);
        for gap in &other.gaps {
            self.add_gap(gap);
        }
        self.gaps_total += other.gaps_total;
        for (code, notice) in &other.notices {
            match self.notices.entry(code.clone()) {
                Entry::Occupied(ours) => ours.into_mut().merge(notice),
                Entry::Vacant(place) => _ = place.insert(notice.clone()),
            }
        }
        if self.failed.is_none() {
            self.failed.clone_from(&other.failed);
        }
    }

    /// Notes a passing event.
    pub fn notice(&mut self, code: &str, at: Timestamp, message: String) {
        match self.notices.get_mut(code) {
            Some(notice) => {
                notice.count += 1;
                notice.last = notice.last.max(at);
            }
            None => _ = self.notices.insert(code.to_owned(), Notice::first(at, message)),
        }
    }

    /// Adds a gap, or what became of one that was open.
    pub fn add_gap(&mut self, gap: &Gap) {
        let same = |own: &Gap| own.to.is_none() && own.from == gap.from && own.cause == gap.cause;
        let place = self.gaps.iter().position(same);
        match place {
            // One that was listed beyond the limit only because it was open.
            Some(index) if index >= LISTED_GAPS && gap.to.is_some() => _ = self.gaps.remove(index),
            Some(index) => self.gaps[index].clone_from(gap),
            None if self.gaps.len() < LISTED_GAPS || gap.to.is_none() => self.gaps.push(gap.clone()),
            None => {}
        }
    }

    /// Keys whose outcome is known; at the end all that were expected.
    pub fn keys_of_known_outcome(&self) -> i128 {
        let counts = [self.matched, self.late, self.absent, self.abandoned];
        counts.into_iter().map(i128::from).sum::<i128>() + i128::from(self.missing)
    }

    /// Records whose outcome is known; at the end all that were read.
    pub fn records_of_known_outcome(&self) -> i128 {
        let counts = [self.taken, self.duplicates, self.undecodable, self.abandoned_records];
        counts.into_iter().map(i128::from).sum::<i128>() + i128::from(self.orphans)
    }

    /// Records that no minion expected, at least none: the difference of a second may be negative.
    pub fn orphan_records(&self) -> u64 {
        self.orphans.max(0).unsigned_abs()
    }

    /// What remains of these figures when another factory reports the reading of the source: what became of the
    /// own keys. Their records are orphans there, from the moment at which they are read.
    #[must_use]
    pub fn without_reading(self) -> Self {
        let read = |records: u64| i64::try_from(records).unwrap_or(i64::MAX);
        Self {
            records: 0,
            bytes: 0,
            orphans: self.orphans + read(self.undecodable) - read(self.records),
            evicted: 0,
            undecodable: 0,
            first_undecodable: None,
            last_undecodable: None,
            consumer_lag: None,
            ..self
        }
    }

    /// Missing keys, at least none: the difference of a second may be negative.
    pub fn missing_keys(&self) -> u64 {
        self.missing.max(0).unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(from: u64, to: Option<u64>) -> Gap {
        Gap { from: Timestamp(from), to: to.map(Timestamp), lossy: false, cause: "reset".into() }
    }

    #[test]
    fn an_open_gap_is_a_state_and_a_closed_one_travels_once() {
        let reported =
            |gaps: Vec<Gap>, total| JoinFigures { gaps, gaps_total: total, ..JoinFigures::default() };
        let mut merged = JoinFigures::default();
        merged.merge(&reported(vec![gap(1, None)], 1));
        merged.merge(&reported(vec![gap(1, None)], 0));
        merged.merge(&reported(vec![gap(1, Some(5)), gap(7, None)], 1));
        assert_eq!(merged.gaps, [gap(1, Some(5)), gap(7, None)]);
        assert_eq!(merged.gaps_total, 2);
    }

    #[test]
    fn gaps_beyond_the_limit_are_counted_and_an_open_one_is_listed_all_the_same() {
        let mut figures = JoinFigures::default();
        (0..150).for_each(|n| figures.add_gap(&gap(n * 10, Some(n * 10 + 1))));
        assert_eq!(figures.gaps.len(), LISTED_GAPS);
        figures.add_gap(&gap(5_000, None));
        assert_eq!(figures.gaps.last(), Some(&gap(5_000, None)));
        figures.add_gap(&gap(5_000, Some(6_000)));
        assert_eq!(figures.gaps.len(), LISTED_GAPS);
    }

    #[test]
    fn notices_are_counted_per_code_with_the_first_message() {
        let mut one = JoinFigures::default();
        one.notice("rebalance", Timestamp(5), "second".into());
        let mut other = JoinFigures::default();
        other.notice("rebalance", Timestamp(2), "first".into());
        other.notice("rebalance", Timestamp(9), "third".into());
        one.merge(&other);
        let expected = Notice { count: 3, first: Timestamp(2), last: Timestamp(9), message: "first".into() };
        assert_eq!(one.notices["rebalance"], expected);
    }
}
