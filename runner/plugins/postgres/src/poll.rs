//! What to poll, and how.

use crate::client::Postgres;
use crate::reader;
use crate::text::quote;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::source::{Feed, Source};
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// The longest overlap, which is all there is: the server cannot count much further.
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 100);

/// A statement whose result is read again and again: say what its rows are by [`rows`](Self::rows).
#[derive(Debug, Clone)]
#[must_use = "say what the rows are: `.rows::<T>()`"]
pub struct Poll {
    pub(crate) postgres: Postgres,
    pub(crate) statement: String,
    pub(crate) keys: Vec<String>,
    pub(crate) every: Duration,
    pub(crate) overlap: Duration,
    pub(crate) page: usize,
    pub(crate) from_start: bool,
    pub(crate) changes: bool,
    pub(crate) name: Option<String>,
}

impl Poll {
    pub(crate) fn new(postgres: &Postgres, statement: String) -> Self {
        Self {
            postgres: postgres.clone(),
            statement,
            keys: Vec::new(),
            every: Duration::from_millis(100),
            overlap: Duration::from_secs(2),
            page: 1_000,
            from_start: false,
            changes: false,
            name: None,
        }
    }

    /// The columns of the result by which it is read, exactly as they are called there: first one that
    /// grows, last one that makes them unique. Required.
    ///
    /// Each combination of values comes once. A row that is changed comes again if its first column is, as
    /// an `updated_at` is. Rows with a null in one of these columns are not read.
    pub fn after<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.keys = columns.into_iter().map(Into::into).collect();
        self
    }

    /// The pause between two polls. Default: 100 ms.
    pub fn every(mut self, period: Duration) -> Self {
        self.every = period;
        self
    }

    /// How far back what was read already is read again, for rows that were committed late. It has to be
    /// longer than any transaction that writes such rows. Default: 2 s.
    ///
    /// If the first column is a `timestamp` or `timestamptz`, it counts from the greatest value read (for
    /// `timestamptz` at most from the server's clock). Otherwise the reading starts at the greatest value of
    /// so long ago, which does for anything that is given out in growing order, such as a `bigserial`.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.overlap = overlap.min(LONGEST);
        self
    }

    /// How many rows are read by one statement. Default: 1,000.
    pub fn page(mut self, rows: usize) -> Self {
        self.page = rows.max(1);
        self
    }

    /// Starts with what is there already. Default: with what is committed once the source is ready.
    pub fn from_start(mut self) -> Self {
        self.from_start = true;
        self
    }

    /// Reads the whole result at each poll, and hands over each row that is new or looks different than at the
    /// poll before: for tables without a column that a change moves on, to await a state by `until`. The columns
    /// of [`after`](Self::after) only have to be unique then. A `where` keeps the result small; the statement
    /// must not filter by the state that is awaited, or what comes before it is not seen.
    ///
    /// A state that a row had between two polls only is not seen. Default: only what is after the last row.
    pub fn changes(mut self) -> Self {
        self.changes = true;
        self
    }

    /// What the source is called in reports, instead of by its whole statement: `.named("settled payments")`.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Rows are such values; columns are their fields.
    pub fn rows<T: DeserializeOwned + Send + 'static>(self) -> PollRows<T> {
        PollRows { poll: self, row: PhantomData }
    }
}

/// A source of rows, to be joined: `setup.join(rows, |row| row.id)`.
#[must_use = "a source is read once it is joined: `setup.join(source, |row| key)`"]
pub struct PollRows<T> {
    pub(crate) poll: Poll,
    row: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for PollRows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.poll.fmt(f)
    }
}

impl<T: DeserializeOwned + Send + 'static> Source for PollRows<T> {
    type Record = T;

    fn name(&self) -> String {
        let target = &self.poll.postgres.0.target;
        // A latency is not finer than that.
        let period = human(self.poll.every);
        match &self.poll.name {
            Some(name) => format!("{name}, polled every {period} at {target}"),
            None => format!("rows of {}, polled every {period} at {target}", quote(&self.poll.statement)),
        }
    }

    async fn run(self, feed: Feed<T>) -> Result<(), Fault> {
        reader::run(self.poll, feed).await
    }
}
