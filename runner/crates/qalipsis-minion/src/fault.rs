//! Why a step could not succeed, as plugins and the engine report it.

use crate::panics::Panic;
use crate::step_failed::StepFailed;
use qalipsis_model::evidence::{FailedCheck, FailureKind};
use qalipsis_model::snapshot::ExecutionOutcome;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// A failure with its evidence. Plugins return it, or any error; see [`IntoFault`].
///
/// It is one pointer, so that the results of steps stay small.
#[derive(Debug, Clone)]
pub struct Fault(Box<Details>);

/// What a [`Fault`] holds.
#[derive(Debug, Clone)]
pub struct Details {
    /// Why.
    pub kind: FailureKind,
    /// A stable word below the kind, for grouping: `connect`, `dns`, `tls`; may be empty.
    pub code: Cow<'static, str>,
    /// One line that a person understands without the rest.
    pub message: String,
    /// The checks that failed.
    pub checks: Vec<FailedCheck>,
    /// What was sent.
    pub input: Option<String>,
    /// What was exchanged.
    pub exchange: Option<String>,
    /// Sentences that stand beside the failure: what else is known of its cause.
    pub notes: Vec<String>,
    /// Of a join: the name of its source.
    pub source: Option<String>,
    /// Of a join: the key.
    pub key: Option<String>,
    /// The attempt that failed, from 1.
    pub attempt: u32,
    /// Whether a step inside has recorded it already.
    pub(crate) recorded: bool,
}

impl Fault {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            code: Cow::Borrowed(""),
            message: message.into(),
            checks: Vec::new(),
            input: None,
            exchange: None,
            notes: Vec::new(),
            source: None,
            key: None,
            attempt: 1,
            recorded: false,
        }))
    }

    /// The step could not do its work.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Error, message)
    }

    /// The step took longer than allowed.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Timeout, message)
    }

    pub(crate) fn panicked(panic: &Panic) -> Self {
        Self::new(FailureKind::Panic, format!("panicked at {}: {}", panic.place, panic.message))
    }

    /// A record could not be decoded; name its coordinates.
    pub fn undecodable(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Undecodable, message)
    }

    /// Adds the word for grouping.
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = code.into();
        self
    }

    /// Adds what was sent, redacted.
    #[must_use]
    pub fn input(mut self, input: impl Into<String>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Adds what was exchanged, redacted.
    #[must_use]
    pub fn exchange(mut self, exchange: impl Into<String>) -> Self {
        self.exchange = Some(exchange.into());
        self
    }

    /// Adds a sentence that stands beside the failure.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The outcome of an execution that ended with this fault.
    pub fn outcome(&self) -> ExecutionOutcome {
        match self.kind {
            FailureKind::Assertion => ExecutionOutcome::Failure,
            FailureKind::Timeout | FailureKind::JoinMissing | FailureKind::JoinLate => {
                ExecutionOutcome::Timeout
            }
            FailureKind::Error
            | FailureKind::Panic
            | FailureKind::JoinDuplicate
            | FailureKind::JoinOrphan
            | FailureKind::JoinOutOfOrder
            | FailureKind::Meter
            | FailureKind::Undecodable
            | FailureKind::Source
            | FailureKind::Latency
            | FailureKind::ErrorRate
            | FailureKind::Count
            | FailureKind::Throughput
            | FailureKind::NeverExecuted
            | FailureKind::Regression
            | FailureKind::NoData => ExecutionOutcome::Error,
        }
    }
}

impl std::ops::Deref for Fault {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl std::ops::DerefMut for Fault {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl Fault {
    /// Everything it holds.
    pub fn into_details(self) -> Details {
        *self.0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Fault {}

/// What the error of a step action must be: any `std::error::Error` that can cross threads.
///
/// A [`Fault`] keeps its kind and evidence; any other error becomes one of kind `error` with the
/// messages of its whole chain.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a step",
    label = "does not implement `std::error::Error + Send + Sync + 'static`",
    note = "turn it into a `Fault`, for example `.map_err(|e| Fault::error(e.to_string()))`"
)]
pub trait IntoFault {
    /// The same failure with its kind.
    fn into_fault(self) -> Fault;
}

impl<E: Error + Send + Sync + 'static> IntoFault for E {
    fn into_fault(self) -> Fault {
        let error: Box<dyn Error + Send + Sync> = Box::new(self);
        let error = match error.downcast::<Fault>() {
            Ok(fault) => return *fault,
            Err(error) => error,
        };
        match error.downcast::<StepFailed>() {
            Ok(failed) => {
                let mut fault = Fault::new(failed.kind(), failed.to_string());
                fault.recorded = true;
                fault
            }
            Err(error) => Fault::error(chain(&*error)),
        }
    }
}

/// The messages of an error and all its sources, in one line; a source that its parent already
/// quotes is not repeated.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_keeps_its_kind_and_other_errors_show_their_chain() {
        assert_eq!(Fault::timeout("slow").into_fault().kind, FailureKind::Timeout);
        let parse = "x".parse::<u8>().unwrap_err();
        let io = std::io::Error::other(parse);
        assert_eq!(io.into_fault().message, "invalid digit found in string");
    }
}
