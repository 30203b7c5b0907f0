//! Criteria that are not met only because of a failure that is reported already.

use super::cause::Causes;
use super::observe::of_times;
use crate::report::Outcome;
use qalipsis_model::criterion::{Criterion, Limit, Quantity, Subject};
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::snapshot::{ScenarioFigures, StepFigures};

/// How a criterion came out of which `observed` is not within the limit.
pub(super) fn of_breach(
    criterion: &Criterion,
    observed: f64,
    scenario: &ScenarioDescription,
    figures: &ScenarioFigures,
    causes: &Causes,
) -> Outcome {
    let index = match &criterion.subject {
        Subject::Step(name) => scenario.steps.iter().position(|step| step.name == *name),
        Subject::Meter(_) => None,
    };
    if let Some(index) = index {
        let index = index as u32;
        let nothing = StepFigures::default();
        let step = figures.steps.get(&index).unwrap_or(&nothing);
        if let Some(cause) = of_own_step(criterion, step, causes.of_step(index), causes) {
            return Outcome::Repeats { cause };
        }
    }
    let Some(wanted) = lower(criterion.limit).filter(|wanted| observed < *wanted) else {
        return match causes.ended_early() {
            // What has not drained may only have had no time to.
            Some(cause) if criterion.quantity == Quantity::Drain && observed.is_infinite() => {
                Outcome::NotJudged { cause: cause.to_owned() }
            }
            _ => Outcome::Breached,
        };
    };
    let lacking = causes.lacking() as f64;
    let enough = match criterion.quantity {
        Quantity::Count | Quantity::Total => {
            if let Some(cause) = causes.ended_early() {
                return Outcome::NotJudged { cause: cause.to_owned() };
            }
            observed + lacking >= wanted
        }
        Quantity::Throughput => {
            let executions = index
                .and_then(|index| figures.steps.get(&(index as u32)))
                .map_or(0, StepFigures::executions) as f64;
            executions > 0.0 && observed * (executions + lacking) / executions >= wanted
        }
        _ => false,
    };
    match causes.of_skipping() {
        Some(cause) if enough => Outcome::Repeats { cause },
        _ => Outcome::Breached,
    }
}

/// The failure of the step itself that the criterion only repeats.
fn of_own_step(
    criterion: &Criterion,
    step: &StepFigures,
    own: Option<&str>,
    causes: &Causes,
) -> Option<String> {
    let without_failures = |times: Option<f64>| times.is_some_and(|figure| criterion.limit.allows(figure));
    let repeats = match criterion.quantity {
        Quantity::Missing => step.of_kind(FailureKind::JoinMissing) > 0,
        Quantity::Late | Quantity::Lateness => step.of_kind(FailureKind::JoinLate) > 0,
        Quantity::ErrorRate => is_upper(criterion.limit) && step.failures() > 0,
        Quantity::Latency => {
            without_failures(step.latency.as_deref().and_then(|times| of_times(times, criterion.statistic)))
        }
        Quantity::ResponseTime => without_failures(
            step.success.as_deref().and_then(|times| of_times(&times.response, criterion.statistic)),
        ),
        Quantity::ServiceTime => without_failures(
            step.success.as_deref().and_then(|times| of_times(&times.service, criterion.statistic)),
        ),
        _ => false,
    };
    if !repeats {
        return None;
    }
    match own {
        Some(cause) => Some(cause.to_owned()),
        // What fails without a kind is a stage: the step inside has failed.
        None if step.failures() > 0 && step.kinds.is_empty() => causes.of_skipping(),
        None => None,
    }
}

/// What a figure must at least be.
fn lower(limit: Limit) -> Option<f64> {
    match limit {
        Limit::AtLeast(low) | Limit::Between(low, _) => Some(low),
        Limit::Below(_) | Limit::AtMost(_) => None,
    }
}

fn is_upper(limit: Limit) -> bool {
    matches!(limit, Limit::Below(_) | Limit::AtMost(_) | Limit::Between(..))
}
