//! Intervals in which a source could not read, and passing events, until the next snapshot takes them.

use qalipsis_model::join::{Gap, JoinFigures};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_recorder::clock::Clock;
use tokio::time::Instant;

/// The closed gaps that a ledger remembers to explain keys; further ones are counted.
const REMEMBERED: usize = 10_000;

/// Whether what came while a source could not read is still going to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// It is: offsets, polls, a durable queue.
    Complete,
    /// It may be lost for ever: an exclusive queue, pub/sub, a topic that was deleted and made again.
    Lossy,
}

/// The intervals in which one source could not read.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    open: Option<Open>,
    closed: Vec<Gap>,
    /// Number of gaps in `closed` that were taken by a snapshot.
    drained: usize,
    /// Gaps that began since the last snapshot.
    began: u64,
}

#[derive(Debug)]
struct Open {
    from: Instant,
    cause: String,
    /// Whether nothing ever closes it.
    for_good: bool,
}

impl Gaps {
    /// Reading ended. While it is so already, start and first cause stay.
    pub(crate) fn interrupted(&mut self, from: Instant, cause: String) {
        match &mut self.open {
            Some(open) => open.from = open.from.min(from),
            None => {
                self.open = Some(Open { from, cause, for_good: false });
                self.began += 1;
            }
        }
    }

    /// Reading ended and never goes on.
    pub(crate) fn failed(&mut self, from: Instant, cause: String) {
        // What interrupted it before was the beginning of the end.
        self.interrupted(from, String::new());
        if let Some(open) = &mut self.open {
            open.cause = cause;
            open.for_good = true;
        }
    }

    /// Reading goes on. Without an open gap nothing changes.
    pub(crate) fn resumed(&mut self, to: Instant, recovery: Recovery, clock: Clock) {
        if self.open.as_ref().is_some_and(|open| !open.for_good)
            && let Some(open) = self.open.take()
        {
            self.close(open.from, to, recovery, open.cause, clock);
        }
    }

    /// An interval that is over already.
    pub(crate) fn add(
        &mut self,
        from: Instant,
        to: Instant,
        recovery: Recovery,
        cause: String,
        clock: Clock,
    ) {
        self.began += 1;
        self.close(from, to, recovery, cause, clock);
    }

    fn close(&mut self, from: Instant, to: Instant, recovery: Recovery, cause: String, clock: Clock) {
        if self.closed.len() < REMEMBERED {
            let (from, to) = (clock.date(from), Some(clock.date(to)));
            self.closed.push(Gap { from, to, lossy: recovery == Recovery::Lossy, cause });
        }
    }

    fn open_gap(&self, clock: Clock) -> Option<Gap> {
        let open = self.open.as_ref()?;
        Some(Gap { from: clock.date(open.from), to: None, lossy: true, cause: open.cause.clone() })
    }

    /// Whether the source cannot read now, and may again.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.for_good)
    }

    /// Whether one for which `explains` is true overlaps the time from `from` to `to`.
    pub(crate) fn any_overlapping(
        &self,
        from: Timestamp,
        to: Timestamp,
        clock: Clock,
        explains: fn(&Gap) -> bool,
    ) -> bool {
        let open = self.open_gap(clock);
        self.closed.iter().chain(open.as_ref()).any(|gap| overlaps(gap, from, to) && explains(gap))
    }

    /// Those that overlap the time from `from` to `to`, in order.
    pub(crate) fn overlapping(&self, from: Timestamp, to: Timestamp, clock: Clock) -> Vec<Gap> {
        let open = self.open_gap(clock);
        self.closed.iter().chain(open.as_ref()).filter(|gap| overlaps(gap, from, to)).cloned().collect()
    }

    /// Adds what is new since the last call, and what is open, to `figures`.
    pub(crate) fn drain(&mut self, clock: Clock, figures: &mut JoinFigures) {
        self.closed[self.drained..].iter().for_each(|gap| figures.add_gap(gap));
        self.drained = self.closed.len();
        if let Some(open) = self.open_gap(clock) {
            figures.add_gap(&open);
        }
        figures.gaps_total += std::mem::take(&mut self.began);
    }
}

fn overlaps(gap: &Gap, from: Timestamp, to: Timestamp) -> bool {
    gap.from <= to && gap.to.is_none_or(|end| end >= from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_second_interruption_keeps_the_beginning_and_the_first_cause() {
        let (clock, began) = (Clock::start(), Instant::now());
        let at = |ms| began + Duration::from_millis(ms);
        let mut gaps = Gaps::default();
        gaps.interrupted(at(10), "reset".into());
        gaps.interrupted(at(20), "refused".into());
        gaps.resumed(at(30), Recovery::Lossy, clock);
        gaps.resumed(at(40), Recovery::Complete, clock);
        let found = gaps.overlapping(clock.date(at(30)), clock.date(at(50)), clock);
        let expected = Gap {
            from: clock.date(at(10)),
            to: Some(clock.date(at(30))),
            lossy: true,
            cause: "reset".into(),
        };
        assert_eq!(found, [expected]);
        assert!(gaps.overlapping(clock.date(at(31)), clock.date(at(50)), clock).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_source_never_resumes() {
        let (clock, began) = (Clock::start(), Instant::now());
        let mut gaps = Gaps::default();
        gaps.interrupted(began, "reset".into());
        gaps.failed(began + Duration::from_millis(5), "access refused".into());
        gaps.resumed(began + Duration::from_millis(9), Recovery::Complete, clock);
        let mut figures = JoinFigures::default();
        gaps.drain(clock, &mut figures);
        let expected = Gap { from: clock.date(began), to: None, lossy: true, cause: "access refused".into() };
        assert_eq!((figures.gaps, figures.gaps_total), (vec![expected], 1));
    }
}
