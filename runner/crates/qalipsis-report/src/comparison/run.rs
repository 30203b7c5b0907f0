//! From a summary to what is compared.

use qalipsis_compare::{Measure, Run, ScenarioRun, Share, Subject, SubjectKind, load};
use qalipsis_summary::{Join, Scenario, Step, StepKind, Summary};
use std::time::Duration;

/// The run of a summary, known by `label`.
pub fn run(summary: &Summary, label: String) -> Run {
    let duration = Duration::from_nanos(summary.duration_ns);
    let scenario = |scenario: &Scenario| ScenarioRun {
        name: scenario.name.clone(),
        load: load(scenario.minions, &scenario.profile),
        duration,
        release_lag: scenario.release_lag.clone(),
        subjects: scenario
            .steps
            .iter()
            .map(|s| step(s, &scenario.joins))
            .chain(scenario.joins.iter().map(source))
            .collect(),
    };
    Run { label, scenarios: summary.scenarios.iter().map(scenario).collect() }
}

fn step(step: &Step, joins: &[Join]) -> Subject {
    let figures = &step.figures;
    let awaiting = joins.iter().flat_map(|join| &join.awaited_by).find(|a| a.step == step.name);
    let (times, shares) = match awaiting.filter(|_| step.kind == Some(StepKind::Join)) {
        // How long a minion waited says little: the record may be there before it begins to.
        Some(awaited) => {
            let mut latency = awaited.latency.clone();
            latency.merge(&awaited.lateness);
            let of = awaited.matched + awaited.late + awaited.missing;
            let share = |hits| Share { hits, of };
            let shares =
                vec![(Measure::Missing, share(awaited.missing)), (Measure::Late, share(awaited.late))];
            (vec![(Measure::Latency, latency)], shares)
        }
        None => {
            let times = figures.outcomes.success.iter().flat_map(|success| {
                [
                    (Measure::ResponseTime, success.response.clone()),
                    (Measure::ServiceTime, success.service.clone()),
                ]
            });
            let errors = Share { hits: figures.failed, of: figures.executions };
            (times.collect(), vec![(Measure::ErrorRate, errors)])
        }
    };
    Subject { kind: SubjectKind::Step, name: step.name.clone(), count: figures.executions, times, shares }
}

fn source(join: &Join) -> Subject {
    let share = |hits: u64| Share { hits, of: join.records.max(hits) };
    Subject {
        kind: SubjectKind::Source,
        name: join.name.clone(),
        count: join.records,
        times: Vec::new(),
        shares: vec![
            (Measure::Duplicates, share(join.duplicates)),
            (Measure::Orphans, share(join.orphans)),
            (Measure::OutOfOrder, share(join.out_of_order)),
            (Measure::Undecodable, share(join.undecodable)),
        ],
    }
}
