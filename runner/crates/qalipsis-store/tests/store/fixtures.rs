//! What several tests store.

use qalipsis_model::location::SourceLocation;
use qalipsis_model::snapshot::{ExecutionOutcome, ScenarioFigures, StepFigures, StepKind};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::Status;
use qalipsis_store::{
    CampaignRecord, CampaignStatus, Keep, Location, ScenarioRecord, Slice, Store, StoreError, TimesRecord,
};
use std::path::Path;

/// A time of day, in seconds after the first.
pub(crate) fn second(number: u64) -> Timestamp {
    Timestamp(1_795_410_000_000_000_000 + number * 1_000_000_000)
}

pub(crate) async fn open(folder: &Path) -> Result<Store, StoreError> {
    open_keeping(folder, Keep::default()).await
}

pub(crate) async fn open_keeping(folder: &Path, keep: Keep) -> Result<Store, StoreError> {
    Store::open(&Location::Sqlite(folder.join("campaigns.db")), keep).await
}

/// A campaign that runs since the second of this number.
pub(crate) fn running(key: &str, started: u64) -> CampaignRecord {
    CampaignRecord {
        key: key.to_owned(),
        name: format!("campaign {key}"),
        status: CampaignStatus::Running,
        queued: second(started),
        started: Some(second(started)),
        ended: None,
        seed: u64::MAX - 7,
        exit_code: None,
        zones: vec!["eu".into(), "us".into()],
        causes: Vec::new(),
        replay_of: None,
        scenarios: vec![ScenarioRecord { name: "checkout".into(), minions: 10, ..ScenarioRecord::default() }],
    }
}

/// The same after it has ended so.
pub(crate) fn ended(mut campaign: CampaignRecord, status: Status) -> CampaignRecord {
    campaign.status = CampaignStatus::Ended(status);
    campaign.ended = campaign.started.map(|at| Timestamp(at.0 + 30_000_000_000));
    campaign.exit_code = Some(status.exit_code(false));
    if status != Status::Successful {
        campaign.causes =
            vec!["checkout, step 'pay': 3 of 10 executions failed".into(), "a 'second' one".into()];
    }
    for scenario in &mut campaign.scenarios {
        scenario.executions = 40;
        scenario.failures = 3;
        scenario.times = Some(TimesRecord { p50_ns: 1, p95_ns: 2, p99_ns: 3, max_ns: u64::MAX });
    }
    campaign
}

/// Numbers from 0 to 1, the same ones in each test.
pub(crate) fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What a step with so many executions in a second does: service times of a log-normal distribution around `median_ns`,
/// half of them within a factor of 1.5. Only the first step of an iteration is late when the iteration is: response times of
/// all others are their service times.
pub(crate) fn step(
    random: &mut impl FnMut() -> f64,
    index: u32,
    executions: u32,
    median_ns: f64,
) -> StepFigures {
    let mut step = StepFigures {
        kind: Some(StepKind::Action),
        location: Some(SourceLocation {
            file: "scenarios/checkout/src/main.rs".to_owned(),
            line: 30 + index,
            column: 14,
        }),
        ..StepFigures::default()
    };
    for _ in 0..executions {
        let normal: f64 = (0..12).map(|_| random()).sum::<f64>() - 6.0;
        let service = (median_ns * 1.5_f64.powf(normal / 0.6745)) as u64;
        let late = if index == 0 { (random() * 200_000.0) as u64 } else { 0 };
        let failed = random() < 0.01;
        let outcome = if failed { ExecutionOutcome::Failure } else { ExecutionOutcome::Success };
        step.record(outcome, service, service + late);
    }
    step.minions = executions.into();
    step
}

/// What a scenario does in a second.
pub(crate) fn slice(
    random: &mut impl FnMut() -> f64,
    number: u64,
    zone: Option<&str>,
    steps: u32,
    executions: u32,
) -> Slice {
    let mut figures = ScenarioFigures { released: 100, ended: 98, ..ScenarioFigures::default() };
    for _ in 0..100 {
        figures.release_lag.record((random() * 300_000.0) as u64);
    }
    for index in 0..steps {
        let median = 2e6 * f64::from(1 + index % 7);
        figures.steps.insert(index, step(random, index, executions, median));
    }
    figures.last_started = Some(second(number + 1));
    Slice { at: second(number), scenario: "checkout".into(), zone: zone.map(str::to_owned), figures }
}
