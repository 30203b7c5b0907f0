//! Steps whose failures are tolerated, within a limit.

use crate::current;
use crate::step::{Action, StepCall};
use pin_project_lite::pin_project;
pub use qalipsis_model::snapshot::Tolerance;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<A: Action> StepCall<A> {
    /// Lets executions of this step fail up to a limit: they warn, and the run does not fail for them.
    ///
    /// The limit is judged at the end, on the executions of all factories together. An execution that
    /// fails still ends with [`StepFailed`](crate::step::StepFailed).
    pub fn tolerate(self, tolerance: Tolerance) -> StepCall<Tolerated<A>> {
        self.map(|action| Tolerated { action, tolerance })
    }
}

/// An action with a tolerance.
#[derive(Debug, Clone)]
pub struct Tolerated<A> {
    action: A,
    tolerance: Tolerance,
}

impl<A: Action> IntoFuture for Tolerated<A> {
    type Output = Result<A::Value, A::Error>;
    type IntoFuture = TolerantFuture<A::IntoFuture>;

    fn into_future(self) -> Self::IntoFuture {
        TolerantFuture { action: self.action.into_future(), tolerance: Some(self.tolerance) }
    }
}

pin_project! {
    /// Sets the tolerance of its step when it starts.
    #[derive(Debug)]
    pub struct TolerantFuture<F> {
        #[pin]
        action: F,
        tolerance: Option<Tolerance>,
    }
}

impl<F: Future> Future for TolerantFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(tolerance) = this.tolerance.take() {
            current::with(|execution| execution.tolerate(tolerance));
        }
        this.action.poll(cx)
    }
}
