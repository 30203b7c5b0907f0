//! A store in a file of SQLite.

mod connection;
mod lock;

use crate::campaign;
use crate::database::{After, Database, Job, QUEUE};
use crate::error::{StoreError, StoreProblem};
use crate::value::{Row, Statement};
use connection::{exhaust, failed, open_reader, open_writer, select, write};
use futures::FutureExt;
use futures::future::BoxFuture;
use lock::Lock;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::spawn_blocking;

/// Connections for reading that are kept for the next one.
const READERS: usize = 4;

/// A file of SQLite that this process alone writes.
///
/// One thread owns the connection that writes. Readers have connections of their own, see what was committed when they
/// began, and keep nobody waiting.
#[derive(Debug)]
pub(crate) struct SqliteDatabase {
    place: String,
    head: String,
    jobs: Sender<Job>,
    readers: Arc<Readers>,
}

#[derive(Debug)]
struct Readers {
    file: PathBuf,
    free: Mutex<Vec<Connection>>,
}

impl SqliteDatabase {
    /// Opens the file, and creates it and its folder when there is none. Campaigns that a process before this one left
    /// open are ended.
    pub(crate) async fn open(file: &Path, head: &str, name: &str) -> Result<Self, StoreError> {
        let file = std::path::absolute(file)
            .map_err(|error| StoreError::of_file(file, StoreProblem::Location(error.to_string())))?;
        let place = file.display().to_string();
        let heads = [
            Statement::new("DELETE FROM heads", []),
            Statement::new(
                "INSERT INTO heads (id, name, beat_ns) VALUES ($1, $2, 0)",
                [head.into(), name.into()],
            ),
            campaign::abort_those_of_lost_heads(),
        ];
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let readers = Arc::new(Readers { file: file.clone(), free: Mutex::default() });
        let opening = spawn_blocking(move || {
            let lock = Lock::take(&file)?;
            let mut connection = open_writer(&file)?;
            // The lock proves that every other head of this file is dead.
            write(&mut connection, &heads).map_err(|error| failed(&file, &error))?;
            let writer = Writer { file: file.clone(), connection, _lock: lock };
            thread::Builder::new()
                .name("store".to_owned())
                .spawn(move || writer.run(waiting))
                .map_err(|error| StoreError::of_file(&file, StoreProblem::Database(error.to_string())))
        });
        joined(opening.await, &place)??;
        Ok(Self { place, head: head.to_owned(), jobs, readers })
    }
}

/// What a thread of the runtime gave.
fn joined<T>(outcome: Result<T, tokio::task::JoinError>, place: &str) -> Result<T, StoreError> {
    outcome.map_err(|error| StoreError::new(place, StoreProblem::Database(error.to_string())))
}

impl Database for SqliteDatabase {
    fn submit(&self, job: Job) -> Result<(), (StoreError, Job)> {
        self.jobs.try_send(job).map_err(|error| {
            let (problem, job) = match error {
                TrySendError::Full(job) => (StoreProblem::Overrun, job),
                TrySendError::Closed(job) => (StoreProblem::Closed, job),
            };
            (StoreError::new(&self.place, problem), job)
        })
    }

    fn read(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Vec<Row>>, StoreError>> {
        let readers = Arc::clone(&self.readers);
        let reading = spawn_blocking(move || readers.read(&statements));
        async { joined(reading.await, &self.place)? }.boxed()
    }

    fn place(&self) -> &str {
        &self.place
    }

    fn head(&self) -> &str {
        &self.head
    }
}

impl Readers {
    fn read(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, StoreError> {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = free().pop();
        let mut connection = kept.map_or_else(|| open_reader(&self.file), Ok)?;
        // A connection that failed is not used again.
        let rows = select(&mut connection, statements).map_err(|error| failed(&self.file, &error))?;
        let mut free = free();
        if free.len() < READERS {
            free.push(connection);
        }
        Ok(rows)
    }
}

/// The thread that writes.
struct Writer {
    file: PathBuf,
    connection: Connection,
    // Released after the connection is closed.
    _lock: Lock,
}

impl Writer {
    fn run(mut self, mut jobs: Receiver<Job>) {
        while let Some(Job { statements, answer, after }) = jobs.blocking_recv() {
            // A checkpoint alone does not sync while somebody reads.
            let is_synced = after == After::Settle && self.synchronous("FULL");
            let outcome =
                write(&mut self.connection, &statements).map_err(|error| failed(&self.file, &error));
            if is_synced {
                self.synchronous("NORMAL");
            }
            match after {
                After::Nothing => {}
                After::Settle => self.settle(),
                After::Close => {
                    jobs.close();
                    drop(self);
                    answer.give(outcome);
                    return;
                }
            }
            answer.give(outcome);
        }
    }

    /// Whether commits are forced to the disk from now on, or with the next checkpoint; whether that could be set.
    fn synchronous(&self, how: &str) -> bool {
        self.connection.pragma_update(None, "synchronous", how).is_ok()
    }

    /// A failure is no loss: what was committed is in the file, and the next commit tries again.
    fn settle(&self) {
        // The first gives back one page with each of its rows.
        for pragma in ["PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(PASSIVE)"] {
            let _ = exhaust(&self.connection, pragma);
        }
    }
}
