//! Runs a scenario in this process and judges it, as the head would.

use qalipsis::core::model::environment::Environment;
use qalipsis::core::model::evidence::FailureKind;
use qalipsis::core::model::plan::{
    CampaignPlan, FactoryPlan, Limits, PropertyValues, Replay, ScenarioPlan, Stop,
};
use qalipsis::core::model::timestamp::Timestamp;
use qalipsis::core::profile::segment::Segment;
use qalipsis::prelude::*;
use qalipsis_engine::{Event, prepare};
use qalipsis_judge::aggregate::Aggregate;
use qalipsis_judge::judge::{Described, Ending, JudgeInput, judge};
use qalipsis_judge::report::{Report, StepReport};
use std::time::SystemTime;

/// How a test runs its scenario.
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) limits: Limits,
    pub(crate) segments: Vec<Segment>,
    /// Stops the load after a time.
    pub(crate) stop: Option<(Duration, Stop)>,
    /// Runs one pass again.
    pub(crate) replay: Option<Replay>,
}

impl Default for Run {
    fn default() -> Self {
        let limits = Limits { drain: secs(5), ..Limits::default() };
        Self { seed: 1, limits, segments: vec![Segment::WHOLE], stop: None, replay: None }
    }
}

impl Run {
    pub(crate) fn of(self, scenario: impl Fn() -> Scenario) -> Report {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(self.campaign(scenario));
        // The counts of every campaign add up.
        assert!(!report.has_internal_errors, "{:?}", report.reasons);
        report
    }

    async fn campaign(self, scenario: impl Fn() -> Scenario) -> Report {
        let described = scenario().describe().clone();
        let campaign = CampaignPlan {
            key: "test".into(),
            name: "test".into(),
            seed: self.seed,
            scenarios: vec![ScenarioPlan {
                name: described.name.clone(),
                minions: described.minions,
                overload: None,
                profile: described.profile.clone(),
                properties: PropertyValues::default(),
                criteria: described.criteria.clone(),
            }],
            limits: self.limits.clone(),
            events: None,
        };
        let now = || Timestamp::from_system(SystemTime::now());
        let described = [Described { crate_name: "tests".into(), scenario: described }];
        let mut aggregate = Aggregate::of(&campaign, &described);
        let mut ending = Ending::Completed;
        let mut started = now();
        let mut running = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let plan = FactoryPlan {
                campaign: campaign.clone(),
                factory: format!("factory-{index}"),
                zone: None,
                segment: *segment,
                workers: Some(2),
                replay: self.replay.clone(),
            };
            match prepare(&[scenario()], plan).await {
                Ok(factory) => running.push(factory),
                Err(causes) => ending = Ending::NotReady(causes),
            }
        }
        if ending == Ending::Completed {
            started = now();
            aggregate.start(started);
            for (index, factory) in running.into_iter().enumerate() {
                let (handle, mut events) = factory.run(started);
                if let Some((after, stop)) = self.stop {
                    tokio::spawn(async move {
                        tokio::time::sleep(after).await;
                        handle.stop(stop);
                    });
                }
                loop {
                    match events.recv().await.expect("the engine tells its end") {
                        Event::Snapshot(snapshot) => {
                            aggregate.merge(&format!("factory-{index}"), None, &snapshot);
                        }
                        Event::Evidence(evidence) => aggregate.keep(&index.to_string(), *evidence),
                        Event::Trace(_) | Event::Events(_) | Event::Failures(_) => {}
                        Event::Stuck(who) => {
                            ending = Ending::Lost(who);
                            break;
                        }
                        Event::Ended => break,
                    }
                }
            }
        }
        judge(JudgeInput {
            plan: &campaign,
            described: &described,
            aggregate: &aggregate,
            ending: &ending,
            started,
            ended: now(),
            factories: Vec::new(),
            git_revision: None,
            environment: Environment::default(),
        })
    }
}

pub(crate) fn step<'a>(report: &'a Report, name: &str) -> &'a StepReport {
    report.scenarios[0].steps.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no step {name}"))
}

/// Executions, failed executions, and the kinds of the failures with their counts.
pub(crate) fn counts(report: &Report, name: &str) -> (u64, u64, Vec<(FailureKind, u64)>) {
    let step = step(report, name);
    let kinds = step.failures.iter().map(|f| (f.kind, f.count)).collect();
    (step.figures.executions(), step.figures.failures(), kinds)
}
