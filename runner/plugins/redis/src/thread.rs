//! The thread of a source.
//!
//! One thread per source, with a runtime of its own, rather than a task on the runtime of all sources: the
//! arrival of a record is then noted when it arrives, not when other sources leave room, and an endless
//! flow of records cannot keep the others from stopping.

use qalipsis_core::fault::Fault;
use qalipsis_core::panics;
use qalipsis_core::source::Feed;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How long a source that has to end waits for its thread; it ends by itself in any case.
const END_LIMIT: Duration = Duration::from_millis(800);

/// Whether the source has to end. That is also so once it was dropped.
#[derive(Clone)]
pub(crate) struct Ending(watch::Receiver<bool>);

impl Ending {
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    pub(crate) async fn wait(&mut self) {
        let _ = self.0.wait_for(|ending| *ending).await;
    }

    /// What `work` gives, or `None` once the source has to end.
    pub(crate) async fn unless<F: Future>(&mut self, work: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.wait() => None,
            output = work => Some(output),
        }
    }
}

/// Runs `work` on a thread of its own until it ends, which it has to do once told.
pub(crate) async fn run<R, W, F>(feed: Feed<R>, work: W) -> Result<(), Fault>
where
    R: Send + 'static,
    W: FnOnce(Arc<Feed<R>>, Ending) -> F + Send + 'static,
    F: Future<Output = Result<(), Fault>>,
{
    let feed = Arc::new(feed);
    let (told, mut result) = oneshot::channel();
    let (end, ending) = watch::channel(false);
    let thread_feed = Arc::clone(&feed);
    let spawned = thread::Builder::new().name("redis-reader".to_owned()).spawn(move || {
        let read = panics::catch(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Fault::error(format!("no runtime to read with: {error}")))?;
            // Without the budget of a task, so that all that has come is handed over before more is read
            // from the connection: this is what limits the client's buffer.
            runtime.block_on(tokio::task::unconstrained(work(thread_feed, Ending(ending))))
        });
        let _ = told.send(read.unwrap_or_else(|panic| {
            let message = format!("panicked at {}: {}", panic.place, panic.message);
            Err(Fault::error(message).code("panic"))
        }));
    });
    spawned.map_err(|error| Fault::error(format!("no thread to read with: {error}")))?;

    tokio::select! {
        biased;
        read = &mut result => return read.unwrap_or_else(|_| Err(Fault::error("the reading thread is gone"))),
        () = feed.stopped() => {}
    }
    end.send_replace(true);
    match tokio::time::timeout(END_LIMIT, result).await {
        Ok(Ok(read)) => read,
        // It is in a decoder that takes its time, and ends after it.
        Ok(Err(_)) | Err(_) => Ok(()),
    }
}
