//! Writes to a server in batches, again and again until it has taken them.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{sleep, timeout};

/// How long a server may take to let the shop in.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a server may take to write a batch before the connection counts as lost.
const WRITE_WITHIN: Duration = Duration::from_secs(15);
/// Pause before the next attempt at a server that is lost.
const RETRY_AFTER: Duration = Duration::from_millis(50);
/// Items that wait for a writer; beyond, whoever brings one waits.
const WAITING_MAX: usize = 1_024;

/// A kind of server that items are written to.
pub(crate) trait Target: Send + Sync + 'static {
    type Item: Send + Sync;
    type Connection: Send;

    /// Name of the server's product, which is also that of its flag.
    const NAME: &'static str;

    /// Where it is, without user and password.
    fn address(&self) -> &str;

    /// Items written together at most.
    fn batch_max(&self) -> usize;

    /// Brings the server into the state that the shop starts with; with `reset`, an empty one.
    fn prepare(&self, _reset: bool) -> impl Future<Output = anyhow::Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    fn connect(&self) -> impl Future<Output = anyhow::Result<Self::Connection>> + Send;

    /// Writes all items or none, except those that it marks as written before it fails.
    fn write(
        &self,
        connection: &mut Self::Connection,
        jobs: &mut [Job<Self::Item>],
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Why a batch was not written.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server is not there or not able: worth another attempt.
    Lost(anyhow::Error),
    /// The server will never take one of the items.
    Unwritable(anyhow::Error),
}

/// An item on its way.
#[derive(Debug)]
pub(crate) struct Job<T> {
    pub(crate) item: T,
    pub(crate) written: bool,
    done: oneshot::Sender<bool>,
}

/// The way to one server. Clones share it.
pub(crate) struct Sink<T> {
    waiting: mpsc::Sender<Job<T>>,
}

impl<T: Send + Sync + 'static> Sink<T> {
    /// Prepares the server and starts writers with a connection each, which end with the runtime.
    ///
    /// # Errors
    /// If the server cannot be reached or does not let the shop in; one line that names the server.
    pub(crate) async fn open<S: Target<Item = T>>(
        target: S,
        reset: bool,
        writers: usize,
    ) -> anyhow::Result<Self> {
        let refused = || {
            let (name, within) = (S::NAME, CONNECT_WITHIN.as_secs());
            format!("cannot use {name} at {} within {within} s; check --{name}", target.address())
        };
        within_limit(target.prepare(reset)).await.with_context(refused)?;
        let mut connections = Vec::new();
        for _ in 0..writers {
            connections.push(within_limit(target.connect()).await.with_context(refused)?);
        }
        let (waiting, jobs) = mpsc::channel(WAITING_MAX);
        let (target, jobs) = (Arc::new(target), Arc::new(Mutex::new(jobs)));
        let lost = Arc::new(AtomicBool::new(false));
        for connection in connections {
            let (target, jobs, lost) = (Arc::clone(&target), Arc::clone(&jobs), Arc::clone(&lost));
            tokio::spawn(Writer { target, jobs, lost, connection: Some(connection) }.run());
        }
        Ok(Self { waiting })
    }

    /// Done when the server has taken the item; false if it never will.
    pub(crate) async fn write(&self, item: T) -> bool {
        let (done, written) = oneshot::channel();
        let job = Job { item, written: false, done };
        self.waiting.send(job).await.is_ok() && written.await.unwrap_or(false)
    }
}

async fn within_limit<T>(opening: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match timeout(CONNECT_WITHIN, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(anyhow!("no answer")),
    }
}

struct Writer<S: Target> {
    target: Arc<S>,
    jobs: Arc<Mutex<mpsc::Receiver<Job<S::Item>>>>,
    /// Whether an outage was logged; shared by all writers, so that one outage is one line.
    lost: Arc<AtomicBool>,
    connection: Option<S::Connection>,
}

impl<S: Target> Writer<S> {
    async fn run(mut self) {
        let mut batch = Vec::new();
        // Nothing is received once the shop itself has gone.
        while self.jobs.lock().await.recv_many(&mut batch, self.target.batch_max()).await > 0 {
            if let Err(error) = self.persist(&mut batch).await {
                // Alone, so that only the item that the server refuses is given up.
                let alone = batch.len() == 1;
                for job in batch.drain(..) {
                    let mut job = vec![job];
                    let refused = if alone { None } else { self.persist(&mut job).await.err() };
                    if let (Some(job), Some(error)) =
                        (job.pop(), refused.as_ref().or(alone.then_some(&error)))
                    {
                        eprintln!("shop: {} refuses an order for ever: {error:#}", S::NAME);
                        let _ = job.done.send(false);
                    }
                }
            }
        }
    }

    /// Writes the batch, with as many attempts as it takes, and empties it. Fails only if the server will
    /// never take it; then it still holds what was not written.
    async fn persist(&mut self, batch: &mut Vec<Job<S::Item>>) -> anyhow::Result<()> {
        while !batch.is_empty() {
            let result = self.attempt(batch).await;
            for job in batch.extract_if(.., |job| result.is_ok() || job.written) {
                // Whoever brought it may have gone.
                let _ = job.done.send(true);
            }
            match result {
                Ok(()) => {
                    if self.lost.swap(false, Ordering::Relaxed) {
                        eprintln!("shop: {} at {} is back", S::NAME, self.target.address());
                    }
                }
                Err(Failure::Lost(error)) => {
                    if !self.lost.swap(true, Ordering::Relaxed) {
                        let address = self.target.address();
                        eprintln!("shop: lost {} at {address}, keeps trying: {error:#}", S::NAME);
                    }
                    self.connection = None;
                    sleep(RETRY_AFTER).await;
                }
                Err(Failure::Unwritable(error)) => return Err(error),
            }
        }
        Ok(())
    }

    async fn attempt(&mut self, batch: &mut [Job<S::Item>]) -> Result<(), Failure> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(within_limit(self.target.connect()).await.map_err(Failure::Lost)?),
        };
        match timeout(WRITE_WITHIN, self.target.write(connection, batch)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Lost(anyhow!("no answer within {} s", WRITE_WITHIN.as_secs()))),
        }
    }
}
