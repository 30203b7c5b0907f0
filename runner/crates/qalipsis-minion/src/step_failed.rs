//! The end of an iteration by a step that did not succeed.

use qalipsis_model::evidence::FailureKind;
use std::fmt;

/// A step did not succeed. It is recorded already; `?` carries it out of the iteration.
#[derive(Debug)]
#[must_use = "end the iteration with `?`, or go on knowingly with `match`"]
pub struct StepFailed {
    pub(crate) step: &'static str,
    pub(crate) kind: FailureKind,
}

impl StepFailed {
    /// The name of the step.
    pub fn step(&self) -> &'static str {
        self.step
    }

    /// Why it failed.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }
}

impl fmt::Display for StepFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step '{}' failed", self.step)
    }
}

impl std::error::Error for StepFailed {}
