//! Records that minions work with, dealt so that a seed repeats them and no two factories overlap.

mod file;

pub use file::{csv, json_lines};

use crate::minion::Minion;
use crate::setup::SetupError;
use crate::step::StepFailed;
use crate::steps::Steps;
use qalipsis_model::evidence::FailureKind;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Records of one origin, at least one.
#[derive(Debug, Clone)]
#[must_use = "choose how they are dealt, for example `.each_once()`"]
pub struct Records<T> {
    name: String,
    records: Vec<T>,
}

/// The records of any iterator: of a list, a generator, the rows of a query. `name` tells them in reports.
///
/// # Errors
/// When there is none: a scenario without its data must not pass.
pub fn records<T>(
    name: impl Into<String>,
    records: impl IntoIterator<Item = T>,
) -> Result<Records<T>, SetupError> {
    let (name, records) = (name.into(), Vec::from_iter(records));
    if records.is_empty() {
        return Err(SetupError::new(format!("{name}: has no record")));
    }
    Ok(Records { name, records })
}

impl<T> Records<T> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// Every record goes to one minion once, over all factories: minion `i` of `n` gets the records `i`,
    /// `i + n`, `i + 2n` and so on, whoever is faster.
    pub fn each_once(self) -> Data<T> {
        self.deal(Deal::EachOnce)
    }

    /// Every minion gets every record once, in their order.
    pub fn broadcast(self) -> Data<T> {
        self.deal(Deal::Broadcast)
    }

    /// Like [`each_once`](Self::each_once), and from the beginning again when they are at their end.
    pub fn cycle(self) -> Data<T> {
        self.deal(Deal::Cycle)
    }

    fn deal(self, deal: Deal) -> Data<T> {
        Data { name: self.name, records: self.records.into(), deal, at_end: AtEnd::Fail }
    }
}

/// What becomes of a minion for which no record is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AtEnd {
    /// Its pass fails. This is the default, so that a run with too few records cannot pass.
    #[default]
    Fail,
    /// It ends, and its pass is no failure.
    StopMinion,
    /// It waits until the campaign is stopped, at most as long as a pass may take, and ends then; its pass is no
    /// failure.
    Wait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deal {
    EachOnce,
    Broadcast,
    Cycle,
}

/// Records as they are dealt to minions; part of a scenario's world.
pub struct Data<T> {
    name: String,
    records: Arc<[T]>,
    deal: Deal,
    at_end: AtEnd,
}

impl<T> fmt::Debug for Data<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, records, deal, at_end } = self;
        f.debug_struct("Data")
            .field("name", name)
            .field("records", &records.len())
            .field("deal", deal)
            .field("at_end", at_end)
            .finish()
    }
}

/// The records that a minion took from one `Data`, over its passes.
struct Taken(AtomicU64);

impl<T: Send + Sync> Data<T> {
    /// What becomes of a minion for which no record is left. Default: its pass fails.
    #[must_use]
    pub fn at_end(mut self, policy: AtEnd) -> Self {
        self.at_end = policy;
        self
    }

    /// The next record of this minion.
    ///
    /// It depends on nothing but the minion and the number of records that it took before, so that a replay of
    /// a pass that takes one works with the same one.
    ///
    /// # Errors
    /// [`StepFailed`] when none is left: `?` ends the pass, as the policy says.
    pub async fn next<S: Steps>(&self, minion: &Minion<S>) -> Result<&T, StepFailed> {
        let state = minion.state();
        let owner = self.records.as_ptr().addr();
        let taken = state.extension(owner, || Taken(AtomicU64::new(state.first_iteration())));
        let turn = taken.0.fetch_add(1, Relaxed);
        if let Some(record) =
            self.index(state.index(), state.minions(), turn).and_then(|i| self.records.get(i))
        {
            return Ok(record);
        }
        match self.at_end {
            AtEnd::Fail => {
                let count = self.records.len();
                let message = format!("{}: no record is left for this minion, there are {count}", self.name);
                state.fail_pass(FailureKind::Error, message);
            }
            AtEnd::StopMinion => state.end(),
            AtEnd::Wait => {
                // First, so that the limit of the pass ends it without a failure as well.
                state.end();
                state.stopped().await;
            }
        }
        Err(StepFailed { step: "data", kind: FailureKind::Error })
    }

    fn index(&self, minion: u32, minions: u32, turn: u64) -> Option<usize> {
        let dealt = u64::from(minion).checked_add(turn.checked_mul(u64::from(minions.max(1)))?)?;
        let index = match self.deal {
            Deal::EachOnce => dealt,
            Deal::Cycle => dealt % self.records.len() as u64,
            Deal::Broadcast => turn,
        };
        usize::try_from(index).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_records_are_an_error_that_names_them() {
        let error = records::<u8>("accounts", []).unwrap_err();
        assert_eq!(error.to_string(), "accounts: has no record");
    }

    #[test]
    fn each_record_is_dealt_once() {
        let data = records("numbers", 0..10).unwrap().each_once();
        let turns = (0..5).flat_map(|turn| (0..3).map(move |minion| (minion, turn)));
        let dealt: Vec<Option<usize>> = turns.map(|(minion, turn)| data.index(minion, 3, turn)).collect();
        assert_eq!(dealt, Vec::from_iter((0..15).map(Some)));
    }
}
