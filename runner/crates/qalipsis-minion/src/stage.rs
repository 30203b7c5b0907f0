//! Several steps that count as a whole.

use crate::current;
use crate::minion::{Minion, state_of};
use crate::step::{StepCall, StepFailed};
use crate::steps::Steps;
use pin_project_lite::pin_project;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<S: Steps> Minion<S> {
    /// Executes `block` as `step`: the steps inside count for themselves, `step` for the whole.
    ///
    /// When a step inside ends the block, the whole counts as failed, and the failure is recorded once: at
    /// the step inside.
    ///
    /// # Errors
    /// When awaited: [`StepFailed`] when the block ends with it, panics or takes longer than its timeout.
    #[track_caller]
    pub fn stage<T, F>(&self, step: S, block: F) -> StepCall<Stage<F>>
    where
        F: Future<Output = Result<T, StepFailed>>,
    {
        StepCall::new(state_of(self), step.index(), Location::caller(), Stage { block, started: false })
    }
}

pin_project! {
    /// The block of a stage.
    #[derive(Debug)]
    pub struct Stage<F> {
        #[pin]
        block: F,
        started: bool,
    }
}

impl<T, F: Future<Output = Result<T, StepFailed>>> Future for Stage<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !*this.started {
            *this.started = true;
            // Its first step takes the lateness of the iteration, and the whole was as late.
            current::with(|execution| execution.lag_ns = execution.minion.lag());
        }
        this.block.poll(cx)
    }
}
