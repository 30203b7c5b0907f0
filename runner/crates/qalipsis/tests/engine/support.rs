//! Runs a scenario in this process under a head.

use futures::future::join_all;
use qalipsis::core::model::environment::Environment;
use qalipsis::core::model::evidence::FailureKind;
use qalipsis::core::model::plan::{
    CampaignPlan, FactoryPlan, Limits, LoadShare, PropertyValues, Replay, ScenarioPlan, Stop,
};
use qalipsis::core::profile::segment::Segment;
use qalipsis::prelude::*;
use qalipsis_cluster::{HeadConnection, InProcess};
use qalipsis_engine::host;
use qalipsis_head::{Broadcast, Campaign, CampaignEvent, Command, EVENTS, Goal, Sinks};
use qalipsis_judge::described::Described;
use qalipsis_judge::report::{Report, StepReport};
use tokio::sync::{broadcast, mpsc};

/// How a test runs its scenario.
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) limits: Limits,
    pub(crate) segments: Vec<Segment>,
    /// Stops the load after a time.
    pub(crate) stop: Option<(Duration, Stop)>,
    /// Runs one iteration again.
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
        let described = vec![Described { crate_name: "tests".into(), scenario: described }];
        let factory = |(index, share): (usize, LoadShare)| FactoryPlan {
            campaign: campaign.clone(),
            factory: format!("factory-{index}"),
            zone: None,
            shares: vec![share],
            workers: Some(2),
            replay: self.replay.clone(),
        };
        let factories: Vec<FactoryPlan> =
            LoadShare::among(&self.segments).into_iter().enumerate().map(factory).collect();
        let (transport, ends) = InProcess::new(factories.len());
        let (requests, commands) = mpsc::channel(1);
        let (events, mut subscriber): (Broadcast, _) = broadcast::channel(EVENTS);
        let campaign = Campaign {
            plan: campaign,
            factories,
            described,
            goal: Goal::Run,
            git_revision: None,
            environment: Environment::default(),
            publishes_figures: false,
        };
        let hosted = ends.into_iter().map(async |end| {
            let head = HeadConnection::in_process(end).await.expect("a thread can be started");
            host(&[scenario()], "factory", head).await.expect("the head stays until the factory has ended");
        });
        let stopping = async {
            while let Ok(event) = subscriber.recv().await {
                if let (CampaignEvent::Started(_), Some((after, stop))) = (&*event, self.stop) {
                    tokio::time::sleep(after).await;
                    requests.send(Command::Stop(stop)).await.expect("the campaign runs");
                }
            }
        };
        let leading = campaign.run(transport, commands, Sinks::default(), events);
        let (report, _, ()) = tokio::join!(leading, join_all(hosted), stopping);
        report
    }
}

/// Nothing failed; a campaign that a test stopped says only that.
#[track_caller]
pub(crate) fn assert_nothing_failed(report: &Report, is_stopped: bool) {
    let reasons: Vec<&str> = report.reasons.iter().map(|reason| reason.message.as_str()).collect();
    let expected: &[&str] = if is_stopped { &["stopped by the user"] } else { &[] };
    assert_eq!(reasons, expected);
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
