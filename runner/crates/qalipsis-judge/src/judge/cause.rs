//! What is reported already and explains what could not be judged: one cause, one failure.

use super::{Ending, JudgeInput, overloaded};
use crate::report::{ScenarioProblem, StepReport};
use qalipsis_model::duration::human;
use qalipsis_model::plan::ScenarioPlan;
use qalipsis_model::snapshot::ScenarioFigures;

/// The failures of a scenario and of its campaign, as far as others follow from them.
#[derive(Debug, Default)]
pub(super) struct Causes {
    /// Why the campaign did not come to its end.
    ended_early: Option<String>,
    /// Whether no load was started.
    not_started: bool,
    /// Failures outside of any step.
    problems: Vec<String>,
    /// Steps that failed: index and failure.
    steps: Vec<(u32, String)>,
    /// Executions that other steps may lack for these failures, and minions that were never released.
    lacking: u64,
    /// Whether these failures can have kept every iteration from a step.
    everywhere: bool,
}

impl Causes {
    pub(super) fn of(
        input: &JudgeInput<'_>,
        planned: &ScenarioPlan,
        figures: &ScenarioFigures,
        steps: &[StepReport],
        problems: &[ScenarioProblem],
    ) -> Self {
        let failed = (0_u32..).zip(steps).filter_map(|(index, step)| {
            let headline = step.headline.as_ref().or(step.cause.as_ref())?;
            Some((index, format!("step '{}' failed: {headline}", step.name)))
        });
        let failures: u64 =
            steps.iter().filter(|step| !step.failures.is_empty()).map(|step| step.figures.failures()).sum();
        let outside: u64 = problems.iter().map(|problem| problem.count).sum();
        let lacking = failures + outside + figures.dropped;
        // A closing check is no iteration: its first failure keeps it from all that comes after.
        let always_fails = |step: &StepReport| {
            step.figures.failures() > 0 && step.figures.failures() == step.figures.executions()
        };
        Self {
            ended_early: ended_early(input, planned),
            not_started: matches!(input.ending, Ending::NotReady(_) | Ending::InterruptedWarmUp(_)),
            problems: problems.iter().map(in_words).collect(),
            steps: failed.collect(),
            lacking,
            everywhere: lacking >= figures.iterations.executions() || steps.iter().any(always_fails),
        }
    }

    /// Why a step was never executed, when that is a consequence.
    pub(super) fn of_skipping(&self) -> Option<String> {
        let own = self.steps.iter().map(|(_, failure)| failure).chain(&self.problems);
        if self.not_started {
            return self.ended_early.clone();
        }
        own.chain(&self.ended_early).next().cloned()
    }

    /// Why nothing ever reached a step or a meter, when that is a consequence: of what failed now and then it is none,
    /// for the other iterations could have reached it.
    pub(super) fn of_unreached(&self) -> Option<String> {
        if self.not_started || self.ended_early.is_some() || self.everywhere {
            self.of_skipping()
        } else {
            None
        }
    }

    /// The failure of this step.
    pub(super) fn of_step(&self, index: u32) -> Option<&str> {
        self.steps.iter().find(|(step, _)| *step == index).map(|(_, failure)| failure.as_str())
    }

    /// Why the campaign did not come to its end.
    pub(super) fn ended_early(&self) -> Option<&str> {
        self.ended_early.as_deref()
    }

    /// Whether no load was started.
    pub(super) fn not_started(&self) -> bool {
        self.not_started
    }

    /// How many executions a step or meter may lack because others failed.
    pub(super) fn lacking(&self) -> u64 {
        self.lacking
    }
}

fn in_words(problem: &ScenarioProblem) -> String {
    match problem.name.as_str() {
        WARM_UP => format!("warm-up failed: {}", problem.message),
        name => format!("{name}: {}", problem.message),
    }
}

/// Name of the problem of a scenario that could not start.
pub(super) const WARM_UP: &str = "warm-up";

fn ended_early(input: &JudgeInput<'_>, planned: &ScenarioPlan) -> Option<String> {
    let why = match input.ending {
        Ending::Running => "the campaign is still running".to_owned(),
        Ending::Completed => {
            let (scenario, _) = overloaded(input)?;
            format!("the campaign was stopped by the overload policy of scenario '{scenario}'")
        }
        Ending::NotReady(causes) => {
            let own = causes.iter().find(|cause| cause.scenario.as_ref() == Some(&planned.name));
            let cause = own.or_else(|| causes.first())?;
            match &cause.scenario {
                Some(other) if *other != planned.name => {
                    format!("warm-up of scenario '{other}' failed: {}", cause.message)
                }
                _ => format!("warm-up failed: {}", cause.message),
            }
        }
        Ending::Interrupted => "the campaign was stopped by the user".to_owned(),
        Ending::InterruptedWarmUp(_) => "the campaign was stopped by the user during warm-up".to_owned(),
        Ending::TimedOut(limit) => {
            format!("the campaign was stopped after its limit of {} (campaign.timeout)", human(*limit))
        }
        Ending::Cancelled(limit) => {
            format!("the campaign was cancelled after its limit of {} (campaign.hard-timeout)", human(*limit))
        }
        Ending::Lost(why) => why.clone(),
        Ending::Breached(breach) => {
            format!("the campaign was stopped for the criterion '{}'", breach.criterion)
        }
    };
    Some(why)
}
