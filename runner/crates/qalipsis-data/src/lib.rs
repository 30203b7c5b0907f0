//! Records that minions work with, dealt so that a seed repeats them and no two factories overlap.

mod encoding;
mod file;
mod home;
mod layout;
mod live;
mod pages;
mod spool;

pub use file::{csv, json_lines};
pub use home::belong_to;

use live::Live;
use pages::Pages;
use qalipsis_minion::cursor::RecordCursor;
use qalipsis_minion::minion::{Minion, state_of};
use qalipsis_minion::setup_error::SetupError;
use qalipsis_minion::step::StepFailed;
use qalipsis_minion::steps::Steps;
use qalipsis_model::evidence::FailureKind;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Records of one origin, at least one.
#[derive(Debug, Clone)]
#[must_use = "choose how they are dealt, for example `.each_once()`"]
pub struct Records<T> {
    name: String,
    origin: Origin<T>,
    /// Of a file, to notice later that it was changed.
    digest: Option<u64>,
}

/// Where records are.
enum Origin<T> {
    Memory(Arc<[T]>),
    Pages(Arc<Pages<T>>),
}

impl<T> Clone for Origin<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Memory(records) => Self::Memory(Arc::clone(records)),
            Self::Pages(pages) => Self::Pages(Arc::clone(pages)),
        }
    }
}

impl<T> fmt::Debug for Origin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(records) => f.debug_tuple("Memory").field(&records.len()).finish(),
            Self::Pages(pages) => pages.fmt(f),
        }
    }
}

/// The records of any iterator: of a list, a generator. They are kept in memory. Reports show them as `name`.
///
/// # Errors
/// When there is none: a scenario without its data must not pass.
pub fn records<T>(
    name: impl Into<String>,
    records: impl IntoIterator<Item = T>,
) -> Result<Records<T>, SetupError> {
    Records::of(name.into(), Origin::Memory(records.into_iter().collect()))
}

/// One record, as a minion is given it.
pub struct Record<T> {
    /// It lies beside others, which are in memory as long as it is.
    page: Arc<[T]>,
    index: usize,
}

impl<T> Deref for Record<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.page[self.index]
    }
}

impl<T> Clone for Record<T> {
    fn clone(&self) -> Self {
        Self { page: Arc::clone(&self.page), index: self.index }
    }
}

impl<T: fmt::Debug> fmt::Debug for Record<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Origin<T> {
    fn count(&self) -> u64 {
        match self {
            Self::Memory(records) => records.len() as u64,
            Self::Pages(pages) => pages.count(),
        }
    }
}

impl<T: Send + Sync + 'static> Origin<T> {
    async fn record(&self, index: u64) -> Result<Option<Record<T>>, String> {
        let found = match self {
            Self::Memory(records) => {
                let index = usize::try_from(index).ok().filter(|index| *index < records.len());
                index.map(|index| (Arc::clone(records), index))
            }
            Self::Pages(pages) => pages.page(index).await?,
        };
        Ok(found.map(|(page, index)| Record { page, index }))
    }
}

impl<T> Records<T> {
    fn of(name: String, origin: Origin<T>) -> Result<Self, SetupError> {
        if origin.count() == 0 {
            return Err(SetupError::new(format!("{name}: has no record")));
        }
        Ok(Self { name, origin, digest: None })
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.origin.count()
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
        Data { digest: self.digest, ..Data::new(self.name, Supply::Dealt(self.origin, deal)) }
    }
}

/// What becomes of a minion for which no record is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AtEnd {
    /// Its iteration fails. This is the default, so that a run with too few records cannot pass.
    #[default]
    Fail,
    /// It ends, and its iteration is no failure.
    StopMinion,
    /// It waits until the campaign is stopped, at most as long as an iteration may take, and ends then; its iteration is no
    /// failure.
    Wait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deal {
    EachOnce,
    Broadcast,
    Cycle,
}

/// The number of the next [`Data`] of this process.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Records as they are dealt to minions; part of a scenario's world.
pub struct Data<T> {
    name: String,
    /// By which minions know what they took of it.
    id: usize,
    supply: Supply<T>,
    at_end: AtEnd,
    digest: Option<u64>,
}

/// How records come to minions.
enum Supply<T> {
    /// Each minion has its own, by its index and how many it took before.
    Dealt(Origin<T>, Deal),
    /// The next one belongs to whoever asks first.
    Live(Live<T>),
}

impl<T> fmt::Debug for Data<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, id: _, supply, at_end, digest: _ } = self;
        let mut debug = f.debug_struct("Data");
        debug.field("name", name);
        match supply {
            Supply::Dealt(origin, deal) => debug.field("origin", origin).field("deal", deal),
            Supply::Live(live) => debug.field("live", live),
        };
        debug.field("at_end", at_end).finish()
    }
}

impl<T> Data<T> {
    fn new(name: String, supply: Supply<T>) -> Self {
        Self { name, id: NEXT.fetch_add(1, Relaxed), supply, at_end: AtEnd::Fail, digest: None }
    }
}

impl<T: Send + Sync + 'static> Data<T> {
    /// What becomes of a minion for which no record is left. Default: its iteration fails.
    #[must_use]
    pub fn at_end(mut self, policy: AtEnd) -> Self {
        self.at_end = policy;
        self
    }

    /// The next record of this minion.
    ///
    /// It depends on nothing but the minion and the number of records that it took before, so that a replay gives a
    /// iteration the same ones. It cannot when iterations take different numbers of records, unless it is a minion's first
    /// iteration or a failure of it was kept; nor of a stream, see [`from_stream`](Self::from_stream). It says so then.
    ///
    /// # Errors
    /// [`StepFailed`] when none is left: `?` ends the iteration, as the policy says. When a record cannot be read,
    /// the iteration fails.
    pub async fn next<S: Steps>(&self, minion: &Minion<S>) -> Result<Record<T>, StepFailed> {
        let state = state_of(minion);
        let found = match &self.supply {
            Supply::Dealt(origin, deal) => {
                let cursor = state.extension(self.id, || RecordCursor::new(&self.name, self.digest, state));
                match cursor.turn(state) {
                    Ok(turn) => match deal.index(state.index(), state.minions(), turn, origin.count()) {
                        Some(index) => origin.record(index).await,
                        None => Ok(None),
                    },
                    Err(problem) => Err(problem),
                }
            }
            Supply::Live(_) if state.scenario().replay.is_some() => {
                let minion = state.index();
                Err(format!(
                    "{}: a stream gives each record to the minion that asks first, so that a replay cannot give minion {minion} those that it had",
                    self.name
                ))
            }
            Supply::Live(live) => tokio::select! {
                found = live.next(state.scenario().share.segment) => found,
                () = state.stopped() => {
                    state.end();
                    return Err(state.failed("data", FailureKind::Error));
                }
            },
        };
        match (found, self.at_end) {
            (Ok(Some(record)), _) => return Ok(record),
            (Err(problem), _) => state.fail_iteration(FailureKind::Error, problem),
            (Ok(None), AtEnd::Fail) => {
                let count = match &self.supply {
                    Supply::Dealt(origin, _) => origin.count(),
                    Supply::Live(live) => live.count(),
                };
                let message = format!("{}: no record is left for this minion, there are {count}", self.name);
                state.fail_iteration(FailureKind::Error, message);
            }
            (Ok(None), AtEnd::StopMinion) => state.end(),
            (Ok(None), AtEnd::Wait) => {
                // First, so that the limit of the iteration ends it without a failure as well.
                state.end();
                state.stopped().await;
            }
        }
        Err(state.failed("data", FailureKind::Error))
    }
}

impl Deal {
    /// The index, among so many, of the record that a minion is dealt in its turn.
    fn index(self, minion: u32, minions: u32, turn: u64, count: u64) -> Option<u64> {
        let dealt = u64::from(minion).checked_add(turn.checked_mul(u64::from(minions.max(1)))?)?;
        Some(match self {
            Self::EachOnce => dealt,
            Self::Cycle => dealt % count,
            Self::Broadcast => turn,
        })
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
        let turns = (0..5).flat_map(|turn| (0..3).map(move |minion| (minion, turn)));
        let dealt: Vec<Option<u64>> =
            turns.map(|(minion, turn)| Deal::EachOnce.index(minion, 3, turn, 10)).collect();
        assert_eq!(dealt, Vec::from_iter((0..15).map(Some)));
    }
}
