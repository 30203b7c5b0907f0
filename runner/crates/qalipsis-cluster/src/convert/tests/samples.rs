//! One message of each kind, with every field set.

use crate::message::{FactoryMessage, HeadMessage, ToFactory, ToHead};
use qalipsis_model::blocked::Blocked;
use qalipsis_model::criterion::{Criterion, Limit, Quantity, Statistic, Subject};
use qalipsis_model::event::{Event, Executed, Level, Value};
use qalipsis_model::evidence::{Evidence, ExchangeRecord, FailedCheck, FailureKind};
use qalipsis_model::failure::{FailedExecution, UnlistedFailures};
use qalipsis_model::health::{CpuUse, Health};
use qalipsis_model::histogram::Histogram;
use qalipsis_model::join::{Gap, JoinFigures, Notice};
use qalipsis_model::location::SourceLocation;
use qalipsis_model::measured::{Amounts, Measured};
use qalipsis_model::meter::MeterFigures;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{
    CampaignPlan, EventsPlan, FactoryPlan, Limits, LoadShare, PropertyValues, Replay, Role, ScenarioPlan,
    Stop,
};
use qalipsis_model::scope::{Scope, Window};
use qalipsis_model::snapshot::{
    ExecutionOutcome, RecordsPerIteration, ScenarioFigures, Snapshot, StepFigures, StepKind, Times, Tolerance,
};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::trace::{Trace, TracedFailure};
use qalipsis_profile::overload::Overload;
use qalipsis_profile::profile::{ArrivalRate, Batch, Completion, Profile, Share, Spacing, Stage};
use qalipsis_profile::segment::Segment;
use std::time::Duration;

const AT: Timestamp = Timestamp(1_795_410_367_089_000_000);
const LATER: Timestamp = Timestamp(1_795_410_368_089_000_000);

/// By name of their golden file.
pub(super) fn of_head() -> Vec<(&'static str, HeadMessage)> {
    let messages = [
        ("prepare", ToFactory::Prepare(Box::new(plan()))),
        ("start", ToFactory::Start(AT)),
        ("stop", ToFactory::Stop(Stop::Hard)),
        ("pause", ToFactory::Pause),
        ("conclude", ToFactory::Conclude),
        ("resume", ToFactory::Resume(Duration::new(90, 1_500_000))),
        ("acknowledge", ToFactory::Acknowledge(300)),
        ("resend", ToFactory::Resend(299)),
    ];
    messages.map(|(name, message)| (name, HeadMessage { sequence: 2, message })).into()
}

/// By name of their golden file.
pub(super) fn of_factory() -> Vec<(&'static str, FactoryMessage)> {
    let causes = vec![
        NotReady { scenario: Some("checkout".into()), message: "kafka://k:9092: connection refused".into() },
        NotReady { scenario: None, message: "no scenario".into() },
    ];
    let messages = [
        ("hello", ToHead::Hello { contract: 2, name: "checkout".into() }),
        ("ready", ToHead::Ready),
        ("finished", ToHead::Finished),
        ("not-ready", ToHead::NotReady(causes)),
        ("heartbeat", ToHead::Heartbeat),
        ("snapshot", ToHead::Snapshot(Box::new(snapshot()))),
        ("evidence", ToHead::Evidence(Box::new(evidence()))),
        ("trace", ToHead::Trace(Box::new(trace()))),
        ("events", ToHead::Events(events())),
        ("failures", ToHead::Failures(failures())),
        ("stuck", ToHead::Stuck("minion 3 of checkout in step place".into())),
        ("ended", ToHead::Ended),
    ];
    let numbered = |(name, message)| {
        (name, FactoryMessage { incarnation: 1_795_410_367_089, sequence: 300, received: 2, message })
    };
    messages.map(numbered).into()
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn location() -> SourceLocation {
    SourceLocation { file: "scenarios/checkout/src/main.rs".into(), line: 34, column: 5 }
}

fn histogram(samples: &[(u64, u64)]) -> Histogram {
    let mut histogram = Histogram::default();
    samples.iter().for_each(|(ns, count)| histogram.record_n(*ns, *count));
    histogram
}

fn plan() -> FactoryPlan {
    let scenario = |name: &str, profile, overload, criteria| ScenarioPlan {
        name: name.into(),
        minions: 1_000,
        profile,
        overload,
        properties: PropertyValues([("shop".into(), "http://127.0.0.1:8080".into())].into()),
        criteria,
    };
    let stage = |share| Stage { share, ramp_up: secs(1), total: secs(2) };
    let stages = vec![stage(Share::Percent(40)), stage(Share::Minions(7))];
    let rate = ArrivalRate { per_hour: 3_600, ramp: secs(1), total: secs(5) };
    let batches = vec![Batch { at: Duration::from_millis(1_500), count: 3 }];
    let scenarios = vec![
        scenario("immediate", Profile::Immediate, None, criteria()),
        scenario("regular", Profile::Regular { count: 2, every: secs(1) }, Some(Overload::Queue), Vec::new()),
        scenario(
            "more",
            Profile::More { count: 1, every: secs(1), multiplier: 1_500, max: 9 },
            Some(Overload::Drop(100)),
            Vec::new(),
        ),
        scenario(
            "faster",
            Profile::Faster { count: 1, start_every: secs(2), accelerator: 2_000, min_every: secs(1) },
            Some(Overload::Abort(100)),
            Vec::new(),
        ),
        scenario("timeframe", Profile::Timeframe { every: secs(1), within: secs(9) }, None, Vec::new()),
        scenario("stages", Profile::Stages { stages, completion: Completion::Hard }, None, Vec::new()),
        scenario(
            "arrivals",
            Profile::Arrivals { rates: vec![rate], spacing: Spacing::Poisson { seed: 7 } },
            None,
            Vec::new(),
        ),
        scenario("even", Profile::Arrivals { rates: vec![rate], spacing: Spacing::Even }, None, Vec::new()),
        scenario("batches", Profile::Batches { batches }, None, Vec::new()),
    ];
    let limits =
        Limits { campaign: Some(secs(600)), campaign_hard: Some(secs(660)), dropped: 1, ..Limits::default() };
    let shares = scenarios.iter().enumerate().map(|(index, _)| LoadShare {
        segment: Segment { from: 1, to: 3, of: 4 },
        role: [Role::Leading, Role::Following, Role::Alone][index % 3],
    });
    let shares: Vec<LoadShare> = shares.collect();
    FactoryPlan {
        campaign: CampaignPlan {
            key: "20261123-050607".into(),
            name: "nightly".into(),
            seed: 42,
            scenarios,
            limits,
            events: Some(EventsPlan { level: Level::Warn, buffer: 10_000 }),
        },
        factory: "checkout".into(),
        zone: Some("eu".into()),
        shares,
        workers: Some(2),
        replay: Some(Replay {
            iteration: 5,
            taken: [("orders".into(), Some(5)), ("users".into(), None)].into(),
        }),
    }
}

fn criteria() -> Vec<Criterion> {
    let criterion = |subject, quantity, statistic, limit, window| Criterion {
        subject,
        quantity,
        statistic,
        limit,
        scope: Scope { window, zone: Some("eu".into()) },
        abort_after: Some(secs(10)),
        location: location(),
    };
    let step = || Subject::Step("place".into());
    let meter = || Subject::Meter("items".into());
    vec![
        criterion(
            step(),
            Quantity::ResponseTime,
            Statistic::Percentile(95.0),
            Limit::Below(2.5e8),
            Window::Whole,
        ),
        criterion(step(), Quantity::ServiceTime, Statistic::Mean, Limit::AtMost(1e8), Window::After(secs(5))),
        criterion(
            step(),
            Quantity::ErrorRate,
            Statistic::Value,
            Limit::AtMost(0.01),
            Window::During(secs(5), secs(9)),
        ),
        criterion(meter(), Quantity::Time, Statistic::Min, Limit::AtLeast(10.0), Window::Stage(2)),
        criterion(meter(), Quantity::Value, Statistic::Max, Limit::Between(1.0, 2.0), Window::Whole),
    ]
}

fn snapshot() -> Snapshot {
    let figures = ScenarioFigures {
        released: 500,
        dropped: 1,
        unreleased: 2,
        overloaded: Some(100),
        ended: 498,
        release_lag: histogram(&[(0, 3), (1_000, 497)]),
        iterations: step(),
        steps: [
            (0, step()),
            (3, StepFigures { kind: Some(StepKind::Verification), ..StepFigures::default() }),
        ]
        .into(),
        joins: [(0, join())].into(),
        meters: [("lag".into(), readings())].into(),
        measured: [
            ("items".into(), Measured::Counter(12)),
            ("pages".into(), Measured::Throughput(13)),
            ("cached".into(), Measured::Rate { hits: 3, tries: 4 }),
            ("render".into(), Measured::Timer(Box::new(histogram(&[(5_000_000, 2)])))),
            ("total".into(), Measured::Summary(Box::new(Amounts::of(histogram(&[(49_990, 1)]), 1)))),
        ]
        .into(),
        data: [
            ("orders".into(), RecordsPerIteration { count: Some(2) }),
            ("users".into(), RecordsPerIteration { count: None }),
        ]
        .into(),
        data_files: [("orders".into(), 0x0123_4567_89AB_CDEF)].into(),
        last_started: Some(AT),
        last_ended: Some(LATER),
    };
    Snapshot {
        sequence: 12,
        since: Some(AT),
        at: LATER,
        scenarios: [("checkout".into(), figures)].into(),
        evidence_lost: 1,
        unlisted_failures: UnlistedFailures { beyond_limit: 2, dropped: 3 },
        events_dropped: 4,
        health: Health {
            cpu: Some(CpuUse { time_ms: 1_000, machine: 97, own: 50 }),
            clock_jump_ns: -60_000_000_000,
        },
        blocked: Some(Blocked {
            longest: Duration::from_millis(120),
            count: 2,
            scenario: "checkout".into(),
            step: Some("place".into()),
        }),
    }
}

fn step() -> StepFigures {
    let service = histogram(&[(1_000_000, 1), (1_010_000, 4), (2_000_000, 1_000)]);
    let same = || Some(Box::new(Times { service: service.clone(), response: service.clone() }));
    let response = histogram(&[(1_500_000, 1_005)]);
    StepFigures {
        kind: Some(StepKind::Join),
        location: Some(location()),
        success: same(),
        failure: Some(Box::new(Times { service: service.clone(), response })),
        error: same(),
        timeout: same(),
        cancelled: 1,
        minions: 500,
        failed_minions: 3,
        first_failure: Some(AT),
        last_failure: Some(LATER),
        kinds: [(FailureKind::JoinMissing, -2), (FailureKind::JoinLate, 3)].into(),
        // Longer than an hour, and a sum beyond 64 bits.
        latency: Some(Box::new(histogram(&[(u64::MAX, 2)]))),
        late: Some(Box::new(histogram(&[(3_600_000_000_001, 1)]))),
        in_gap: 1,
        flaky: 2,
        flaky_cause: Some("connection reset".into()),
        tolerance: Some(Tolerance::Share(0.05)),
    }
}

fn join() -> JoinFigures {
    JoinFigures {
        name: "kafka topic orders.fulfilled".into(),
        steps: vec![3, 4],
        expected: 100,
        matched: 90,
        late: 4,
        missing: -1,
        absent: 3,
        abandoned: 2,
        in_gap: 5,
        records: 110,
        taken: 97,
        abandoned_records: 6,
        bytes: 123_456,
        duplicates: 7,
        orphans: 8,
        before_expected: 9,
        out_of_order: 10,
        evicted: 11,
        undecodable: 12,
        forgotten: 13,
        first_undecodable: Some(AT),
        last_undecodable: Some(LATER),
        consumer_lag: Some(14),
        consumer_lag_max: Some(15),
        gaps: vec![
            Gap { from: AT, to: Some(LATER), lossy: true, cause: "connection reset by peer".into() },
            Gap { from: LATER, to: None, lossy: false, cause: "timed out".into() },
        ],
        gaps_total: 2,
        notices: [(
            "rebalance".into(),
            Notice { count: 2, first: AT, last: LATER, message: "partitions moved".into() },
        )]
        .into(),
        failed: Some("topic deleted".into()),
    }
}

fn readings() -> MeterFigures {
    MeterFigures {
        gauge: "lag of group fulfilment".into(),
        unit: "records".into(),
        series: vec![(AT, 3.0), (LATER, 4.5)],
        parts: [("partition 0".into(), 4.5)].into(),
        count: 2,
        sum: 7.5,
        min: Some(3.0),
        max: Some(4.5),
        failures: 1,
        last_failure: Some("connection refused".into()),
    }
}

fn check() -> FailedCheck {
    FailedCheck {
        name: "status".into(),
        expected: "202".into(),
        observed: "500".into(),
        location: Some(location()),
    }
}

fn evidence() -> Evidence {
    Evidence {
        id: 17,
        scenario: "checkout".into(),
        step: Some(0),
        at: AT,
        minion: Some(3),
        iteration: 5,
        taken: [("orders".into(), 5)].into(),
        zone: Some("eu".into()),
        attempt: 2,
        kind: FailureKind::Assertion,
        code: "status".into(),
        message: "expected 202, observed 500".into(),
        checks: vec![check()],
        exchanges: vec![ExchangeRecord {
            step: Some("place".into()),
            at: AT,
            summary: "POST http://127.0.0.1:8080/orders → 500 in 3.1 ms".into(),
            details: "POST /orders".into(),
        }],
        exchanges_omitted: 1,
        notes: vec!["the source could not read meanwhile".into()],
        source: Some("kafka topic orders.fulfilled".into()),
        key: Some("33cb".into()),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        location: Some(location()),
    }
}

fn trace() -> Trace {
    Trace {
        step: 1,
        kind: StepKind::Action,
        outcome: Some(ExecutionOutcome::Timeout),
        at: AT,
        service_ns: 3_100_000,
        latency_ns: Some(2_900_000),
        location: location(),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
        exchanges: vec!["POST /orders".into(), "202".into()],
        failure: Some(TracedFailure {
            kind: FailureKind::Timeout,
            code: "connect".into(),
            message: "no answer within 3 s".into(),
            checks: vec![check()],
            input: Some("{}".into()),
            exchange: Some("POST /orders".into()),
        }),
    }
}

fn events() -> Vec<Event> {
    let event = |name: &'static str, value, step| Event {
        at: AT,
        level: Level::Error,
        name: name.into(),
        value,
        scenario: 1,
        step,
        minion: 3,
        iteration: 5,
    };
    let executed = Executed {
        outcome: Some(ExecutionOutcome::Failure),
        failure: Some(FailureKind::Assertion),
        service_ns: 1_000,
        response_ns: 2_000,
    };
    vec![
        event("execution", Value::Execution(executed), Some(2)),
        event("execution", Value::Execution(Executed { outcome: None, failure: None, ..executed }), Some(2)),
        event("integer", Value::Integer(-3), None),
        event("number", Value::Number(1.5), None),
        event("duration", Value::Duration(2_000_000), None),
        event("text", Value::Text("paid".into()), None),
        event("bool", Value::Bool(true), None),
    ]
}

fn failures() -> Vec<FailedExecution> {
    let failed = |minion, key: Option<&str>| FailedExecution {
        at: AT,
        scenario: "checkout".into(),
        step: Some(3),
        key: key.map(str::to_owned),
        minion,
        iteration: 5,
        kind: FailureKind::JoinMissing,
        message: "none came within 2 s".into(),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
    };
    vec![failed(Some(3), Some("33cb")), failed(Some(4), Some("33cc")), failed(None, None)]
}
