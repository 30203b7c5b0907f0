//! Awaiting the effect of a request.

use crate::awaiting::Awaiting;
use crate::clock;
use crate::execution;
use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::slot::{Arrived, Slot};
use pin_project_lite::pin_project;
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
        Expect { ledger: Arc::clone(&self.ledger), key, wanted: 1 }
    }
}

/// What a buffered join keeps of records that nobody awaits yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// At most so many records; the oldest are evicted first, counted as evicted and as orphans.
    pub records: usize,
    /// At most for so long.
    pub age: Duration,
}

/// An expectation that still needs its deadline.
#[must_use = "an expectation needs a deadline: `.within(secs(2))`"]
pub struct Expect<K, R> {
    ledger: Arc<Ledger<K, R>>,
    key: K,
    wanted: u32,
}

impl<K, R> Debug for Expect<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expect").finish_non_exhaustive()
    }
}

impl<K: Key, R: Send + 'static> Expect<K, R> {
    /// Awaits so many records of the key instead of one. Default 1; a further one is a duplicate.
    pub fn times(self, count: u32) -> ExpectMany<K, R> {
        ExpectMany { one: Self { wanted: count.max(1), ..self } }
    }

    /// Registers the expectation. The record is in time when it arrives within `limit` of the
    /// start of the first step that starts after this call: the trigger. Reading it later costs nothing.
    ///
    /// In a buffered join the key is known only after the trigger, so the clock runs from the start
    /// of the last step that started before this call.
    pub fn within(self, limit: Duration) -> Expectation<K, R> {
        Expectation { records: self.register(limit, false) }
    }

    fn register(self, limit: Duration, optional: bool) -> Records<K, R> {
        let slot = self.ledger.register(&self.key, self.wanted);
        Records {
            inner: Registration {
                ledger: self.ledger,
                key: self.key,
                wanted: self.wanted,
                slot,
                ended: false,
                optional,
            },
            registered: Instant::now(),
            limit,
            clock: None,
            sleep: None,
        }
    }
}

/// An expectation of several records that still needs its deadline.
#[derive(Debug)]
#[must_use = "an expectation needs a deadline: `.within(secs(2))`"]
pub struct ExpectMany<K, R> {
    one: Expect<K, R>,
}

impl<K: Key, R: Send + 'static> ExpectMany<K, R> {
    /// Registers the expectation, see [`Expect::within`]; the last record has to be in time.
    pub fn within(self, limit: Duration) -> Expectations<K, R> {
        Expectations { records: self.one.register(limit, false) }
    }
}

struct Registration<K: Key, R: Send + 'static> {
    ledger: Arc<Ledger<K, R>>,
    key: K,
    wanted: u32,
    /// `None` when the key is awaited already.
    slot: Option<Arc<Slot<R>>>,
    ended: bool,
    /// Whether nothing fails when the records never come.
    optional: bool,
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
        #[pin]
        records: Records<K, R>,
    }
}

pin_project! {
    /// A registered expectation of several records: gives them in the order of their arrival.
    #[must_use = "await it in a step: `minion.step(Order::Shipped, shipped)`"]
    pub struct Expectations<K, R> where K: Key, R: Send, R: 'static {
        #[pin]
        records: Records<K, R>,
    }
}

pin_project! {
    /// A registered expectation that may stay unfulfilled: gives `None` then (a left join).
    #[must_use = "await it in a step: `minion.step(Order::Refunded, refunded)`"]
    pub struct OptionalExpectation<K, R> where K: Key, R: Send, R: 'static {
        #[pin]
        records: Records<K, R>,
    }
}

pin_project! {
    struct Records<K, R> where K: Key, R: Send, R: 'static {
        inner: Registration<K, R>,
        registered: Instant,
        limit: Duration,
        clock: Option<Instant>,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl<K: Key, R: Send + 'static> Expectation<K, R> {
    /// Gives `None` instead of failing when the record does not come within the deadline.
    pub fn or_none(mut self) -> OptionalExpectation<K, R> {
        self.records.inner.optional = true;
        OptionalExpectation { records: self.records }
    }
}

macro_rules! debug {
    ($($name:ident),*) => {$(
        impl<K: Key, R: Send + 'static> Debug for $name<K, R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("key", &self.records.inner.key).finish_non_exhaustive()
            }
        }
    )*};
}

debug!(Expectation, Expectations, OptionalExpectation);

impl<K: Key, R: Send + 'static> Future for Expectation<K, R> {
    type Output = Result<R, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().records.poll(cx).map_ok(|arrived| arrived.first.record)
    }
}

impl<K: Key, R: Send + 'static> Future for Expectations<K, R> {
    type Output = Result<Vec<R>, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().records.poll(cx).map_ok(|arrived| {
            std::iter::once(arrived.first).chain(arrived.more).map(|taken| taken.record).collect()
        })
    }
}

impl<K: Key, R: Send + 'static> Future for OptionalExpectation<K, R> {
    type Output = Result<Option<R>, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match std::task::ready!(self.project().records.poll(cx)) {
            Ok(arrived) => Poll::Ready(Ok(Some(arrived.first.record))),
            Err(fault) if matches!(fault.kind, FailureKind::JoinMissing | FailureKind::JoinLate) => {
                Poll::Ready(Ok(None))
            }
            Err(fault) => Poll::Ready(Err(fault)),
        }
    }
}

/// Awaits one record of each of two joins; fails when one does not come in time.
///
/// # Errors
/// The first failure; the other expectation is given up then.
pub async fn zip<A, B>(
    first: impl Future<Output = Result<A, Fault>>,
    second: impl Future<Output = Result<B, Fault>>,
) -> Result<(A, B), Fault> {
    futures::try_join!(first, second)
}

impl<K: Key, R: Send + 'static> Future for Records<K, R> {
    type Output = Result<Arrived<R>, Fault>;

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
                let minion = &execution.minion;
                let trigger = match inner.ledger.is_buffered() {
                    true => minion.trigger_before(registered, execution.span),
                    false => minion.trigger_since(registered, execution.span),
                };
                (execution.step, trigger)
            });
            inner.ledger.awaited_by(step.map(|(step, _)| step));
            step.and_then(|(_, trigger)| trigger).unwrap_or(registered)
        });
        let deadline = clock::after(trigger, *this.limit);

        if let Some(arrived) = slot.poll(cx.waker()) {
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
            let kind = FailureKind::JoinMissing;
            let evidence = match inner.optional {
                true => None,
                false => scenario.evidence.admit(scenario.index, Some(execution.step), kind),
            };
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
                wanted: inner.wanted,
                left: inner.wanted,
                optional: inner.optional,
                evidence,
            }
        });
        let kept = awaiting.as_ref().is_some_and(|a| a.evidence.is_some());
        Poll::Ready(match inner.ledger.overdue(&inner.key, slot, awaiting) {
            Some(arrived) => judge(inner, arrived, trigger, *this.limit),
            None => {
                // Near misses are looked for only where they will be seen.
                let near = if kept { inner.ledger.near() } else { Vec::new() };
                let expected = inner.ledger.expected(&inner.key, inner.wanted, *this.limit);
                Err(expected.missing(slot.count(), &near))
            }
        })
    }
}

/// What of records that arrived before the expectation gave up.
fn judge<K: Key, R: Send + 'static>(
    inner: &Registration<K, R>,
    arrived: Arrived<R>,
    trigger: Instant,
    limit: Duration,
) -> Result<Arrived<R>, Fault> {
    let latency = arrived.last_at().saturating_duration_since(trigger);
    execution::with(|execution| {
        // Of several joins in one step the slowest counts.
        execution.latency_ns = execution.latency_ns.max(Some(latency.as_nanos() as u64));
        execution.reserved = None;
    });
    inner.ledger.remember(&arrived);
    inner.ledger.check_order(&arrived);
    if latency <= limit {
        return Ok(arrived);
    }
    Err(inner.ledger.expected(&inner.key, inner.wanted, limit).late(latency))
}
