//! A campaign of five minutes with a hundred steps, half of which fail.

use crate::sample::{Campaign, at, evidence};
use qalipsis_judge::report::Report;
use qalipsis_model::description::{Monitor, StepDescription};
use qalipsis_model::evidence::{Evidence, FailureKind};
use qalipsis_model::snapshot::{ExecutionOutcome, ScenarioFigures, StepKind};
use std::sync::LazyLock;

const STEPS: u32 = 100;
const SECONDS: u64 = 290;

/// Each second step fails, and each fourth is a verification; none awaits records.
pub(crate) static BUSY: LazyLock<Report> = LazyLock::new(busy);

fn busy() -> Report {
    let mut campaign = Campaign::healthy();
    let scenario = &mut campaign.described.scenario;
    scenario.steps = (0..STEPS)
        .map(|index| StepDescription {
            name: format!("{}-{index:03}", if is_check(index) { "check" } else { "step" }),
            description: String::new(),
            monitor: Monitor::None,
            optional: false,
        })
        .collect();
    scenario.criteria = Vec::new();
    campaign.figures = ScenarioFigures { released: 1000, ended: 1000, ..ScenarioFigures::default() };
    for second in 1..=SECONDS {
        let mut figures = ScenarioFigures::default();
        for index in 0..STEPS {
            let step = figures.steps.entry(index).or_default();
            step.kind = Some(if is_check(index) { StepKind::Verification } else { StepKind::Action });
            let slow = 1 + second * u64::from(index) % 97;
            let unit = if is_check(index) { 1_000 } else { 1_000_000 };
            step.record(ExecutionOutcome::Success, slow * unit, (slow + 2) * unit);
            step.minions = u64::from(second == 1) * 1000;
            if index % 2 == 1 && second % 60 == 0 {
                step.record(ExecutionOutcome::Failure, slow * unit, slow * unit);
                step.record_failure(FailureKind::Assertion, at(second as f64));
                step.failed_minions = 1;
            }
        }
        campaign.later.push((at(second as f64), figures));
    }
    let failing = (0..STEPS).filter(|index| index % 2 == 1);
    let kept = failing.map(|index| Evidence {
        location: None,
        ..evidence(u64::from(index), index, FailureKind::Assertion, "expected status 202, observed 503")
    });
    campaign.evidence = kept.collect();
    campaign.report()
}

fn is_check(index: u32) -> bool {
    index % 4 == 2
}
