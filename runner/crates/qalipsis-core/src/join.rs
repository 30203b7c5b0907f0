//! Awaiting the effect of a request.

use crate::execution;
use crate::fault::Fault;
use crate::ledger::{Awaiting, Ledger, Slot, Taken};
use pin_project_lite::pin_project;
use qalipsis_model::duration::human;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::snapshot::StepKind;
use std::fmt::{self, Debug};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// What can be the key of a join: a value that both sides know.
pub trait Key: Eq + Hash + Clone + Debug + Send + Sync + 'static {}

impl<K: Eq + Hash + Clone + Debug + Send + Sync + 'static> Key for K {}

/// Records of one source, to be awaited by key. Made by [`Setup::join`](crate::setup::Setup::join).
pub struct Join<K, R> {
    ledger: Arc<Ledger<K, R>>,
}

impl<K, R> Clone for Join<K, R> {
    fn clone(&self) -> Self {
        Self { ledger: Arc::clone(&self.ledger) }
    }
}

impl<K, R> Debug for Join<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").finish_non_exhaustive()
    }
}

impl<K: Key, R: Send + 'static> Join<K, R> {
    pub(crate) fn new(ledger: Arc<Ledger<K, R>>) -> Self {
        Self { ledger }
    }

    /// Awaits the record of this key. Call it before the request that triggers the record.
    pub fn expect(&self, key: K) -> Expect<K, R> {
        Expect { ledger: Arc::clone(&self.ledger), key }
    }
}

/// An expectation that still needs its deadline.
#[must_use = "an expectation needs a deadline: `.within(secs(2))`"]
pub struct Expect<K, R> {
    ledger: Arc<Ledger<K, R>>,
    key: K,
}

impl<K, R> Debug for Expect<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expect").finish_non_exhaustive()
    }
}

impl<K: Key, R: Send + 'static> Expect<K, R> {
    /// Registers the expectation. The record is in time when it arrives within `limit` of the
    /// start of the first step that starts after this call: the trigger. Reading it later costs nothing.
    pub fn within(self, limit: Duration) -> Expectation<K, R> {
        let slot = self.ledger.register(&self.key);
        Expectation {
            inner: Registration { ledger: self.ledger, key: self.key, slot, ended: false },
            registered: Instant::now(),
            limit,
            clock: None,
            sleep: None,
        }
    }
}

struct Registration<K: Key, R: Send + 'static> {
    ledger: Arc<Ledger<K, R>>,
    key: K,
    /// `None` when the key is awaited already.
    slot: Option<Arc<Slot<R>>>,
    ended: bool,
}

impl<K: Key, R: Send + 'static> Drop for Registration<K, R> {
    fn drop(&mut self) {
        if !self.ended && self.slot.is_some() {
            self.ledger.abandon(&self.key);
        }
    }
}

pin_project! {
    /// A registered expectation: the action of a join step. Dropping it gives the expectation up.
    #[must_use = "await it in a step: `minion.step(Order::Fulfilled, fulfilled)`"]
    pub struct Expectation<K, R> where K: Key, R: Send, R: 'static {
        inner: Registration<K, R>,
        registered: Instant,
        limit: Duration,
        clock: Option<Instant>,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl<K: Key, R: Send + 'static> Debug for Expectation<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expectation").field("key", &self.inner.key).finish_non_exhaustive()
    }
}

impl<K: Key, R: Send + 'static> Future for Expectation<K, R> {
    type Output = Result<R, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let inner = this.inner;
        let Some(slot) = &inner.slot else {
            return Poll::Ready(Err(Fault::error(format!(
                "{}: key {:?} is awaited already, a key can be awaited once at a time",
                inner.ledger.name(),
                inner.key
            ))));
        };
        let registered = *this.registered;
        let trigger = *this.clock.get_or_insert_with(|| {
            let step = execution::with(|execution| {
                execution.kind = StepKind::Join;
                (execution.step, execution.minion.trigger_since(registered, execution.span))
            });
            inner.ledger.awaited_by(step.map(|(step, _)| step));
            step.and_then(|(_, trigger)| trigger).unwrap_or(registered)
        });
        let deadline = trigger + *this.limit;

        if let Some(arrived) = slot.take(cx.waker()) {
            inner.ended = true;
            return Poll::Ready(judge(inner, arrived, trigger, *this.limit));
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(tokio::time::sleep_until(deadline)));
        }
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut()
            && sleep.poll(cx).is_pending()
        {
            return Poll::Pending;
        }

        inner.ended = true;
        let awaiting = execution::with(|execution| {
            let scenario = Arc::clone(execution.minion.scenario());
            let evidence =
                scenario.evidence.admit(scenario.index, Some(execution.step), FailureKind::JoinMissing);
            execution.reserved = Some(evidence);
            Awaiting {
                scenario,
                step: execution.step,
                minion: execution.minion.index(),
                iteration: execution.minion.iteration(),
                trace_id: execution.minion.trace_id(),
                location: execution.location,
                trigger,
                limit: *this.limit,
                evidence,
            }
        });
        Poll::Ready(match inner.ledger.overdue(&inner.key, slot, awaiting) {
            Some(arrived) => judge(inner, arrived, trigger, *this.limit),
            None => Err(Fault::new(
                FailureKind::JoinMissing,
                missing(inner.ledger.name(), &inner.key, *this.limit),
            )),
        })
    }
}

/// What of a record that arrived before the expectation gave up.
fn judge<K: Key, R: Send>(
    inner: &Registration<K, R>,
    arrived: Taken<R>,
    trigger: Instant,
    limit: Duration,
) -> Result<R, Fault> {
    let latency = arrived.at.saturating_duration_since(trigger);
    execution::with(|execution| {
        execution.latency_ns = Some(latency.as_nanos() as u64);
        execution.reserved = None;
    });
    if latency <= limit {
        return Ok(arrived.record);
    }
    Err(Fault::new(FailureKind::JoinLate, late(inner.ledger.name(), &inner.key, limit, latency)))
}

pub(crate) fn missing(source: &str, key: &dyn Debug, limit: Duration) -> String {
    format!("expected a record of key {key:?} on {source} within {}, observed none", human(limit))
}

pub(crate) fn late(source: &str, key: &dyn Debug, limit: Duration, latency: Duration) -> String {
    format!(
        "expected a record of key {key:?} on {source} within {}, observed it after {}",
        human(limit),
        human(latency)
    )
}
