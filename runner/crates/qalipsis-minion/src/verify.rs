//! Checks of one verification, all evaluated.

use crate::current;
use crate::fault::Fault;
use crate::panics::{self, Panic};
use qalipsis_model::evidence::{EXCERPT_LIMIT, FailedCheck, FailureKind, excerpt};
use qalipsis_model::snapshot::{StepKind, Tolerance};
use std::fmt::{Debug, Display, Write};
use std::future::poll_fn;
use std::panic::Location;
use std::task::Poll;

/// Collects the checks of one [`Minion::verify`](crate::minion::Minion::verify).
///
/// A check that fails does not stop the next one; all are kept with what was observed and
/// expected. Any panicking assertion works as well, but stops the block.
#[derive(Debug, Default)]
pub struct Verify {
    failed: Vec<FailedCheck>,
}

impl Verify {
    /// `observed` must equal `expected`.
    #[track_caller]
    pub fn equal<O, E>(&mut self, name: &str, observed: O, expected: E)
    where
        O: PartialEq<E> + Debug,
        E: Debug,
    {
        if observed != expected {
            self.fail(name, show(&expected), show(&observed));
        }
    }

    /// `observed` must differ from `unwanted`.
    #[track_caller]
    pub fn not_equal<O, E>(&mut self, name: &str, observed: O, unwanted: E)
    where
        O: PartialEq<E> + Debug,
        E: Debug,
    {
        if observed == unwanted {
            self.fail(name, format!("other than {}", show(&unwanted)), show(&observed));
        }
    }

    /// `observed` must be strictly less than `limit`.
    #[track_caller]
    pub fn below<T: PartialOrd + Debug>(&mut self, name: &str, observed: T, limit: T) {
        if !matches!(observed.partial_cmp(&limit), Some(std::cmp::Ordering::Less)) {
            self.fail(name, format!("below {}", show(&limit)), show(&observed));
        }
    }

    /// `observed` must not be less than `limit`.
    #[track_caller]
    pub fn at_least<T: PartialOrd + Debug>(&mut self, name: &str, observed: T, limit: T) {
        if !matches!(
            observed.partial_cmp(&limit),
            Some(std::cmp::Ordering::Greater | std::cmp::Ordering::Equal)
        ) {
            self.fail(name, format!("at least {}", show(&limit)), show(&observed));
        }
    }

    /// `text` must contain `part`.
    #[track_caller]
    pub fn contains(&mut self, name: &str, text: &str, part: &str) {
        if !text.contains(part) {
            self.fail(name, format!("text containing {}", show(&part)), show(&text));
        }
    }

    /// `condition` must be true; prefer a check that keeps the observed value.
    #[track_caller]
    pub fn that(&mut self, name: &str, condition: bool) {
        if !condition {
            self.fail(name, "true".to_owned(), "false".to_owned());
        }
    }

    /// `result` must be `Ok`; gives its value.
    #[track_caller]
    pub fn ok<T, E: Display>(&mut self, name: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(name, "success".to_owned(), excerpt(&error.to_string()));
                None
            }
        }
    }

    /// `option` must be `Some`; gives its value.
    #[track_caller]
    pub fn some<T>(&mut self, name: &str, option: Option<T>) -> Option<T> {
        if option.is_none() {
            self.fail(name, "a value".to_owned(), "none".to_owned());
        }
        option
    }

    /// Lets executions of this step fail up to a limit, as [`StepCall::tolerate`](crate::step::StepCall::tolerate)
    /// does: they warn, and the run does not fail for them. Say so before the first check that can panic.
    pub fn tolerate(&mut self, tolerance: Tolerance) {
        current::with(|execution| execution.tolerate(tolerance));
    }

    #[track_caller]
    fn fail(&mut self, name: &str, expected: String, observed: String) {
        let location = Some(Location::caller().into());
        self.failed.push(FailedCheck { name: excerpt(name), expected, observed, location });
    }

    fn into_result(self, panic: Option<Panic>) -> Result<(), Fault> {
        let mut message = message(&self.failed);
        if let Some(panic) = panic {
            let text = format!("assertion at {}: {}", panic.place, panic.message);
            message = if message.is_empty() { text } else { format!("{message}; then {text}") };
        }
        if message.is_empty() {
            return Ok(());
        }
        let mut fault = Fault::new(FailureKind::Assertion, message);
        fault.checks = self.failed;
        Err(fault)
    }
}

/// Evaluates all checks of a block, outside of [`Minion::verify`](crate::minion::Minion::verify): inside of an
/// action, so that they belong to its step and are retried with it.
///
/// # Errors
/// When a check fails or the block panics.
pub fn check(checks: impl FnOnce(&mut Verify)) -> Result<(), Fault> {
    let mut v = Verify::default();
    let panic = panics::catch(|| checks(&mut v)).err();
    v.into_result(panic)
}

pub(crate) async fn check_async<F: Future<Output = Verify>>(
    checks: impl FnOnce(Verify) -> F,
) -> Result<(), Fault> {
    current::with(|execution| execution.kind = StepKind::Verification);
    let mut block = std::pin::pin!(async { checks(Verify::default()).await });
    let ended = poll_fn(|cx| match panics::catch(|| block.as_mut().poll(cx)) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    match ended.await {
        Ok(v) => v.into_result(None),
        Err(panic) => Verify::default().into_result(Some(panic)),
    }
}

/// `expected status 202, observed 503 (and 2 more checks)`.
fn message(failed: &[FailedCheck]) -> String {
    let Some(first) = failed.first() else { return String::new() };
    let short = |text: &str| match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    let mut message = format!(
        "expected {} {}, observed {}",
        short(&first.name),
        short(&first.expected),
        short(&first.observed)
    );
    match failed.len() - 1 {
        0 => {}
        1 => message.push_str(" (and 1 more check)"),
        n => _ = write!(message, " (and {n} more checks)"),
    }
    message
}

/// The debug form, cut off once it is longer than an excerpt, however large the value.
fn show(value: &dyn Debug) -> String {
    struct Bounded(String);
    impl Write for Bounded {
        fn write_str(&mut self, part: &str) -> std::fmt::Result {
            let room = EXCERPT_LIMIT.saturating_sub(self.0.len());
            let end = part.floor_char_boundary(room.min(part.len()));
            self.0.push_str(&part[..end]);
            if end < part.len() { Err(std::fmt::Error) } else { Ok(()) }
        }
    }
    let mut bounded = Bounded(String::new());
    if write!(bounded, "{value:?}").is_err() {
        bounded.0.push('…');
    }
    bounded.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_checks_are_evaluated_and_the_first_leads() {
        let mut v = Verify::default();
        v.equal("status", 503, 202);
        v.equal("quantity", 1, 1);
        v.below("age", 5, 5);
        v.contains("body", "no", "yes");
        v.ok::<(), _>("parsed", Err("bad"));
        let failed = v.failed;
        assert_eq!(failed.len(), 4);
        assert_eq!(message(&failed), "expected status 202, observed 503 (and 3 more checks)");
        assert!(failed[0].location.as_ref().is_some_and(|l| l.file.ends_with("verify.rs")));
    }

    #[test]
    fn a_huge_value_is_cut_while_it_is_written() {
        let huge = "x".repeat(10_000_000);
        assert!(show(&huge).len() < 3_000);
    }
}
