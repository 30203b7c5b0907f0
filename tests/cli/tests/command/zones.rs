//! Factories in several zones, of which one is slow and answers wrongly: every output names it, with its own figures.

use crate::support::FIXTURE;
use qalipsis_agent::{Agent, Hosted, Output};
use qalipsis_cluster::InProcess;
use qalipsis_head::{Campaign, EVENTS, Goal, Sinks};
use qalipsis_judge::described::Described;
use qalipsis_judge::report::Report;
use qalipsis_model::description::ExecutableDescription;
use qalipsis_model::environment::Environment;
use qalipsis_model::plan::{CampaignPlan, FactoryPlan, Limits, LoadShare, PropertyValues, ScenarioPlan};
use qalipsis_profile::segment::Segment;
use qalipsis_report::console::{self, Style};
use qalipsis_report::{html, summary};
use qalipsis_summary::Summary;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};

const ZONES: [&str; 3] = ["north", "south", "west"];
const WEIGHTS: [u32; 3] = [40, 25, 35];
const MINIONS: u32 = 120;

/// Runs the scenario `regional` in one process for each zone.
fn run() -> Report {
    let described = Command::new(FIXTURE).arg("describe").output().unwrap();
    let described: ExecutableDescription = serde_json::from_slice(&described.stdout).unwrap();
    let scenario = described.scenarios.into_iter().find(|scenario| scenario.name == "regional").unwrap();
    let plan = CampaignPlan {
        key: "regions".into(),
        name: "regions".into(),
        seed: 1,
        scenarios: vec![ScenarioPlan {
            name: scenario.name.clone(),
            minions: MINIONS,
            overload: None,
            profile: scenario.profile.clone(),
            properties: PropertyValues::default(),
            criteria: Vec::new(),
        }],
        // How late a busy machine releases minions is not what this is about.
        limits: Limits { release_lag: Duration::from_secs(60), ..Limits::default() },
        events: None,
    };
    let factory = |(zone, share): (&&str, LoadShare)| FactoryPlan {
        campaign: plan.clone(),
        factory: format!("factory-{zone}"),
        zone: Some((*zone).to_owned()),
        shares: vec![share],
        workers: Some(1),
        replay: None,
    };
    let campaign = Campaign {
        plan: plan.clone(),
        factories: ZONES.iter().zip(LoadShare::among(&Segment::split(&WEIGHTS))).map(factory).collect(),
        described: vec![Described { crate_name: described.crate_name, scenario }],
        goal: Goal::Run,
        git_revision: None,
        environment: Environment::default(),
        publishes_figures: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (lines, _printed) = mpsc::channel(1_000);
        let (_nobody_stops, stops) = mpsc::channel(1);
        let (events, _nobody_watches) = broadcast::channel(EVENTS);
        let (transport, ends) = InProcess::new(ZONES.len());
        let mut agent = Agent::default();
        for (plan, end) in campaign.factories.iter().zip(ends) {
            let output = Output { lines: lines.clone(), prefix: None, dropped: Arc::default() };
            let hosted = Hosted { executable: FIXTURE.into(), name: plan.factory.clone(), log: None, output };
            agent.host(hosted, end).await.unwrap();
        }
        let report = campaign.run(transport, stops, Sinks::default(), events).await;
        agent.end().await;
        report
    })
}

#[test]
fn the_slow_zone_is_named_by_page_summary_and_console() {
    let report = run();
    let folder = tempfile::tempdir().unwrap();
    let summary = Summary::read(&summary::write(&report, folder.path()).unwrap()).unwrap();
    let page = std::fs::read_to_string(html::write(&report, folder.path()).unwrap()).unwrap();
    let console = console::render(&report, Style::default());
    assert_eq!(report.verdict(), "FAILED", "{console}");

    let hosted = |zone: usize| {
        let segment = Segment::split(&WEIGHTS)[zone];
        (0..MINIONS).filter(move |minion| segment.hosts(*minion))
    };
    let scenario = &summary.scenarios[0];
    assert_eq!(scenario.by_zone.len(), 3, "{console}");
    let refused = hosted(1).filter(|minion| minion.is_multiple_of(2)).count() as u64;
    for (index, zone) in scenario.by_zone.iter().enumerate() {
        let minions = hosted(index).count() as u64;
        assert_eq!((zone.zone.as_str(), zone.released), (ZONES[index], minions));
        let failed: Vec<_> = zone
            .steps
            .iter()
            .map(|s| (s.step.as_str(), s.figures.executions, s.figures.failed_minions))
            .collect();
        let wrong = if index == 1 { refused } else { 0 };
        assert_eq!(failed, [("order", minions, 0), ("answered", minions, wrong), ("stored", minions, 0)]);
        let join = &zone.joins[0];
        assert_eq!(
            (join.expected, join.awaited_by[0].matched, join.awaited_by[0].missing),
            (minions, minions, 0)
        );
    }
    for (index, step) in scenario.steps.iter().enumerate() {
        let mut all = qalipsis_model::histogram::Histogram::default();
        scenario.by_zone.iter().for_each(|zone| all.merge(&zone.steps[index].figures.outcomes.response()));
        assert_eq!(all, step.figures.outcomes.response(), "{}", step.name);
    }
    let kept = &scenario.steps[1].failures[0].kept;
    assert!(!kept.is_empty() && kept.iter().all(|kept| kept.zone.as_deref() == Some("south")), "{kept:?}");
    let mut worst: Vec<_> = scenario
        .zone_differences
        .iter()
        .map(|d| (d.step.as_str(), d.measure.as_str(), d.worst_zone.as_str()))
        .collect();
    worst.sort_unstable();
    assert_eq!(
        worst,
        [
            ("answered", "error rate", "south"),
            ("order", "response time", "south"),
            ("stored", "latency", "south"),
        ]
    );

    let share = format!("only in zone south: {refused} of its {} minions", hosted(1).count());
    for (output, text) in [("console", &console), ("page", &page)] {
        assert!(text.contains(&share), "{output}: {share}\n{console}");
        assert!(text.contains("zone south is slowest: "), "{output}\n{console}");
    }
    for zone in ZONES {
        assert!(page.contains(&format!(">{zone}, ")), "{zone}");
    }
}
