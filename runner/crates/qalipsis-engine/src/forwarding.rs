//! The way of events from the workers to the head.

use crate::event::Event as FactoryEvent;
use qalipsis_cluster::BATCH;
use qalipsis_minion::state::Worker;
use qalipsis_recorder::evidence::EvidenceKeeper;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the buffers of the workers are emptied.
pub(crate) const PERIOD: Duration = Duration::from_millis(100);
/// Messages that may wait for the head before events stay where they are, and are dropped there when it is too
/// long. Figures and failures need the rest of the way.
const WAITING: usize = 64;

/// The buffers of all workers.
pub(crate) struct EventForwarder {
    workers: Vec<Arc<Worker>>,
}

impl EventForwarder {
    /// Of those workers that collect events.
    pub(crate) fn of(workers: impl Iterator<Item = Arc<Worker>>) -> Self {
        Self { workers: workers.filter(|worker| worker.events.is_some()).collect() }
    }

    /// Sends what waits, unless too much waits for the head already.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub(crate) async fn send(
        &self,
        head: &mpsc::Sender<FactoryEvent>,
    ) -> Result<(), mpsc::error::SendError<FactoryEvent>> {
        if is_behind(head) {
            return Ok(());
        }
        self.finish(head).await
    }

    /// Sends all that waits, however long that takes.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub(crate) async fn finish(
        &self,
        head: &mpsc::Sender<FactoryEvent>,
    ) -> Result<(), mpsc::error::SendError<FactoryEvent>> {
        for buffer in self.workers.iter().filter_map(|worker| worker.events.as_ref()) {
            batches(buffer.drain(), head, FactoryEvent::Events).await?;
        }
        Ok(())
    }
}

/// Sends the failures that wait, unless too much waits for the head already.
///
/// # Errors
/// When nobody listens any more.
pub(crate) async fn failures(
    keeper: &EvidenceKeeper,
    head: &mpsc::Sender<FactoryEvent>,
) -> Result<(), mpsc::error::SendError<FactoryEvent>> {
    if is_behind(head) {
        return Ok(());
    }
    all_failures(keeper, head).await
}

/// Sends all failures that wait, however long that takes.
///
/// # Errors
/// When nobody listens any more.
pub(crate) async fn all_failures(
    keeper: &EvidenceKeeper,
    head: &mpsc::Sender<FactoryEvent>,
) -> Result<(), mpsc::error::SendError<FactoryEvent>> {
    batches(keeper.failures.drain(), head, FactoryEvent::Failures).await
}

/// Whether so much waits for the head that events and failures stay where they are.
fn is_behind(head: &mpsc::Sender<FactoryEvent>) -> bool {
    head.max_capacity() - head.capacity() > WAITING
}

/// Sends all items, as many in a message as it may have.
async fn batches<T>(
    items: Vec<T>,
    head: &mpsc::Sender<FactoryEvent>,
    message: fn(Vec<T>) -> FactoryEvent,
) -> Result<(), mpsc::error::SendError<FactoryEvent>> {
    let mut items = items.into_iter();
    loop {
        let batch: Vec<T> = items.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(());
        }
        head.send(message(batch)).await?;
    }
}
