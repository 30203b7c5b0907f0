//! Executions of steps.

use crate::clock;
use crate::execution::{self, Execution};
use crate::fault::{Fault, IntoFault};
use crate::minion::MinionState;
use crate::panics;
use crate::rng::MinionRng;
use crate::spans;
pub use crate::step_failed::StepFailed;
use pin_project_lite::pin_project;
use qalipsis_model::duration::human;
use qalipsis_model::event::{Executed, Level};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::snapshot::{ExecutionOutcome, StepFigures, StepKind, Tolerance};
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use tracing::Span;

/// How an iteration of a minion ends.
pub type Outcome = Result<(), StepFailed>;

/// What a step can do: anything that becomes a future of a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step action",
    label = "expected a future (or a request that becomes one) of a `Result`",
    note = "a join needs a deadline to become an action: `join.expect(key).within(secs(2))`",
    note = "other work is an action as `async {{ Ok::<_, Fault>(...) }}`"
)]
pub trait Action: IntoFuture<Output = Result<Self::Value, Self::Error>> {
    /// What it gives when it succeeds.
    type Value;
    /// Why it does not.
    type Error: IntoFault;
}

impl<I, T, E> Action for I
where
    I: IntoFuture<Output = Result<T, E>>,
    E: IntoFault,
{
    type Value = T;
    type Error = E;
}

/// A step as [`Minion::step`](crate::minion::Minion::step) gives it: an execution to be awaited.
pub type StepCall<A> = StepToAwait<A>;

/// A [`StepCall`]. Its name is what the compiler says where the `.await` was forgotten before a `?`: "cannot be applied to
/// type `StepToAwait`".
#[must_use = "a step does nothing unless awaited: `.await?`"]
pub struct StepToAwait<A> {
    pub(crate) minion: Arc<MinionState>,
    pub(crate) step: u32,
    pub(crate) location: &'static Location<'static>,
    pub(crate) action: A,
    pub(crate) timeout: Option<Duration>,
}

impl<A> StepToAwait<A> {
    pub(crate) fn new(
        minion: &Arc<MinionState>,
        step: u32,
        location: &'static Location<'static>,
        action: A,
    ) -> Self {
        Self { minion: Arc::clone(minion), step, location, action, timeout: None }
    }

    pub(crate) fn map<B>(self, change: impl FnOnce(A) -> B) -> StepToAwait<B> {
        let Self { minion, step, location, action, timeout } = self;
        StepToAwait { minion, step, location, action: change(action), timeout }
    }

    /// Ends the execution as a timeout when it takes longer. Default: the limit of the whole iteration.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }
}

impl<A> fmt::Debug for StepToAwait<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepCall").field("step", &self.minion.step_name(self.step)).finish_non_exhaustive()
    }
}

impl<A: Action> IntoFuture for StepToAwait<A> {
    type Output = Result<A::Value, StepFailed>;
    type IntoFuture = StepFuture<A::IntoFuture>;

    fn into_future(self) -> Self::IntoFuture {
        StepFuture {
            action: self.action.into_future(),
            state: State::Idle { minion: self.minion, step: self.step, location: self.location },
            timeout: self.timeout,
            sleep: None,
            span: Span::none(),
        }
    }
}

pin_project! {
    /// A running execution. Dropping it before its end counts it as cancelled.
    pub struct StepFuture<F> {
        #[pin]
        action: F,
        state: State,
        timeout: Option<Duration>,
        #[pin]
        sleep: Option<Sleep>,
        span: Span,
    }

    impl<F> PinnedDrop for StepFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            if let State::Running(execution) = std::mem::replace(this.project().state, State::Ended) {
                execution.cancelled();
            }
        }
    }
}

enum State {
    Idle { minion: Arc<MinionState>, step: u32, location: &'static Location<'static> },
    Running(Execution),
    Ended,
}

impl<F> fmt::Debug for StepFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepFuture").finish_non_exhaustive()
    }
}

impl<F, T, E> Future for StepFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: IntoFault,
{
    type Output = Result<T, StepFailed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let execution = match std::mem::replace(this.state, State::Ended) {
            State::Idle { minion, step, location } => {
                *this.span = spans::step(&minion, step);
                Execution::start(minion, step, location)
            }
            State::Running(execution) => execution,
            State::Ended => panic!("a step was polled after its end"),
        };
        let outer = execution::swap(Some(execution));
        let action = this.action.as_mut();
        let polled = this.span.in_scope(|| panics::catch(|| action.poll(cx)));
        let execution = execution::swap(outer).expect("every poll restores the execution that it found");

        let result = match polled {
            Ok(Poll::Ready(Ok(value))) => {
                execution.succeeded();
                spans::ended(this.span, ExecutionOutcome::Success);
                return Poll::Ready(Ok(value));
            }
            Ok(Poll::Ready(Err(error))) => Err(error.into_fault()),
            Ok(Poll::Pending) => Ok(()),
            Err(panic) => Err(Fault::panicked(&panic)),
        };
        if let Err(fault) = result {
            spans::ended(this.span, fault.outcome());
            return Poll::Ready(Err(execution.failed(fault)));
        }
        // The timer exists only once the action had to wait: most costs of a timer are in its registration.
        if let Some(limit) = *this.timeout {
            if this.sleep.is_none() {
                this.sleep.set(Some(tokio::time::sleep_until(clock::after(execution.started, limit))));
            }
            if let Some(sleep) = this.sleep.as_mut().as_pin_mut()
                && sleep.poll(cx).is_ready()
            {
                let fault = Fault::timeout(format!("expected an end within {}, observed none", human(limit)));
                spans::ended(this.span, fault.outcome());
                return Poll::Ready(Err(execution.failed(fault)));
            }
        }
        *this.state = State::Running(execution);
        Poll::Pending
    }
}

impl Execution {
    pub(crate) fn start(minion: Arc<MinionState>, step: u32, location: &'static Location<'static>) -> Self {
        let started = Instant::now();
        let span = minion.step_started(step, started);
        Self {
            minion,
            step,
            started,
            location,
            span,
            kind: StepKind::Action,
            latency_ns: None,
            reserved: None,
            remembered: 0,
            lag_ns: 0,
        }
    }

    /// It is about to succeed, but only after a retry.
    pub(crate) fn flaky(&self, cause: String) {
        self.change(|figures| {
            figures.flaky += 1;
            figures.flaky_cause.get_or_insert(cause);
        });
    }

    /// So many executions of the step may fail.
    pub(crate) fn tolerate(&self, tolerance: Tolerance) {
        self.change(|figures| figures.tolerate(tolerance));
    }

    /// Randomness for the wait after `attempt`, apart from what the scenario draws.
    pub(crate) fn backoff_rng(&self, attempt: u32) -> MinionRng {
        // What a scenario draws counts from 0, so that the upper half is free.
        self.minion.draw((1 << 31) | (self.step & 0x7fff) << 16 | (attempt & 0xffff))
    }

    fn change(&self, change: impl FnOnce(&mut StepFigures)) {
        let (scenario, place) = (self.minion.scenario_index(), (self.kind, self.location));
        self.minion.recorder().step(scenario, self.step, place, change);
    }

    pub(crate) fn succeeded(self) {
        self.record(ExecutionOutcome::Success, None);
    }

    pub(crate) fn failed(self, fault: Fault) -> StepFailed {
        let failed = StepFailed { step: self.minion.step_name(self.step), kind: fault.kind };
        self.record(fault.outcome(), Some(fault));
        failed
    }

    /// The execution was dropped: by the scenario, by a hard stop, or by the limit of its iteration.
    fn cancelled(self) {
        if let Some(limit) = self.minion.iteration_timed_out() {
            let _recorded = self.failed(Fault::timeout(format!(
                "the iteration did not end within {} (campaign.limits.iteration), this step was still running",
                human(limit)
            )));
            return;
        }
        self.change(|figures| figures.cancelled += 1);
        self.trace(None, None);
        let ended = Instant::now();
        self.emit(ended, || {
            let service_ns = (ended - self.started).as_nanos() as u64;
            let response_ns = service_ns + self.lag_ns.max(self.minion.lag());
            Executed { outcome: None, failure: None, service_ns, response_ns }
        });
    }

    /// Sends the execution in full when its iteration is replayed.
    fn trace(&self, outcome: Option<ExecutionOutcome>, fault: Option<&Fault>) {
        if let Some(replay) = &self.minion.scenario().replay {
            replay.send(self, outcome, fault);
        }
    }

    fn record(self, outcome: ExecutionOutcome, fault: Option<Fault>) {
        let ended = Instant::now();
        if self.remembered > 0 && spans::is_logged(Level::Debug) {
            self.minion.log_exchanges(&self);
        }
        self.trace(Some(outcome), fault.as_ref());
        let service_ns = (ended - self.started).as_nanos() as u64;
        let response_ns = service_ns + self.lag_ns.max(self.minion.take_lag());
        let first = self.minion.first_execution(self.step);
        let first_failed = fault.is_some() && self.minion.first_failure(self.step);
        // Few executions are dated, and only those that failed or that are events.
        let at = fault.as_ref().map(|_| self.minion.date(ended));
        self.emit(ended, || Executed {
            outcome: Some(outcome),
            failure: fault.as_ref().map(|fault| fault.kind),
            service_ns,
            response_ns,
        });
        self.change(|figures| {
            figures.record(outcome, service_ns, response_ns);
            figures.minions += u64::from(first);
            if let Some(latency) = self.latency_ns {
                let late = matches!(&fault, Some(f) if f.kind == FailureKind::JoinLate);
                let histogram = if late { &mut figures.late } else { &mut figures.latency };
                histogram.get_or_insert_default().record(latency);
            }
            if let (Some(fault), Some(at)) = (&fault, at) {
                figures.failed_minions += u64::from(first_failed);
                if !fault.recorded {
                    figures.record_failure(fault.kind, at);
                }
            }
        });
        if let (Some(fault), Some(at)) = (fault.filter(|fault| !fault.recorded), at) {
            self.minion.keep(Some(&self), self.reserved, fault, at);
        }
    }
}
