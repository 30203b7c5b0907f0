//! The way of events from the workers to the head.

use crate::factory::Event as FactoryEvent;
use qalipsis_core::evidence::EvidenceKeeper;
use qalipsis_core::minion::Worker;
use qalipsis_model::event::Event;
use qalipsis_model::failure::FailedExecution;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the buffers of the workers are emptied.
pub(crate) const PERIOD: Duration = Duration::from_millis(100);
/// Events of one message: with the longest texts about 2.5 MB.
const BATCH: usize = 1_000;
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

    /// Whether events are collected at all.
    pub(crate) fn collects(&self) -> bool {
        !self.workers.is_empty()
    }

    /// Sends what waits, unless too much waits for the head already.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub(crate) async fn send(
        &self,
        head: &mpsc::Sender<FactoryEvent>,
    ) -> Result<(), mpsc::error::SendError<FactoryEvent>> {
        if head.max_capacity() - head.capacity() > WAITING {
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
            let mut events = buffer.drain().into_iter();
            loop {
                let batch: Vec<Event> = events.by_ref().take(BATCH).collect();
                if batch.is_empty() {
                    break;
                }
                head.send(FactoryEvent::Events(batch)).await?;
            }
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
    if head.max_capacity() - head.capacity() > WAITING {
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
    let mut failed = keeper.failures.drain().into_iter();
    loop {
        let batch: Vec<FailedExecution> = failed.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(());
        }
        head.send(FactoryEvent::Failures(batch)).await?;
    }
}
