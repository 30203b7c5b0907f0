//! What a database does for the store: it writes what was queued, in order, and reads beside it.

use crate::error::StoreError;
use crate::value::{Row, Statement};
use futures::future::BoxFuture;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Writes that may wait while the database is slow or away: over an hour of one campaign.
pub(crate) const QUEUE: usize = 4_096;

/// A database that statements of the store can be sent to.
pub(crate) trait Database: Send + Sync + fmt::Debug {
    /// Queues statements, without waiting.
    ///
    /// # Errors
    /// When the queue is full, or the database was closed; then nobody but the caller learns of it.
    fn submit(&self, job: Job) -> Result<(), (StoreError, Job)>;

    /// The answers of all these statements, of one instant.
    fn read(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Vec<Row>>, StoreError>>;

    /// The file, or the database and its server without the password.
    fn place(&self) -> &str;

    /// The id of this process in the table of heads.
    fn head(&self) -> &str;
}

/// Statements that are executed in one transaction.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) statements: Vec<Statement>,
    pub(crate) answer: Answer,
    pub(crate) after: After,
}

/// What is done once the statements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing.
    Nothing,
    /// What was written is forced to the disk, and freed space is given back.
    Settle,
    /// The database is closed: it takes nothing more.
    Close,
}

/// Who learns how statements went.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Somebody waits for the number of rows that the last of them changed.
    Reply(oneshot::Sender<Result<u64, StoreError>>),
    /// Nobody waits; what fails is counted.
    Count(Arc<Losses>),
}

impl Answer {
    pub(crate) fn give(self, outcome: Result<u64, StoreError>) {
        match self {
            // Whoever gave up waiting does not need it.
            Self::Reply(reply) => drop(reply.send(outcome)),
            Self::Count(losses) => {
                if let Err(error) = outcome {
                    losses.add(error);
                }
            }
        }
    }
}

/// What was not stored of a campaign.
#[derive(Debug, Default)]
pub(crate) struct Losses(Mutex<Lost>);

/// What was not stored of a campaign, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost {
    /// How many writes were lost: seconds of figures, markers, changes of its state.
    pub writes: u64,
    /// Why the last of them was.
    pub last: Option<StoreError>,
}

impl Losses {
    pub(crate) fn add(&self, error: StoreError) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lost.writes += 1;
        lost.last = Some(error);
    }

    pub(crate) fn get(&self) -> Lost {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
