//! Records of a stream, for whoever asks first.

use super::{Data, Record, Supply};
use futures::{Stream, StreamExt as _};
use qalipsis_minion::fault::chain;
use qalipsis_minion::setup_error::SetupError;
use qalipsis_profile::segment::Segment;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::{Mutex, mpsc};
use tokio::task::AbortHandle;

/// How many records of a stream are read ahead.
const READ_AHEAD: usize = 1_000;

/// A stream that is being read.
pub(super) struct Live<T> {
    name: String,
    incoming: Mutex<Incoming<T>>,
    /// How many records it has given.
    count: AtomicU64,
    _reading: ReadingTask,
}

/// The task that reads a stream, which ends with this.
struct ReadingTask(AbortHandle);

impl Drop for ReadingTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Incoming<T> {
    /// The first item, which was waited for before the load.
    first: Option<Item<T>>,
    rest: mpsc::Receiver<Item<T>>,
    ended: bool,
}

enum Item<T> {
    Record(T),
    Bad(String),
    End,
}

impl<T: Send + Sync + 'static> Data<T> {
    /// The records of a stream as they come, each for the minion that asks first: for a stream without an end, or one that is to be
    /// read while the load runs. At most 1,000 of them are read ahead.
    ///
    /// Which minion gets which record depends on who is faster, and the stream cannot be read again: a replay of a
    /// iteration that takes one fails and says so. Use [`Records::from_stream`](super::Records::from_stream) for a stream
    /// that ends.
    ///
    /// Every factory reads the stream for itself, and takes of it its share of the load: all of them have to be given
    /// the same records in the same order. Then each is used once in the campaign.
    ///
    /// An item that is an error fails the iteration that asks for it, with its number; the stream is read on.
    ///
    /// # Errors
    /// When the stream ends before its first record, or begins with an error. It is waited for the first record.
    pub async fn from_stream<E>(
        name: impl Into<String>,
        stream: impl Stream<Item = Result<T, E>> + Send + 'static,
    ) -> Result<Self, SetupError>
    where
        E: Error + Send + Sync + 'static,
    {
        let name = name.into();
        let (sender, mut rest) = mpsc::channel(READ_AHEAD);
        let named = name.clone();
        let read = async move {
            let mut stream = std::pin::pin!(stream);
            let mut number = 0_u64;
            while let Some(item) = stream.next().await {
                number += 1;
                let item = match item {
                    Ok(record) => Item::Record(record),
                    Err(error) => Item::Bad(format!("{named}, record {number}: {}", chain(&error))),
                };
                if sender.send(item).await.is_err() {
                    return;
                }
            }
            // When this fails the receiver is gone, and nothing is left to notify.
            let _ = sender.send(Item::End).await;
        };
        let reading = ReadingTask(tokio::spawn(read).abort_handle());
        let first = match rest.recv().await {
            Some(first @ Item::Record(_)) => Some(first),
            Some(Item::Bad(problem)) => return Err(SetupError::new(problem)),
            Some(Item::End) => return Err(SetupError::new(format!("{name}: has no record"))),
            None => return Err(SetupError::new(panicked(&name))),
        };
        let incoming = Mutex::new(Incoming { first, rest, ended: false });
        let live = Live { name: name.clone(), incoming, count: AtomicU64::new(0), _reading: reading };
        Ok(Self::new(name, Supply::Live(live)))
    }
}

fn panicked(name: &str) -> String {
    format!("{name}: the stream panicked")
}

impl<T> Live<T> {
    /// The next record of this factory's share; `None` at the end.
    pub(super) async fn next(&self, share: Segment) -> Result<Option<Record<T>>, String> {
        let mut incoming = self.incoming.lock().await;
        loop {
            if incoming.ended {
                return Ok(None);
            }
            let item = match incoming.first.take() {
                Some(first) => Some(first),
                None => incoming.rest.recv().await,
            };
            match item {
                Some(Item::Record(record)) => {
                    let index = self.count.fetch_add(1, Relaxed);
                    if share.hosts((index % u64::from(share.of.max(1))) as u32) {
                        return Ok(Some(Record { page: Arc::new([record]), index: 0 }));
                    }
                }
                // It may be of another factory's share, which may have read it without an error.
                Some(Item::Bad(problem)) => {
                    self.count.fetch_add(1, Relaxed);
                    return Err(problem);
                }
                Some(Item::End) => incoming.ended = true,
                None => return Err(panicked(&self.name)),
            }
        }
    }

    /// How many records it has given so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }
}

impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("given", &self.count()).finish_non_exhaustive()
    }
}
