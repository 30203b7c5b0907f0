//! A store in a database of PostgreSQL, which several heads may share.

mod session;
mod target;

pub use target::Target;

use crate::database::{After, Database, Job, QUEUE};
use crate::error::{StoreError, StoreProblem};
use crate::value::{Row, Statement};
use backon::{BackoffBuilder, ExponentialBuilder};
use futures::FutureExt;
use futures::future::BoxFuture;
use session::{Connector, Failure, Session};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Connections for reading that are kept for the next one.
const READERS: usize = 4;

/// How often a head shows that it lives.
const BEAT: Duration = Duration::from_secs(5);

/// The shortest and the longest wait between attempts to connect again.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A database of PostgreSQL that this process and others write.
///
/// One task owns the connection that writes. What is to be written waits in its queue while the server is away; readers
/// get an error at once.
#[derive(Debug)]
pub(crate) struct PostgresDatabase {
    place: String,
    head: String,
    jobs: Sender<Job>,
    connector: Arc<Connector>,
    readers: Mutex<Vec<Session>>,
}

impl PostgresDatabase {
    /// Connects, and brings the schema to the latest version. Campaigns of heads that died are ended.
    pub(crate) async fn open(target: &Target, head: &str, name: &str) -> Result<Self, StoreError> {
        let place = target.to_string();
        let connector = Arc::new(Connector::new(target, head, name)?);
        let opening = async {
            let mut session = connector.connect().await?;
            session.migrate(crate::schema::MIGRATIONS).await?;
            session.beat(&connector).await?;
            Ok(session)
        };
        let session = opening.await.map_err(|failure: Failure| failure.error)?;
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let writer = Writer { connector: Arc::clone(&connector), session: Some(session) };
        tokio::spawn(writer.run(waiting));
        Ok(Self { place, head: head.to_owned(), jobs, connector, readers: Mutex::default() })
    }

    async fn select(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, StoreError> {
        let free = || self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let kept = free().pop();
            let is_kept = kept.is_some();
            let mut session = match kept {
                Some(session) => session,
                None => self.connector.connect().await.map_err(|failure| failure.error)?,
            };
            match session.select(statements).await {
                Ok(rows) => {
                    let mut free = free();
                    if free.len() < READERS {
                        free.push(session);
                    }
                    return Ok(rows);
                }
                // The server may have gone and come back since it was last used.
                Err(failure) if failure.is_lost && is_kept => {}
                Err(failure) => return Err(failure.error),
            }
        }
    }
}

impl Database for PostgresDatabase {
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
        async move { self.select(&statements).await }.boxed()
    }

    fn place(&self) -> &str {
        &self.place
    }

    fn head(&self) -> &str {
        &self.head
    }
}

/// The task that writes.
struct Writer {
    connector: Arc<Connector>,
    session: Option<Session>,
}

/// How often a job may lose a connection that was there a moment ago.
const LOST_AT_MOST: u32 = 4;

impl Writer {
    async fn run(mut self, mut jobs: Receiver<Job>) {
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let job = tokio::select! {
                job = jobs.recv() => job,
                _ = beats.tick() => {
                    self.beat().await;
                    continue;
                }
            };
            let Some(Job { statements, answer, after }) = job else { return };
            if after == After::Close {
                jobs.close();
                answer.give(self.write(&[self.connector.leave()]).await);
                return;
            }
            answer.give(self.write(&statements).await);
        }
    }

    /// Executes statements in one transaction, again when the connection is lost: all of them give the same when they
    /// are executed twice. What loses each new connection as well must not keep all that comes after it.
    async fn write(&mut self, statements: &[Statement]) -> Result<u64, StoreError> {
        let mut lost = 0;
        loop {
            let session = match &mut self.session {
                Some(session) => session,
                None => {
                    let again = self.reconnect().await;
                    self.session.insert(again)
                }
            };
            match session.write(statements).await {
                Err(failure) if failure.is_lost && lost < LOST_AT_MOST => {
                    lost += 1;
                    self.session = None;
                }
                outcome => return outcome.map_err(|failure| failure.error),
            }
        }
    }

    /// Shows that this head lives, and ends campaigns of heads that do not. Without a connection it is done by the next
    /// one.
    async fn beat(&mut self) {
        if let Some(session) = &mut self.session
            && session.beat(&self.connector).await.is_err_and(|failure| failure.is_lost)
        {
            self.session = None;
        }
        if self.session.is_none() {
            self.session = self.connect_as_head().await.ok();
        }
    }

    async fn connect_as_head(&self) -> Result<Session, Failure> {
        let mut session = self.connector.connect().await?;
        session.beat(&self.connector).await?;
        Ok(session)
    }

    async fn reconnect(&self) -> Session {
        let waits = ExponentialBuilder::new()
            .with_min_delay(WAITS.0)
            .with_max_delay(WAITS.1)
            .with_jitter()
            .without_max_times()
            .build();
        let mut waits = waits.chain(std::iter::repeat(WAITS.1));
        loop {
            if let Ok(session) = self.connect_as_head().await {
                return session;
            }
            sleep(waits.next().unwrap_or(WAITS.1)).await;
        }
    }
}
