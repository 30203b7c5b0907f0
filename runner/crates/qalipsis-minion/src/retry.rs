//! Steps that are attempted again.

use crate::current;
use crate::fault::{Fault, IntoFault};
use crate::panics;
use crate::rng::MinionRng;
use crate::step::{Action, StepCall};
use pin_project_lite::pin_project;
use qalipsis_model::duration::human;
use qalipsis_model::evidence::{FailureKind, excerpt};
use qalipsis_recorder::clock;
use rand::Rng as _;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// How often a step is attempted, and how long it waits in between.
///
/// The waits grow by a factor and are spread by the minion's own randomness, so that minions which
/// failed together do not come again together, and a seed repeats them.
#[derive(Debug, Clone, Copy)]
#[must_use = "give it to `.retry(..)` of a step"]
pub struct Retry {
    attempts: u32,
    backoff: Duration,
    factor: f64,
    longest: Duration,
    jitter: f64,
    timeout: Option<Duration>,
    covers: Covers,
}

#[derive(Debug, Clone, Copy)]
enum Covers {
    Every,
    Kinds(&'static [FailureKind]),
    When(fn(&Fault) -> bool),
}

impl Retry {
    /// At most so many attempts, the first included; 100 ms before the second, twice as long before each
    /// further one, at most 10 s, each shortened by up to a half.
    ///
    /// # Panics
    /// When it is zero.
    #[track_caller]
    pub fn attempts(attempts: u32) -> Self {
        assert!(attempts > 0, "a step needs at least one attempt");
        Self {
            attempts,
            backoff: Duration::from_millis(100),
            factor: 2.0,
            longest: Duration::from_secs(10),
            jitter: 0.5,
            timeout: None,
            covers: Covers::Every,
        }
    }

    /// The wait before the second attempt, and by how much each further one is longer.
    ///
    /// # Panics
    /// When the factor is less than 1.
    #[track_caller]
    pub fn backoff(mut self, first: Duration, factor: f64) -> Self {
        assert!(factor >= 1.0, "the factor of a backoff must be at least 1");
        (self.backoff, self.factor) = (first, factor);
        self
    }

    /// No wait is longer. Default: 10 s.
    pub fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// The share of each wait that is left to chance, from 0 to 1. Default: 0.5.
    ///
    /// # Panics
    /// When it is outside of that range.
    #[track_caller]
    pub fn jitter(mut self, share: f64) -> Self {
        assert!((0.0..=1.0).contains(&share), "the jitter of a backoff is a share from 0 to 1");
        self.jitter = share;
        self
    }

    /// Ends each attempt as a timeout when it takes longer. [`StepCall::timeout`] limits all of them together.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Retries only after failures of these kinds.
    pub fn only(mut self, kinds: &'static [FailureKind]) -> Self {
        self.covers = Covers::Kinds(kinds);
        self
    }

    /// Retries only after failures for which `covers` is true.
    pub fn when(mut self, covers: fn(&Fault) -> bool) -> Self {
        self.covers = Covers::When(covers);
        self
    }

    fn covers(&self, fault: &Fault) -> bool {
        match self.covers {
            Covers::Every => true,
            Covers::Kinds(kinds) => kinds.contains(&fault.kind),
            Covers::When(covers) => covers(fault),
        }
    }

    /// The wait after `attempt`.
    fn wait(&self, attempt: u32, mut rng: MinionRng) -> Duration {
        let power = i32::try_from(attempt - 1).unwrap_or(i32::MAX);
        let seconds = (self.backoff.as_secs_f64() * self.factor.powi(power)).min(self.longest.as_secs_f64());
        // 53 bits are what a float of 64 bits holds exactly.
        let chance = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        Duration::try_from_secs_f64(seconds * (1.0 - self.jitter * chance)).unwrap_or(Duration::MAX)
    }
}

/// An action that can be made again for each attempt.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be attempted again",
    label = "this action can run only once",
    note = "make a new action for each attempt: `minion.step(STEP, repeat(|| async {{ ... }})).retry(..)`"
)]
pub trait Repeatable: Action {
    /// The same action once more.
    fn again(&self) -> Self;
}

// So that the compiler speaks of what is missing in the user's own terms.
#[diagnostic::do_not_recommend]
impl<A: Action + Clone> Repeatable for A {
    fn again(&self) -> Self {
        self.clone()
    }
}

/// An action that `make` makes, a new one for each attempt; see [`repeat`].
#[derive(Debug, Clone)]
pub struct Repeat<F> {
    make: F,
}

/// A block as an action that [`StepCall::retry`] can attempt again.
///
/// Checks inside of it ([`check`](crate::verify::check)) are attempted again with it. A step or
/// verification inside of it is an execution of its own, whose failure counts however the block ends.
pub fn repeat<F, A>(make: F) -> Repeat<F>
where
    F: FnOnce() -> A,
    A: Action,
{
    Repeat { make }
}

impl<F, A> IntoFuture for Repeat<F>
where
    F: FnOnce() -> A,
    A: Action,
{
    type Output = Result<A::Value, A::Error>;
    type IntoFuture = A::IntoFuture;

    fn into_future(self) -> A::IntoFuture {
        (self.make)().into_future()
    }
}

impl<A: Action> StepCall<A> {
    /// Attempts the action again after a failure, as `policy` says. It is one execution, from its first
    /// attempt to the end of its last; when it succeeds after a retry, it counts as flaky and warns.
    pub fn retry(self, policy: Retry) -> StepCall<Retried<A>>
    where
        A: Repeatable,
    {
        self.map(|action| Retried { action, policy })
    }
}

/// An action with a policy.
pub struct Retried<A> {
    action: A,
    policy: Retry,
}

impl<A> fmt::Debug for Retried<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retried").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl<A: Repeatable> IntoFuture for Retried<A> {
    type Output = Result<A::Value, Fault>;
    type IntoFuture = Attempts<A>;

    fn into_future(self) -> Attempts<A> {
        Attempts {
            action: self.action,
            policy: self.policy,
            attempt: 0,
            cause: None,
            running: None,
            limit: None,
            backoff: None,
        }
    }
}

pin_project! {
    /// Attempts that go on until one succeeds or none is left.
    pub struct Attempts<A: Action> {
        action: A,
        policy: Retry,
        attempt: u32,
        // Why the first attempt failed.
        cause: Option<String>,
        #[pin]
        running: Option<A::IntoFuture>,
        #[pin]
        limit: Option<Sleep>,
        #[pin]
        backoff: Option<Sleep>,
    }
}

impl<A: Action> fmt::Debug for Attempts<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

impl<A: Repeatable> Future for Attempts<A> {
    type Output = Result<A::Value, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            if let Some(backoff) = this.backoff.as_mut().as_pin_mut() {
                std::task::ready!(backoff.poll(cx));
                this.backoff.set(None);
            }
            if this.running.is_none() {
                *this.attempt += 1;
                current::with(|execution| execution.remembered = 0);
                let (action, mut running) = (&*this.action, this.running.as_mut());
                match panics::catch(|| action.again().into_future()) {
                    Ok(made) => running.set(Some(made)),
                    Err(panic) => return Poll::Ready(Err(Fault::panicked(&panic))),
                }
                this.limit.set(
                    this.policy
                        .timeout
                        .map(|limit| tokio::time::sleep_until(clock::after(Instant::now(), limit))),
                );
            }
            let running = this.running.as_mut().as_pin_mut().expect("an attempt runs");
            let mut fault = match panics::catch(|| running.poll(cx)) {
                Ok(Poll::Ready(Ok(value))) => {
                    if let Some(cause) = this.cause.take() {
                        current::with(|execution| execution.flaky(cause));
                    }
                    return Poll::Ready(Ok(value));
                }
                Ok(Poll::Ready(Err(error))) => error.into_fault(),
                Err(panic) => Fault::panicked(&panic),
                Ok(Poll::Pending) => {
                    let Some(limit) = this.limit.as_mut().as_pin_mut() else { return Poll::Pending };
                    std::task::ready!(limit.poll(cx));
                    let limit = this.policy.timeout.map(human).unwrap_or_default();
                    Fault::timeout(format!("expected an end of the attempt within {limit}, observed none"))
                }
            };
            this.running.set(None);
            this.limit.set(None);
            fault.attempt = *this.attempt;
            if *this.attempt >= this.policy.attempts || !this.policy.covers(&fault) {
                if *this.attempt > 1 {
                    fault.message = format!("{} (attempt {})", fault.message, this.attempt);
                }
                return Poll::Ready(Err(fault));
            }
            // What its plugin did not remember itself is evidence of the attempts to come as well.
            if current::with(|execution| execution.remembered) == Some(0)
                && let Some(text) = fault.exchange.take().or_else(|| fault.input.take())
            {
                current::remember(Arc::new(text));
            }
            if this.cause.is_none() {
                *this.cause = Some(excerpt(&fault.message));
            }
            let attempt = *this.attempt;
            // Outside of a step there is no minion, and nothing calls it there.
            let wait = current::with(|execution| this.policy.wait(attempt, execution.backoff_rng(attempt)));
            this.backoff.set(Some(tokio::time::sleep(wait.unwrap_or(this.policy.backoff))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    #[test]
    fn waits_grow_by_their_factor_up_to_the_longest_and_a_seed_repeats_them() {
        let policy =
            Retry::attempts(9).backoff(Duration::from_millis(100), 2.0).longest(Duration::from_secs(1));
        let wait = |policy: &Retry, attempt| policy.wait(attempt, rng::generator(1, "s", 2, 3, attempt));
        let exact = policy.jitter(0.0);
        let waits: Vec<u128> = (1..6).map(|attempt| wait(&exact, attempt).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000]);
        for attempt in 1..6 {
            let spread = wait(&policy, attempt);
            assert!(spread <= wait(&exact, attempt) && spread * 2 >= wait(&exact, attempt), "{spread:?}");
            assert_eq!(spread, wait(&policy, attempt));
        }
        assert_ne!(wait(&policy, 1) * 2, wait(&policy, 2));
    }
}
