//! Awaiting the effect of a request.

use crate::awaiting::{Awaiting, Terms};
use crate::ledger::{HashedKey, Ledger, Outcome};
use crate::slot::{Arrived, Slot, Until};
use pin_project_lite::pin_project;
use qalipsis_minion::current;
use qalipsis_minion::fault::Fault;
use qalipsis_minion::state::Triggered;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::snapshot::StepKind;
use std::fmt::{self, Debug};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

pub use crate::key::Key;
pub use crate::ledger::Limits;

/// Records of one source, to be awaited by key. Made by `Setup::join`.
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
    #[track_caller]
    pub fn expect(&self, key: K) -> Expect<K, R> {
        Expect { ledger: Arc::clone(&self.ledger), key, wanted: 1, location: Location::caller() }
    }
}

/// An expectation that still needs its deadline.
#[must_use = "an expectation needs a deadline: `.within(secs(2))`"]
pub struct Expect<K, R> {
    ledger: Arc<Ledger<K, R>>,
    key: K,
    wanted: u32,
    location: &'static Location<'static>,
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

    /// Awaits the first record of the key for which `condition` is true: one of several states that a row, an
    /// entity or an order goes through.
    ///
    /// Records of the key before that one are seen: they are no duplicates, and when the awaited one does not
    /// come, the last of them is evidence. Records after it are no duplicates either. The condition runs where
    /// the source reads, so it must be quick and must not await.
    pub fn until(self, condition: impl Fn(&R) -> bool + Send + Sync + 'static) -> ExpectUntil<K, R> {
        ExpectUntil { one: self, condition: Box::new(condition) }
    }

    /// Registers the expectation. The record is in time when it arrives within `limit` of the
    /// start of the first step that starts after this call, other than the one that awaits it: the trigger.
    /// Reading it later costs nothing. Without such a step the clock runs from this call.
    ///
    /// In a buffered join the key is known only after the trigger, so the clock runs from the start
    /// of the last step of the iteration that started before this call.
    pub fn within(self, limit: Duration) -> Expectation<K, R> {
        Expectation { records: self.register(limit, None) }
    }

    fn register(self, limit: Duration, until: Option<Until<R>>) -> Records<K, R> {
        let Self { ledger, key, wanted, location } = self;
        let key = HashedKey::new(key);
        let slot = Arc::new(Slot::new(wanted, until));
        let registered = Instant::now();
        let is_new = ledger.register(&key, &slot, registered);
        let minion = current::on_minion(|minion| match ledger.is_buffered() {
            true => minion.last_start().into_iter().for_each(|(at, execution)| slot.trigger(at, execution)),
            false => minion.await_trigger(Arc::<Slot<R>>::clone(&slot)),
        });
        Records {
            inner: Registration { ledger, key, slot: is_new.then_some(slot), optional: false },
            registered,
            location,
            has_minion: minion.is_some(),
            limit,
            clock: None,
            sleep: None,
        }
    }
}

/// An expectation of one state of a key that still needs its deadline.
#[must_use = "an expectation needs a deadline: `.within(secs(2))`"]
pub struct ExpectUntil<K, R> {
    one: Expect<K, R>,
    condition: Until<R>,
}

impl<K, R> Debug for ExpectUntil<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpectUntil").finish_non_exhaustive()
    }
}

impl<K: Key, R: Send + 'static> ExpectUntil<K, R> {
    /// Registers the expectation, see [`Expect::within`]; the record that meets the condition has to be in time.
    pub fn within(self, limit: Duration) -> Expectation<K, R> {
        Expectation { records: self.one.register(limit, Some(self.condition)) }
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
        Expectations { records: self.one.register(limit, None) }
    }
}

struct Registration<K: Key, R: Send + 'static> {
    ledger: Arc<Ledger<K, R>>,
    key: HashedKey<K>,
    /// `None` when the key is awaited already, and once the outcome is known.
    slot: Option<Arc<Slot<R>>>,
    /// Whether nothing fails when the records never come.
    optional: bool,
}

impl<K: Key, R: Send + 'static> Drop for Registration<K, R> {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            self.ledger.abandon(&self.key, slot);
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
        location: &'static Location<'static>,
        // Whether it is known whose steps may be its trigger.
        has_minion: bool,
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
                f.debug_struct(stringify!($name)).field("key", &self.records.inner.key.key).finish_non_exhaustive()
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
        // Put back unless the outcome is known.
        let Some(slot) = inner.slot.take() else {
            return Poll::Ready(Err(Fault::error(format!(
                "{}: key {:?} is awaited already, a key can be awaited once at a time",
                inner.ledger.name(),
                inner.key.key
            ))));
        };
        let (registered, has_minion) = (*this.registered, *this.has_minion);
        let trigger = *this.clock.get_or_insert_with(|| inner.trigger(&slot, registered, has_minion));
        let terms = Terms { expected: this.location, expected_at: registered, trigger, limit: *this.limit };

        if let Some(arrived) = slot.poll(cx.waker()) {
            return Poll::Ready(inner.judge(&slot, arrived, &terms));
        }
        if let Some(panic) = slot.panic() {
            inner.slot = Some(slot);
            let (source, key) = (inner.ledger.name(), &inner.key.key);
            let message = format!("the condition for key {key:?} on {source} {panic}");
            return Poll::Ready(Err(Fault::new(FailureKind::Panic, message)));
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(tokio::time::sleep_until(terms.deadline())));
        }
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut()
            && sleep.poll(cx).is_pending()
        {
            inner.slot = Some(slot);
            return Poll::Pending;
        }

        let awaiting = inner.awaiting(terms);
        // Near misses and causes are looked for only where they will be seen.
        let kept = awaiting.as_ref().is_some_and(|awaiting| awaiting.evidence.is_some());
        Poll::Ready(match inner.ledger.overdue(&inner.key, &slot, awaiting, inner.optional) {
            Some(arrived) => inner.judge(&slot, arrived, &terms),
            None => Err(inner.ledger.missing(&inner.key.key, &slot, &terms, kept)),
        })
    }
}

impl<K: Key, R: Send + 'static> Registration<K, R> {
    /// When the step started that triggers the records.
    fn trigger(&self, slot: &Slot<R>, registered: Instant, has_minion: bool) -> Instant {
        let step = current::with(|execution| {
            execution.kind = StepKind::Join;
            let (minion, span) = (&execution.minion, execution.span);
            let trigger = match (has_minion, self.ledger.is_buffered()) {
                (true, true) => slot.started().map(|(at, _)| at),
                // The step that awaits is no trigger.
                (true, false) => slot.started().filter(|(_, by)| *by != span).map(|(at, _)| at),
                (false, true) => minion.trigger_before(registered, span),
                (false, false) => minion.trigger_since(registered, span),
            };
            (execution.step, trigger)
        });
        self.ledger.awaited_by(step.map(|(step, _)| step));
        step.and_then(|(_, trigger)| trigger).unwrap_or(registered)
    }

    /// Who awaits the key, whose deadline has passed; `None` outside of a step.
    fn awaiting(&self, terms: Terms) -> Option<Awaiting> {
        current::with(|execution| {
            let scenario = Arc::clone(execution.minion.scenario());
            let evidence = match self.optional {
                true => None,
                false => {
                    scenario.evidence.admit(scenario.index, Some(execution.step), FailureKind::JoinMissing)
                }
            };
            execution.reserved = Some(evidence);
            Awaiting {
                scenario,
                step: execution.step,
                minion: execution.minion.index(),
                iteration: execution.minion.iteration(),
                trace_id: execution.minion.trace_id(),
                location: execution.location,
                terms,
                optional: self.optional,
                evidence,
            }
        })
    }

    /// What of records that arrived before the expectation gave up.
    fn judge(&self, slot: &Slot<R>, arrived: Arrived<R>, terms: &Terms) -> Result<Arrived<R>, Fault> {
        let arrival = arrived.last_at();
        let latency = arrival.saturating_duration_since(terms.trigger);
        let in_time = latency <= terms.limit;
        current::with(|execution| {
            // What an optional expectation does not give is not measured either.
            if in_time || !self.optional {
                // Of several joins in one step the slowest counts.
                execution.latency_ns = execution.latency_ns.max(Some(latency.as_nanos() as u64));
            }
            execution.reserved = None;
        });
        self.ledger.remember(&arrived);
        self.ledger.check_order(&self.key.key, &arrived);
        let outcome = match (in_time, self.optional) {
            (true, _) => Outcome::Matched,
            (false, true) => Outcome::Absent,
            (false, false) => Outcome::Late { trigger: terms.trigger, arrival },
        };
        self.ledger.took(&self.key, arrived.records(), outcome);
        match in_time {
            true => Ok(arrived),
            false => Err(self.ledger.late_fault(&self.key.key, slot, terms, arrival)),
        }
    }
}
