//! Reports to show, judged from figures as a real campaign's are.

use qalipsis_judge::aggregate::Aggregate;
use qalipsis_judge::described::Described;
use qalipsis_judge::judge::{Ending, JudgeInput, judge};
use qalipsis_judge::report::{FactoryReport, Report};
use qalipsis_judge::zone::ZoneDifference;
use qalipsis_judge::zone::ZoneFigure;
use qalipsis_judge::zone::ZoneFigures;
use qalipsis_judge::zone::ZoneReport;
use qalipsis_model::control::Controls;
use qalipsis_model::criterion::Subject;
use qalipsis_model::criterion::{Durations, Meter, NumberFigure, Quantity};
use qalipsis_model::description::{MeterDescription, Monitor, ScenarioDescription, StepDescription};
use qalipsis_model::environment::{CrateVersion, Environment};
use qalipsis_model::evidence::{Evidence, ExchangeRecord, FailedCheck, FailureKind};
use qalipsis_model::histogram::Histogram;
use qalipsis_model::join::{Gap, JoinFigures};
use qalipsis_model::location::SourceLocation;
use qalipsis_model::measured::{Amounts, Measured, MeterKind};
use qalipsis_model::plan::{CampaignPlan, Limits, PropertyValues, ScenarioPlan};
use qalipsis_model::snapshot::{
    ExecutionOutcome, ScenarioFigures, Snapshot, StepFigures, StepKind, Tolerance,
};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_profile::profile::Profile;
use std::collections::BTreeMap;
use std::time::Duration;

/// 2026-11-23T05:06:07.089Z.
pub(crate) const STARTED: Timestamp = Timestamp(1_795_410_367_089_000_000);

const MS: u64 = 1_000_000;

pub(crate) const PLACE: u32 = 0;
pub(crate) const ACCEPTED: u32 = 1;
pub(crate) const FULFILLED: u32 = 2;
pub(crate) const REFUND: u32 = 3;

pub(crate) fn at(seconds: f64) -> Timestamp {
    STARTED.plus(Duration::from_secs_f64(seconds))
}

pub(crate) fn location(line: u32) -> SourceLocation {
    SourceLocation { file: "scenarios/checkout/src/lib.rs".into(), line, column: 9 }
}

/// A campaign of the scenario `checkout` to be filled with figures.
pub(crate) struct Campaign {
    pub(crate) described: Described,
    pub(crate) figures: ScenarioFigures,
    /// What factories reported of their zones, beside `figures`.
    pub(crate) by_zone: Vec<(&'static str, ScenarioFigures)>,
    /// What was reported later, and when; beside `figures`, which come in the first second.
    pub(crate) later: Vec<(Timestamp, ScenarioFigures)>,
    pub(crate) evidence: Vec<Evidence>,
    /// What users did meanwhile.
    pub(crate) controls: Controls,
    pub(crate) ending: Ending,
    pub(crate) zones: Vec<&'static str>,
}

impl Campaign {
    /// 1000 minions of which each did everything right.
    pub(crate) fn healthy() -> Self {
        let step = |name: &str, description: &str, optional| StepDescription {
            name: name.into(),
            description: description.into(),
            monitor: Monitor::None,
            optional,
        };
        let scenario = ScenarioDescription {
            name: "checkout".into(),
            description: "an accepted order is fulfilled and stored".into(),
            minions: 1000,
            overload: Default::default(),
            profile: Profile::timeframe(Duration::from_millis(100), Duration::from_secs(10)),
            steps: vec![
                step("place-order", "Places one order.", false),
                step("order-accepted", "The shop accepts it.", false),
                step("order-fulfilled", "The worker says so on Kafka.", false),
                step("refund", "", true),
            ],
            properties: Vec::new(),
            meters: Vec::new(),
            criteria: vec![
                Durations::of("place-order", Quantity::ResponseTime).p(95).below(Duration::from_millis(130)),
                Durations::of("order-fulfilled", Quantity::Latency).p(95).below(Duration::from_secs(2)),
                NumberFigure::of("place-order", Quantity::ErrorRate).at_most(0.01),
            ],
            location: location(31),
        };
        let mut campaign = Self {
            described: Described { crate_name: "checkout".into(), scenario },
            figures: ScenarioFigures::default(),
            by_zone: Vec::new(),
            later: Vec::new(),
            evidence: Vec::new(),
            controls: Controls::default(),
            ending: Ending::Completed,
            zones: vec!["eu", "us"],
        };
        for (index, criterion) in campaign.described.scenario.criteria.iter_mut().enumerate() {
            criterion.location = location(40 + index as u32);
        }
        campaign.figures.released = 1000;
        campaign.figures.ended = 1000;
        for n in 0..1000_u64 {
            campaign.figures.release_lag.record(200_000 + n * 100);
            campaign.figures.iterations.record(
                ExecutionOutcome::Success,
                300 * MS + n * MS,
                300 * MS + n * MS,
            );
            let place = 8 * MS + n * 40_000;
            campaign.ran(PLACE, ExecutionOutcome::Success, place, place + 200_000);
            campaign.ran(ACCEPTED, ExecutionOutcome::Success, 20_000 + n * 10, 20_000 + n * 10);
            let fulfilled = 250 * MS + n * MS;
            campaign.ran(FULFILLED, ExecutionOutcome::Success, fulfilled, fulfilled);
            campaign.step(FULFILLED).latency.get_or_insert_default().record(fulfilled + place);
        }
        for (index, kind, line) in [
            (PLACE, StepKind::Action, 87),
            (ACCEPTED, StepKind::Verification, 91),
            (FULFILLED, StepKind::Join, 96),
        ] {
            let step = campaign.step(index);
            step.kind = Some(kind);
            step.location = Some(location(line));
            step.minions = 1000;
        }
        campaign.figures.joins.insert(
            0,
            JoinFigures {
                name: "kafka topic orders.fulfilled".into(),
                steps: vec![FULFILLED],
                expected: 1000,
                matched: 1000,
                records: 1000,
                taken: 1000,
                bytes: 250_000,
                consumer_lag: Some(0),
                consumer_lag_max: Some(12),
                ..JoinFigures::default()
            },
        );
        campaign
    }

    /// As [`Self::healthy`], with meters of its own.
    pub(crate) fn measuring() -> Self {
        let mut campaign = Self::healthy();
        let meter = |name: &str, kind, unit: &str, description: &str| MeterDescription {
            name: name.into(),
            kind,
            unit: unit.into(),
            description: description.into(),
        };
        let scenario = &mut campaign.described.scenario;
        scenario.meters = vec![
            meter("baskets", MeterKind::Counter, "", "Baskets that were filled."),
            meter("stock", MeterKind::Gauge, "pieces", ""),
            meter("payment", MeterKind::Timer, "", ""),
            meter("amount", MeterKind::Summary, "EUR", ""),
            meter("accepted", MeterKind::Rate, "", "Offers <taken>."),
            meter("rows", MeterKind::Throughput, "rows", ""),
            meter("refund", MeterKind::Timer, "", ""),
        ];
        scenario.criteria = vec![
            Meter::named("payment").time().p(95).below(Duration::from_millis(500)),
            Meter::named("accepted").rate().at_least(0.9),
            Meter::named("refund").time().p(95).below(Duration::from_millis(500)),
        ];
        let (mut times, mut amounts) = (Histogram::default(), Amounts::default());
        for n in 1..=1000_u32 {
            times.record(u64::from(n) * MS);
            amounts.record(f64::from(n) / 10.0);
        }
        campaign.figures.measured = BTreeMap::from([
            ("baskets".to_owned(), Measured::Counter(12_345)),
            ("payment".to_owned(), Measured::Timer(Box::new(times))),
            ("amount".to_owned(), Measured::Summary(Box::new(amounts))),
            ("accepted".to_owned(), Measured::Rate { hits: 750, tries: 1000 }),
            ("rows".to_owned(), Measured::Throughput(50_000)),
        ]);
        let stock = campaign.figures.meters.entry("stock".to_owned()).or_default();
        "set by the scenario".clone_into(&mut stock.gauge);
        "pieces".clone_into(&mut stock.unit);
        [9.0, 4.0, 2.0]
            .into_iter()
            .enumerate()
            .for_each(|(second, value)| stock.record(at(second as f64), value));
        campaign
    }

    /// As [`Self::healthy`], but orders are refused, awaited events miss or are late, and others come twice.
    pub(crate) fn failing() -> Self {
        let mut campaign = Self::healthy();
        for n in 0..37_u64 {
            campaign.ran(ACCEPTED, ExecutionOutcome::Failure, 25_000, 25_000);
            let step = campaign.step(ACCEPTED);
            step.record_failure(FailureKind::Assertion, at(0.75 + n as f64 * 0.3));
        }
        campaign.step(ACCEPTED).failed_minions = 37;
        campaign.evidence.push(Evidence {
            checks: vec![
                FailedCheck {
                    name: "status".into(),
                    expected: "202".into(),
                    observed: "503".into(),
                    location: Some(location(92)),
                },
                FailedCheck {
                    name: "content type".into(),
                    expected: "application/json".into(),
                    observed: "text/html".into(),
                    location: Some(location(93)),
                },
            ],
            exchanges: vec![ExchangeRecord {
                step: Some("order-accepted".into()),
                at: at(0.7),
                summary: "POST http://127.0.0.1:8080/orders → 503 in 3.1 ms".into(),
                details: "POST http://127.0.0.1:8080/orders\n\n{\"sku\":\"tea\",\"quantity\":2}\n\nHTTP/1.1 503 Service Unavailable\n\n<h1>overloaded</h1>\n\ncontent-type: text/html".into(),
            }],
            ..evidence(1, ACCEPTED, FailureKind::Assertion, "expected status 202, observed 503")
        });
        for n in 0..12_u64 {
            campaign.ran(FULFILLED, ExecutionOutcome::Failure, 5_000 * MS, 5_000 * MS);
            let kind = if n < 9 { FailureKind::JoinMissing } else { FailureKind::JoinLate };
            let step = campaign.step(FULFILLED);
            step.record_failure(kind, at(1.5 + n as f64));
            if kind == FailureKind::JoinLate {
                step.late.get_or_insert_default().record(5_400 * MS);
            }
        }
        campaign.step(FULFILLED).failed_minions = 12;
        campaign.evidence.push(evidence(
            2,
            FULFILLED,
            FailureKind::JoinMissing,
            "no record for key 7f3a within 5 s on kafka topic orders.fulfilled",
        ));
        campaign.evidence.push(evidence(
            3,
            FULFILLED,
            FailureKind::JoinLate,
            "the record for key 11d0 came 400 ms after its deadline of 5 s",
        ));
        // A generator that queues shows in the response time only.
        for n in 0..200_u64 {
            campaign.ran(PLACE, ExecutionOutcome::Success, 60 * MS, (900 + n) * MS);
        }
        let join = campaign.figures.joins.get_mut(&0).expect("it was put there");
        (join.expected, join.late, join.missing) = (1012, 3, 9);
        (join.records, join.taken, join.duplicates, join.orphans) = (1008, 1003, 3, 2);
        campaign
    }

    /// As [`Self::failing`], but the reader was away for a while, and there is evidence of a duplicate.
    pub(crate) fn unread() -> Self {
        let mut campaign = Self::failing();
        let join = campaign.figures.joins.get_mut(&0).expect("it was put there");
        join.add_gap(&Gap {
            from: at(3.031),
            to: Some(at(4.915)),
            lossy: true,
            cause: "the connection was closed by the server (320 CONNECTION_FORCED)".into(),
        });
        join.notice("rebalance", at(2.0), "partitions 0 and 1 were assigned".into());
        join.notice("rebalance", at(9.0), "partition 2 was assigned".into());
        join.in_gap = 2;
        let missing = campaign.evidence.iter_mut().find(|one| one.kind == FailureKind::JoinMissing);
        let missing = missing.expect("it was put there");
        missing.key = Some("7f3a".into());
        missing.notes = vec!["the source could not be read 05:06:10.120-05:06:12.004 UTC".into()];
        let made = |second: f64, step: &str, summary: &str, details: &str| ExchangeRecord {
            step: Some(step.into()),
            at: at(second),
            summary: summary.into(),
            details: details.into(),
        };
        missing.exchanges = vec![
            made(
                1.0,
                "place-order",
                "POST http://127.0.0.1:8080/orders → 202 in 3.1 ms",
                "POST /orders\n\n{\"id\":\"7f3a\"}",
            ),
            made(
                1.1,
                "order-accepted",
                "SELECT status FROM orders → 1 row in 2 ms",
                "id 7f3a, status ACCEPTED",
            ),
        ];
        campaign.evidence.push(Evidence {
            source: Some("kafka topic orders.fulfilled".into()),
            key: Some("9c01".into()),
            step: None,
            exchanges: vec![ExchangeRecord {
                step: None,
                ..made(2.5, "", "kafka orders.fulfilled[0]@17, key 9c01", "{\"id\":\"9c01\",\"quantity\":3}")
            }],
            ..evidence(
                9,
                0,
                FailureKind::JoinDuplicate,
                "a second record of key 9c01, which was matched already",
            )
        });
        campaign
    }

    /// As [`Self::healthy`] in each of these zones, but the last is 2 s slower, and 40 of its minions are refused.
    pub(crate) fn in_zones(zones: &[&'static str]) -> Self {
        let mut campaign = Self::healthy();
        campaign.described.scenario.minions = 1000 * zones.len() as u32;
        let healthy = std::mem::take(&mut campaign.figures);
        campaign.zones = zones.to_vec();
        campaign.by_zone = zones.iter().map(|zone| (*zone, healthy.clone())).collect();
        let Some((slow, figures)) = campaign.by_zone.last_mut() else { return campaign };
        let place = figures.steps.entry(PLACE).or_default();
        *place = StepFigures {
            kind: place.kind,
            location: place.location.take(),
            minions: 1000,
            ..StepFigures::default()
        };
        for n in 0..1000_u64 {
            let time = 2_008 * MS + n * 40_000;
            place.record(ExecutionOutcome::Success, time, time + 200_000);
        }
        let accepted = figures.steps.entry(ACCEPTED).or_default();
        for n in 0..40_u64 {
            accepted.record(ExecutionOutcome::Failure, 25_000, 25_000);
            accepted.record_failure(FailureKind::Assertion, at(2.75 + n as f64 * 0.3));
        }
        accepted.failed_minions = 40;
        campaign.evidence.push(Evidence {
            zone: Some((*slow).into()),
            ..evidence(1, ACCEPTED, FailureKind::Assertion, "expected status 202, observed 503")
        });
        campaign
    }

    /// A campaign whose target was never there.
    pub(crate) fn not_ready() -> Self {
        let mut campaign = Self::healthy();
        campaign.figures = ScenarioFigures::default();
        campaign.ending = Ending::NotReady(vec![qalipsis_model::not_ready::NotReady {
            scenario: Some("checkout".into()),
            message: "http://127.0.0.1:1 refuses connections".into(),
        }]);
        campaign
    }

    /// As healthy, but for 4 iterations of the first step that took a retry, and 2 failures of the second that are tolerated.
    pub(crate) fn forgiven() -> Self {
        let mut campaign = Self::healthy();
        let first = campaign.step(0);
        first.flaky = 4;
        first.flaky_cause = Some("connection refused".into());
        let second = campaign.step(1);
        second.tolerate(Tolerance::share(0.05));
        second.failed_minions = 2;
        for _ in 0..2 {
            second.record_failure(FailureKind::Assertion, at(1.0));
            second.record(ExecutionOutcome::Failure, 1_000_000, 1_000_000);
        }
        campaign.evidence.push(evidence(1, 1, FailureKind::Assertion, "expected 202, observed 503"));
        campaign
    }

    pub(crate) fn step(&mut self, index: u32) -> &mut qalipsis_model::snapshot::StepFigures {
        self.figures.steps.entry(index).or_default()
    }

    pub(crate) fn ran(&mut self, index: u32, outcome: ExecutionOutcome, service: u64, response: u64) {
        self.step(index).record(outcome, service, response);
    }

    pub(crate) fn report(self) -> Report {
        let name = self.described.scenario.name.clone();
        let scenario = &self.described.scenario;
        let plan = CampaignPlan {
            key: "20261123-050607-k3v9".into(),
            name: "nightly".into(),
            seed: 42,
            scenarios: vec![ScenarioPlan {
                name: name.clone(),
                minions: scenario.minions,
                overload: None,
                profile: scenario.profile.clone(),
                properties: PropertyValues::default(),
                criteria: scenario.criteria.clone(),
            }],
            limits: Limits::default(),
            events: None,
        };
        let described = [self.described];
        let mut aggregate = Aggregate::of(&plan, &described);
        aggregate.start(STARTED);
        self.controls.pauses.iter().for_each(|pause| {
            aggregate.pause(pause.from);
            if let Some(until) = pause.until {
                aggregate.resume(until);
            }
        });
        self.controls.markers.into_iter().for_each(|marker| aggregate.mark(marker));
        let snapshot = Snapshot {
            at: at(1.0),
            scenarios: BTreeMap::from([(name.clone(), self.figures)]),
            ..Snapshot::default()
        };
        aggregate.split_by_zone(self.zones.iter().copied());
        aggregate.merge("f", None, &snapshot);
        for (until, figures) in self.later {
            let scenarios = BTreeMap::from([(name.clone(), figures)]);
            let since = Some(Timestamp(until.0 - 1_000_000_000));
            aggregate.merge(
                "factory",
                None,
                &Snapshot { since, at: until, scenarios, ..Snapshot::default() },
            );
        }
        for (zone, figures) in self.by_zone {
            let scenarios = BTreeMap::from([(name.clone(), figures)]);
            aggregate.merge("f", Some(zone), &Snapshot { scenarios, ..snapshot.clone() });
        }
        for evidence in self.evidence {
            aggregate.keep("factory", Evidence { scenario: name.clone(), ..evidence });
        }
        let factories = self
            .zones
            .iter()
            .enumerate()
            .map(|(i, zone)| FactoryReport::new(format!("factory-{i}"), Some((*zone).to_owned()), None));
        judge(JudgeInput {
            plan: &plan,
            described: &described,
            replay: false,
            aggregate: &aggregate,
            ending: &self.ending,
            started: STARTED,
            ended: at(19.25),
            notes: Vec::new(),
            factories: factories.collect(),
            git_revision: Some("5c86ed1".into()),
            environment: Environment {
                runner: "0.1.0".into(),
                crates: vec![CrateVersion { name: "checkout".into(), version: "2.3.4".into() }],
                rustc: Some("rustc 1.95.0".into()),
                host: Some("build-7".into()),
                os: "Debian GNU/Linux 12 (bookworm)".into(),
                architecture: "x86_64".into(),
                cpu: Some("A Processor".into()),
                cpus: 2,
                memory_bytes: Some(8 << 30),
                configuration: [("properties.password".into(), "***".into())].into(),
            },
        })
    }
}

pub(crate) fn evidence(id: u64, step: u32, kind: FailureKind, message: &str) -> Evidence {
    Evidence {
        id,
        scenario: String::new(),
        step: Some(step),
        at: at(0.75 * id as f64),
        minion: Some(12 + id as u32),
        iteration: 0,
        taken: Default::default(),
        zone: Some("us".into()),
        attempt: 1,
        kind,
        code: String::new(),
        message: message.into(),
        checks: Vec::new(),
        exchanges: Vec::new(),
        exchanges_omitted: 0,
        notes: Vec::new(),
        source: None,
        key: None,
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        location: Some(location(87 + step)),
    }
}

/// An exchange that is `text`.
pub(crate) fn exchange(text: &str) -> ExchangeRecord {
    ExchangeRecord { step: Some(text.into()), at: at(0.5), summary: text.into(), details: text.into() }
}

/// Everything that users can name and send, each as `text`.
pub(crate) fn hostile(text: &str) -> Report {
    let mut campaign = Campaign::failing();
    for evidence in &mut campaign.evidence {
        evidence.message = text.into();
        evidence.code = text.into();
        evidence.zone = Some(text.into());
        evidence.exchanges = vec![exchange(text)];
        evidence.notes = vec![text.into()];
        evidence.source = Some(text.into());
        evidence.key = Some(text.into());
        evidence.trace_id = Some(text.into());
        evidence.checks.push(FailedCheck {
            name: text.into(),
            expected: text.into(),
            observed: text.into(),
            location: Some(SourceLocation { file: text.into(), line: 1, column: 1 }),
        });
    }
    let scenario = &mut campaign.described.scenario;
    scenario.name = text.into();
    scenario.description = text.into();
    scenario.location.file = text.into();
    for (index, step) in scenario.steps.iter_mut().enumerate() {
        // Two of the same name: only the judge refuses them.
        step.name = if index < 2 { text.into() } else { format!("{text}{index}") };
    }
    for criterion in &mut scenario.criteria {
        criterion.subject = Subject::Step(text.into());
        criterion.location.file = text.into();
    }
    campaign.described.crate_name = text.into();
    for join in campaign.figures.joins.values_mut() {
        join.name = text.into();
    }
    let mut report = campaign.report();
    report.key = text.into();
    report.name = text.into();
    report.git_revision = Some(text.into());
    report.warnings.push(text.into());
    report.factories[0].lost = Some(text.into());
    for scenario in &mut report.scenarios {
        scenario.profile = text.into();
        scenario.zones = vec![text.into(); 2];
        let steps = (0..).zip(scenario.steps.iter().map(|step| step.figures.clone())).collect();
        let figures = ZoneFigures { steps, ..ZoneFigures::default() };
        scenario.by_zone = vec![ZoneReport { name: text.into(), figures }; 2];
        let figure = |value| ZoneFigure { zone: text.into(), value };
        scenario.zone_differences = vec![ZoneDifference {
            step: text.into(),
            quantity: Quantity::ResponseTime,
            worst: figure(2e9),
            best: figure(1e6),
        }];
        scenario.problems.push(qalipsis_judge::report::ScenarioProblem {
            name: text.into(),
            kind: FailureKind::Source,
            count: 2,
            message: text.into(),
            evidence: scenario.steps[1].failures[0].evidence.clone(),
        });
    }
    report
}
