//! The thread of a source.
//!
//! One thread per source rather than a task on the runtime of all sources: the arrival of a record is then noted when
//! it arrives, not when other sources leave room, blocking calls of a client block no other source, and an endless flow
//! of records cannot keep the others from stopping.

use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::panics;
use qalipsis_core::source::Feed;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::thread;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

/// How long a source that has to end waits for its thread; the thread ends by itself in any case.
const END_LIMIT: Duration = Duration::from_millis(800);

/// Whether a source has to end: its campaign asks for it, the source was dropped, or its thread has ended.
#[derive(Clone, Default)]
pub struct Ending(Arc<Signal>);

#[derive(Default)]
struct Signal {
    is_set: AtomicBool,
    waiting: Notify,
}

impl Ending {
    /// Whether the source has to end now. Cheap enough to be asked for each record.
    pub fn is_set(&self) -> bool {
        self.0.is_set.load(Acquire)
    }

    /// Returns when the source has to end.
    pub async fn wait(&self) {
        let mut noticed = std::pin::pin!(self.0.waiting.notified());
        // First in the queue of those who wait, then the look: what is set in between is not missed.
        noticed.as_mut().enable();
        if !self.is_set() {
            noticed.await;
        }
    }

    /// What `work` gives, or `None` once the source has to end.
    pub async fn unless<F: Future>(&self, work: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.wait() => None,
            output = work => Some(output),
        }
    }

    fn set(&self) {
        self.0.is_set.store(true, Release);
        self.0.waiting.notify_waiters();
    }
}

impl std::fmt::Debug for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ending").field(&self.is_set()).finish()
    }
}

/// Sets the ending when it is dropped.
struct EndsWhenDropped(Ending);

impl Drop for EndsWhenDropped {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Runs `read` on a thread of this name until it returns, which it must do soon after its [`Ending`] is set.
///
/// What `read` returns beside its result is dropped on the thread after the result is known; a source that has to end
/// waits for that too, as far as its time allows.
///
/// # Errors
/// What `read` returns, a panic in it, no thread to run it on, or a source that was ready and whose `read` has not
/// returned some time after it had to end.
pub async fn run<R, K, W>(name: &str, feed: Feed<R>, read: W) -> Result<(), Fault>
where
    R: Send + 'static,
    W: FnOnce(&Arc<Feed<R>>, &Ending) -> (Result<(), Fault>, K) + Send + 'static,
{
    let feed = Arc::new(feed);
    let end = EndsWhenDropped(Ending::default());
    let (done, mut result) = oneshot::channel();
    let (closed, closing) = oneshot::channel::<()>();
    let (thread_feed, thread_end) = (Arc::clone(&feed), EndsWhenDropped(end.0.clone()));
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let read = panics::catch(|| read(&thread_feed, &thread_end.0));
        drop((thread_feed, thread_end));
        let (read, rest) = match read {
            Ok((read, rest)) => (read, Some(rest)),
            Err(panic) => {
                let message = format!("panicked at {}: {}", panic.place, panic.message);
                (Err(Fault::error(message).code("panic")), None)
            }
        };
        // Nobody waits any more when the source was dropped.
        let _ = done.send(read);
        drop(rest);
        drop(closed);
    });
    spawned.map_err(|error| Fault::error(format!("no thread to read with: {error}")))?;

    let ended = |read: Result<_, _>| read.unwrap_or_else(|_| Err(Fault::error("the reading thread is gone")));
    tokio::select! {
        biased;
        read = &mut result => return ended(read),
        () = feed.stopped() => {}
    }
    drop(end);
    let deadline = Instant::now() + END_LIMIT;
    match timeout_at(deadline, result).await {
        Ok(read) => {
            // An error is the end of the thread: nothing is ever sent. What takes longer goes on by itself.
            let _ = timeout_at(deadline, closing).await;
            ended(read)
        }
        // Nobody has relied on what was never ready.
        Err(_) if !feed.is_ready() => Ok(()),
        Err(_) => {
            let limit = human(END_LIMIT);
            let stuck = format!("was still decoding, or waiting for an answer, {limit} after it had to end");
            Err(Fault::error(stuck).code("stuck"))
        }
    }
}

/// The same for `read` that is asynchronous, on a runtime of its own.
///
/// # Errors
/// As [`run`], or no runtime to read with.
pub async fn run_async<R, F, W>(name: &str, feed: Feed<R>, read: W) -> Result<(), Fault>
where
    R: Send + 'static,
    W: FnOnce(Arc<Feed<R>>, Ending) -> F + Send + 'static,
    F: Future<Output = Result<(), Fault>>,
{
    let read = move |feed: &Arc<Feed<R>>, ending: &Ending| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let read = match runtime {
            Ok(runtime) => {
                let read = runtime.block_on(read(Arc::clone(feed), ending.clone()));
                // Dropped, it would wait for blocking calls, such as the look-up of a name.
                runtime.shutdown_background();
                read
            }
            Err(error) => Err(Fault::error(format!("no runtime to read with: {error}"))),
        };
        (read, ())
    };
    run(name, feed, read).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn work_goes_on_until_the_source_has_to_end() {
        let ending = Ending::default();
        assert_eq!(ending.unless(async { 1 }).await, Some(1));
        let (waiting, guard) = (ending.clone(), EndsWhenDropped(ending.clone()));
        let waiting = tokio::spawn(async move { waiting.unless(pending::<()>()).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished() && !ending.is_set());
        drop(guard);
        assert_eq!(waiting.await.unwrap(), None);
        // Also for those who begin to wait later.
        assert!(ending.is_set());
        assert_eq!(ending.unless(async { 1 }).await, None);
    }
}
