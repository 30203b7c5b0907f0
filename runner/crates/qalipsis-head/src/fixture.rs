//! What several tests of this crate begin with.

use crate::campaign::{Campaign, Goal};
use qalipsis_cluster::ToHead;
use qalipsis_judge::described::Described;
use qalipsis_judge::report::Report;
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::environment::Environment;
use qalipsis_model::location::SourceLocation;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{CampaignPlan, FactoryPlan, Limits, LoadShare, PropertyValues, ScenarioPlan};
use qalipsis_model::snapshot::{ScenarioFigures, Snapshot};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_profile::profile::Profile;
use std::time::Duration;

/// The wall clock at the origin of the monotonic one.
pub(crate) const START: Timestamp = Timestamp(1_795_410_367_000_000_000);

/// A plan of one scenario.
pub(crate) fn plan(limits: Limits) -> CampaignPlan {
    CampaignPlan {
        key: "key".into(),
        name: "name".into(),
        seed: 1,
        scenarios: vec![scenario("checkout")],
        limits,
        events: None,
    }
}

pub(crate) fn scenario(name: &str) -> ScenarioPlan {
    ScenarioPlan {
        name: name.to_owned(),
        minions: 10,
        profile: Profile::immediate(),
        overload: None,
        properties: PropertyValues::default(),
        criteria: Vec::new(),
    }
}

fn described(scenario: &ScenarioPlan) -> Described {
    let scenario = ScenarioDescription {
        name: scenario.name.clone(),
        description: String::new(),
        minions: scenario.minions,
        profile: scenario.profile.clone(),
        overload: Default::default(),
        steps: Vec::new(),
        properties: Vec::new(),
        meters: Vec::new(),
        criteria: Vec::new(),
        location: SourceLocation { file: "src/main.rs".into(), line: 1, column: 1 },
    };
    Described { crate_name: "checkout".into(), scenario }
}

/// A campaign whose factories have these names.
pub(crate) fn campaign(plan: CampaignPlan, factories: &[&str]) -> Campaign {
    let factory = |name: &&str| FactoryPlan {
        campaign: plan.clone(),
        factory: (*name).to_owned(),
        zone: None,
        shares: vec![LoadShare::WHOLE; plan.scenarios.len()],
        workers: None,
        replay: None,
    };
    Campaign {
        factories: factories.iter().map(factory).collect(),
        described: plan.scenarios.iter().map(described).collect(),
        plan,
        goal: Goal::Run,
        git_revision: None,
        environment: Environment::default(),
        publishes_figures: true,
    }
}

/// A snapshot in which so many minions of a scenario were released and ended.
pub(crate) fn snapshot(sequence: u64, at: Timestamp, scenario: &str, released: u64) -> ToHead {
    let figures = ScenarioFigures { released, ended: released, ..ScenarioFigures::default() };
    let scenarios = [(scenario.to_owned(), figures)].into();
    ToHead::Snapshot(Box::new(Snapshot { sequence, at, scenarios, ..Snapshot::default() }))
}

/// Why a world could not be opened.
pub(crate) fn not_ready(message: &str) -> ToHead {
    ToHead::NotReady(vec![NotReady { scenario: None, message: message.to_owned() }])
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn reasons(report: &Report) -> Vec<&str> {
    report.reasons.iter().map(|reason| reason.message.as_str()).collect()
}
