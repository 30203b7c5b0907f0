//! Executions of steps.

use crate::current;
use crate::execution::Execution;
use crate::fault::{Fault, IntoFault};
use crate::panics;
use crate::spans;
use crate::state::MinionState;
pub use crate::step_failed::StepFailed;
use pin_project_lite::pin_project;
use qalipsis_model::duration::human;
use qalipsis_model::snapshot::ExecutionOutcome;
use qalipsis_recorder::clock;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;
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
        let outer = current::swap(Some(execution));
        let action = this.action.as_mut();
        let polled = this.span.in_scope(|| panics::catch(|| action.poll(cx)));
        let execution = current::swap(outer).expect("every poll restores the execution that it found");

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
