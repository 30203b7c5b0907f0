//! One simulated user.

use crate::current;
use crate::execution::Execution;
use crate::fault::Fault;
use crate::rng::{self, MinionRng};
use crate::spans;
use crate::state::{MinionState, ScenarioContext};
use crate::step::{Action, StepCall};
use crate::step_failed::StepFailed;
use crate::steps::Steps;
use crate::verify::{self, Verify};
use qalipsis_model::event::{Level, Value};
use qalipsis_model::snapshot::{ExecutionOutcome, StepKind};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use uuid::Uuid;

/// One simulated user, as its scenario's function sees it.
///
/// It lives for one iteration; what belongs to the iteration is a local variable.
#[derive(Debug)]
pub struct Minion<S> {
    state: Arc<MinionState>,
    steps: PhantomData<fn(S)>,
}

impl<S: Steps> Minion<S> {
    /// As its scenario sees the minion of `state`.
    pub fn new(state: Arc<MinionState>) -> Self {
        Self { state, steps: PhantomData }
    }

    /// Executes `action` as `step`: names, times and counts it.
    ///
    /// # Errors
    /// When awaited: [`StepFailed`] when the action fails, panics or takes longer than its timeout.
    #[track_caller]
    pub fn step<A: Action>(&self, step: S, action: A) -> StepCall<A> {
        StepCall::new(&self.state, step.index(), Location::caller(), action)
    }

    /// Evaluates all checks of a block as `step`.
    ///
    /// # Errors
    /// [`StepFailed`] when a check fails or the block panics, which is how assertion
    /// libraries fail.
    #[track_caller]
    pub fn verify(&self, step: S, checks: impl FnOnce(&mut Verify)) -> Result<(), StepFailed> {
        let mut execution = Execution::start(Arc::clone(&self.state), step.index(), Location::caller());
        execution.kind = StepKind::Verification;
        // Current while the checks run, so that what they record belongs to their step.
        let around = current::swap(Some(execution));
        let span = spans::step(&self.state, step.index());
        let checked = span.in_scope(|| verify::check(checks));
        let execution = current::swap(around).expect("checks cannot end it");
        match checked {
            Ok(()) => {
                spans::ended(&span, ExecutionOutcome::Success);
                execution.succeeded();
                Ok(())
            }
            Err(fault) => {
                spans::ended(&span, fault.outcome());
                Err(execution.failed(fault))
            }
        }
    }

    /// Like [`verify`](Self::verify), for checks that have to wait for something. The block is given what
    /// collects the checks, and hands it back: `|mut v| async move { v.that("up", is_up().await); v }`.
    ///
    /// # Errors
    /// When awaited: [`StepFailed`] when a check fails, the block panics or takes longer than its timeout.
    #[track_caller]
    pub fn verify_async<C, F>(
        &self,
        step: S,
        checks: C,
    ) -> StepCall<impl Future<Output = Result<(), Fault>> + use<S, C, F>>
    where
        C: FnOnce(Verify) -> F,
        F: Future<Output = Verify>,
    {
        StepCall::new(&self.state, step.index(), Location::caller(), verify::check_async(checks))
    }

    /// Randomness that depends on nothing but the campaign's seed, the scenario, the minion, the
    /// iteration and the number of earlier calls in this iteration.
    pub fn rng(&self) -> MinionRng {
        self.state.draw(self.state.next_draw())
    }

    /// An id that no other call gives: not in another iteration, of another minion or scenario, nor in another
    /// campaign, be it one of the same seed or a replay.
    ///
    /// [`rng`](Self::rng) gives the same data again; a system that takes each id once needs this one beside it. It is a
    /// UUID of version 4 for whoever looks at it.
    pub fn unique_id(&self) -> Uuid {
        let ScenarioContext { campaign, name, .. } = &**self.state.scenario();
        rng::unique(*campaign, name, self.state.index(), self.state.iteration(), self.state.next_id())
    }

    /// Index of this minion in its scenario, over all factories.
    pub fn index(&self) -> u32 {
        self.state.index()
    }

    /// Iteration of this minion, from 0.
    pub fn iteration(&self) -> u64 {
        self.state.iteration()
    }

    /// Zone of the factory that hosts this minion.
    pub fn zone(&self) -> Option<&str> {
        self.state.scenario().zone.as_deref()
    }

    /// Emits an event: a name, and a number, a duration, a text or a boolean as its value.
    ///
    /// It goes to the file of events, with the campaign, the scenario, the minion, its iteration and, inside
    /// of a step's action, the step; see `runner/docs/events.md`. Unless `report.export.events.enabled`
    /// is set and `level` is at least `report.export.events.level` it does nothing; but with `--log` or `RUST_LOG` it is
    /// a line of the log. It never waits: when
    /// too many events wait for the head it is dropped and counted. A name of more than 200 bytes and
    /// a text of more than 2 KB are cut.
    pub fn event(&self, level: Level, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let state = &self.state;
        let logged = spans::is_logged(level);
        if !logged && state.events().is_none_or(|events| !events.takes(level)) {
            return;
        }
        let (name, value) = (name.into(), value.into());
        if logged {
            spans::event(level, &name, &value);
        }
        if state.events().is_some_and(|events| events.takes(level)) {
            let own =
                |execution: &mut Execution| Arc::ptr_eq(&execution.minion, state).then_some(execution.step);
            let step = current::with(own).flatten();
            state.emit(state.scenario().clock.now(), step, level, name, value);
        }
    }
}

/// The state behind what a scenario sees of its minion: for joins, data and the engine.
pub fn state_of<S>(minion: &Minion<S>) -> &Arc<MinionState> {
    &minion.state
}
