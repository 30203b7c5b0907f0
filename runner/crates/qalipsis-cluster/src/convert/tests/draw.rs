//! Draws messages from a list of numbers: shorter lists and smaller numbers give simpler messages.

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
use std::collections::BTreeMap;
use std::time::Duration;

const QUANTITIES: [Quantity; 17] = [
    Quantity::ResponseTime,
    Quantity::ServiceTime,
    Quantity::Latency,
    Quantity::Count,
    Quantity::Throughput,
    Quantity::ErrorRate,
    Quantity::Missing,
    Quantity::Late,
    Quantity::Lateness,
    Quantity::Duplicates,
    Quantity::Orphans,
    Quantity::Value,
    Quantity::Time,
    Quantity::Total,
    Quantity::Rate,
    Quantity::Growth,
    Quantity::Drain,
];

const OUTCOMES: [ExecutionOutcome; 4] = [
    ExecutionOutcome::Success,
    ExecutionOutcome::Failure,
    ExecutionOutcome::Error,
    ExecutionOutcome::Timeout,
];

/// Numbers to draw from; zeros follow.
pub(super) struct Draw<'a> {
    numbers: std::slice::Iter<'a, u64>,
}

impl<'a> Draw<'a> {
    pub(super) fn new(numbers: &'a [u64]) -> Self {
        Self { numbers: numbers.iter() }
    }

    fn number(&mut self) -> u64 {
        self.numbers.next().copied().unwrap_or(0)
    }

    fn small(&mut self) -> u32 {
        self.number() as u32
    }

    fn signed(&mut self) -> i64 {
        self.number() as i64
    }

    /// Finite: what is no number equals nothing.
    fn real(&mut self) -> f64 {
        self.signed() as f64 / 1_024.0
    }

    fn bool(&mut self) -> bool {
        self.number() % 2 == 1
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[(self.number() % all.len() as u64) as usize]
    }

    fn option<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.bool().then(|| draw(self))
    }

    fn list<T>(&mut self, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.number() % 4).map(|_| draw(self)).collect()
    }

    fn map<T>(&mut self, mut draw: impl FnMut(&mut Self) -> T) -> BTreeMap<String, T> {
        self.list(|d| (d.text(), draw(d))).into_iter().collect()
    }

    fn text(&mut self) -> String {
        match self.number() {
            0 => String::new(),
            short @ 1..8 => {
                ["place", "é", "{", "\n", "checkout", "\0", "日本"][short as usize - 1].to_owned()
            }
            number => number.to_string(),
        }
    }

    fn time(&mut self) -> Timestamp {
        Timestamp(self.number())
    }

    fn duration(&mut self) -> Duration {
        Duration::new(self.number(), self.small() % 1_000_000_000)
    }

    fn location(&mut self) -> SourceLocation {
        SourceLocation { file: self.text(), line: self.small(), column: self.small() }
    }

    fn histogram(&mut self) -> Histogram {
        let mut histogram = Histogram::default();
        for (ns, count) in self.list(|d| (d.number(), d.number() % (1 << 40))) {
            histogram.record_n(ns, count);
        }
        histogram
    }

    pub(super) fn head_message(&mut self) -> HeadMessage {
        let sequence = self.number();
        let message = match self.number() % 8 {
            0 => ToFactory::Start(self.time()),
            1 => ToFactory::Prepare(Box::new(self.factory_plan())),
            2 => ToFactory::Stop(self.pick(&[Stop::Graceful, Stop::Hard])),
            3 => ToFactory::Acknowledge(self.number()),
            4 => ToFactory::Pause,
            5 => ToFactory::Resume(self.duration()),
            6 => ToFactory::Conclude,
            _ => ToFactory::Resend(self.number()),
        };
        HeadMessage { sequence, message }
    }

    pub(super) fn factory_message(&mut self) -> FactoryMessage {
        let (incarnation, sequence, received) = (self.number(), self.number(), self.number());
        let message = match self.number() % 12 {
            0 => ToHead::Heartbeat,
            1 => ToHead::Hello { contract: self.small(), name: self.text() },
            2 => ToHead::Ready,
            3 => ToHead::NotReady(
                self.list(|d| NotReady { scenario: d.option(Self::text), message: d.text() }),
            ),
            4 => ToHead::Evidence(Box::new(self.evidence())),
            5 => ToHead::Trace(Box::new(self.trace())),
            6 => ToHead::Events(self.list(Self::event)),
            7 => ToHead::Failures(self.list(Self::failed)),
            8 => ToHead::Stuck(self.text()),
            9 => ToHead::Ended,
            10 => ToHead::Finished,
            _ => ToHead::Snapshot(Box::new(self.snapshot())),
        };
        FactoryMessage { incarnation, sequence, received, message }
    }

    fn factory_plan(&mut self) -> FactoryPlan {
        let scenarios = self.list(Self::scenario_plan);
        let shares = scenarios.iter().map(|_| LoadShare {
            segment: Segment { from: self.small(), to: self.small(), of: self.small() },
            role: self.pick(&[Role::Alone, Role::Leading, Role::Following]),
        });
        let shares = shares.collect();
        FactoryPlan {
            campaign: CampaignPlan {
                key: self.text(),
                name: self.text(),
                seed: self.number(),
                scenarios,
                limits: self.limits(),
                events: self.option(|d| EventsPlan { level: d.pick(&Level::ALL), buffer: d.small() }),
            },
            factory: self.text(),
            zone: self.option(Self::text),
            shares,
            workers: self.option(Self::small),
            replay: self
                .option(|d| Replay { iteration: d.number(), taken: d.map(|d| d.option(Self::number)) }),
        }
    }

    fn scenario_plan(&mut self) -> ScenarioPlan {
        ScenarioPlan {
            name: self.text(),
            minions: self.small(),
            profile: self.profile(),
            overload: self.option(|d| match d.number() % 3 {
                0 => Overload::Queue,
                1 => Overload::Drop(d.small()),
                _ => Overload::Abort(d.small()),
            }),
            properties: PropertyValues(self.map(Self::text)),
            criteria: self.list(Self::criterion),
        }
    }

    fn limits(&mut self) -> Limits {
        Limits {
            evidence: self.small(),
            iteration: self.duration(),
            warm_up: self.duration(),
            drain: self.duration(),
            campaign: self.option(Self::duration),
            campaign_hard: self.option(Self::duration),
            release_lag: self.duration(),
            dropped: self.number(),
            source_lag: self.number(),
            evidence_lost: self.number(),
            cpu: self.number() as u8,
            cpu_time: self.duration(),
            clock_jump: self.duration(),
            events_dropped: self.number(),
            factory_silence: self.duration(),
            failures: self.number(),
        }
    }

    fn profile(&mut self) -> Profile {
        match self.number() % 8 {
            0 => Profile::Immediate,
            1 => Profile::Regular { count: self.small(), every: self.duration() },
            2 => Profile::More {
                count: self.small(),
                every: self.duration(),
                multiplier: self.small(),
                max: self.small(),
            },
            3 => Profile::Faster {
                count: self.small(),
                start_every: self.duration(),
                accelerator: self.small(),
                min_every: self.duration(),
            },
            4 => Profile::Timeframe { every: self.duration(), within: self.duration() },
            5 => Profile::Stages {
                stages: self.list(|d| Stage {
                    share: if d.bool() { Share::Percent(d.small()) } else { Share::Minions(d.small()) },
                    ramp_up: d.duration(),
                    total: d.duration(),
                }),
                completion: self.pick(&[Completion::Graceful, Completion::Hard]),
            },
            6 => Profile::Arrivals {
                rates: self.list(|d| ArrivalRate {
                    per_hour: d.number(),
                    ramp: d.duration(),
                    total: d.duration(),
                }),
                spacing: if self.bool() { Spacing::Poisson { seed: self.number() } } else { Spacing::Even },
            },
            _ => Profile::Batches { batches: self.list(|d| Batch { at: d.duration(), count: d.small() }) },
        }
    }

    fn criterion(&mut self) -> Criterion {
        Criterion {
            subject: if self.bool() { Subject::Step(self.text()) } else { Subject::Meter(self.text()) },
            quantity: self.pick(&QUANTITIES),
            statistic: match self.number() % 5 {
                0 => Statistic::Value,
                1 => Statistic::Percentile(self.real()),
                2 => Statistic::Mean,
                3 => Statistic::Min,
                _ => Statistic::Max,
            },
            limit: match self.number() % 4 {
                0 => Limit::Below(self.real()),
                1 => Limit::AtMost(self.real()),
                2 => Limit::AtLeast(self.real()),
                _ => Limit::Between(self.real(), self.real()),
            },
            scope: Scope {
                window: match self.number() % 4 {
                    0 => Window::Whole,
                    1 => Window::After(self.duration()),
                    2 => Window::During(self.duration(), self.duration()),
                    _ => Window::Stage(self.small()),
                },
                zone: self.option(Self::text),
            },
            abort_after: self.option(Self::duration),
            location: self.location(),
        }
    }

    fn check(&mut self) -> FailedCheck {
        FailedCheck {
            name: self.text(),
            expected: self.text(),
            observed: self.text(),
            location: self.option(Self::location),
        }
    }

    fn evidence(&mut self) -> Evidence {
        Evidence {
            id: self.number(),
            scenario: self.text(),
            step: self.option(Self::small),
            at: self.time(),
            minion: self.option(Self::small),
            iteration: self.number(),
            taken: self.map(Self::number),
            zone: self.option(Self::text),
            attempt: self.small(),
            kind: self.pick(&FailureKind::ALL),
            code: self.text(),
            message: self.text(),
            checks: self.list(Self::check),
            exchanges: self.list(|d| ExchangeRecord {
                step: d.option(Self::text),
                at: d.time(),
                summary: d.text(),
                details: d.text(),
            }),
            exchanges_omitted: self.small(),
            notes: self.list(Self::text),
            source: self.option(Self::text),
            key: self.option(Self::text),
            trace_id: self.option(Self::text),
            location: self.option(Self::location),
        }
    }

    fn trace(&mut self) -> Trace {
        Trace {
            step: self.small(),
            kind: self.kind(),
            outcome: self.option(|d| d.pick(&OUTCOMES)),
            at: self.time(),
            service_ns: self.number(),
            latency_ns: self.option(Self::number),
            location: self.location(),
            trace_id: self.text(),
            exchanges: self.list(Self::text),
            failure: self.option(|d| TracedFailure {
                kind: d.pick(&FailureKind::ALL),
                code: d.text(),
                message: d.text(),
                checks: d.list(Self::check),
                input: d.option(Self::text),
                exchange: d.option(Self::text),
            }),
        }
    }

    fn kind(&mut self) -> StepKind {
        self.pick(&[StepKind::Action, StepKind::Verification, StepKind::Join])
    }

    fn event(&mut self) -> Event {
        Event {
            at: self.time(),
            level: self.pick(&Level::ALL),
            name: self.text().into(),
            value: match self.number() % 6 {
                0 => Value::Integer(self.signed()),
                1 => Value::Number(self.real()),
                2 => Value::Duration(self.number()),
                3 => Value::Text(self.text().into()),
                4 => Value::Bool(self.bool()),
                _ => Value::Execution(Executed {
                    outcome: self.option(|d| d.pick(&OUTCOMES)),
                    failure: self.option(|d| d.pick(&FailureKind::ALL)),
                    service_ns: self.number(),
                    response_ns: self.number(),
                }),
            },
            scenario: self.small(),
            step: self.option(Self::small),
            minion: self.small(),
            iteration: self.number(),
        }
    }

    fn failed(&mut self) -> FailedExecution {
        FailedExecution {
            at: self.time(),
            scenario: self.text(),
            step: self.option(Self::small),
            key: self.option(Self::text),
            minion: self.option(Self::small),
            iteration: self.number(),
            kind: self.pick(&FailureKind::ALL),
            message: self.text(),
            trace_id: self.option(Self::text),
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        Snapshot {
            sequence: self.number(),
            since: self.option(Self::time),
            at: self.time(),
            scenarios: self.map(Self::scenario),
            evidence_lost: self.number(),
            unlisted_failures: UnlistedFailures { beyond_limit: self.number(), dropped: self.number() },
            events_dropped: self.number(),
            health: Health {
                cpu: self.option(|d| CpuUse {
                    time_ms: d.number(),
                    machine: d.number() as u8,
                    own: d.number() as u8,
                }),
                clock_jump_ns: self.signed(),
            },
            blocked: self.option(|d| Blocked {
                longest: d.duration(),
                count: d.number(),
                scenario: d.text(),
                step: d.option(Self::text),
            }),
        }
    }

    fn scenario(&mut self) -> ScenarioFigures {
        ScenarioFigures {
            released: self.number(),
            dropped: self.number(),
            unreleased: self.number(),
            overloaded: self.option(Self::number),
            ended: self.number(),
            release_lag: self.histogram(),
            iterations: self.step(),
            steps: self.list(|d| (d.small(), d.step())).into_iter().collect(),
            joins: self.list(|d| (d.small(), d.join())).into_iter().collect(),
            meters: self.map(Self::readings),
            measured: self.map(Self::measured),
            data: self.map(|d| RecordsPerIteration { count: d.option(Self::number) }),
            data_files: self.map(Self::number),
            last_started: self.option(Self::time),
            last_ended: self.option(Self::time),
        }
    }

    fn times(&mut self) -> Box<Times> {
        let service = self.histogram();
        let response = if self.bool() { self.histogram() } else { service.clone() };
        Box::new(Times { service, response })
    }

    fn step(&mut self) -> StepFigures {
        StepFigures {
            kind: self.option(Self::kind),
            location: self.option(Self::location),
            success: self.option(Self::times),
            failure: self.option(Self::times),
            error: self.option(Self::times),
            timeout: self.option(Self::times),
            cancelled: self.number(),
            minions: self.number(),
            failed_minions: self.number(),
            first_failure: self.option(Self::time),
            last_failure: self.option(Self::time),
            kinds: self.list(|d| (d.pick(&FailureKind::ALL), d.signed())).into_iter().collect(),
            latency: self.option(|d| Box::new(d.histogram())),
            late: self.option(|d| Box::new(d.histogram())),
            in_gap: self.number(),
            flaky: self.number(),
            flaky_cause: self.option(Self::text),
            tolerance: self
                .option(|d| if d.bool() { Tolerance::Count(d.number()) } else { Tolerance::Share(d.real()) }),
        }
    }

    fn join(&mut self) -> JoinFigures {
        JoinFigures {
            name: self.text(),
            steps: self.list(Self::small),
            expected: self.number(),
            matched: self.number(),
            late: self.number(),
            missing: self.signed(),
            absent: self.number(),
            abandoned: self.number(),
            in_gap: self.number(),
            records: self.number(),
            taken: self.number(),
            abandoned_records: self.number(),
            bytes: self.number(),
            duplicates: self.number(),
            orphans: self.number() as i64,
            before_expected: self.number(),
            out_of_order: self.number(),
            evicted: self.number(),
            undecodable: self.number(),
            forgotten: self.number(),
            first_undecodable: self.option(Self::time),
            last_undecodable: self.option(Self::time),
            consumer_lag: self.option(Self::number),
            consumer_lag_max: self.option(Self::number),
            gaps: self.list(|d| Gap {
                from: d.time(),
                to: d.option(Self::time),
                lossy: d.bool(),
                cause: d.text(),
            }),
            gaps_total: self.number(),
            notices: self.map(|d| Notice {
                count: d.number(),
                first: d.time(),
                last: d.time(),
                message: d.text(),
            }),
            failed: self.option(Self::text),
        }
    }

    fn readings(&mut self) -> MeterFigures {
        MeterFigures {
            gauge: self.text(),
            unit: self.text(),
            series: self.list(|d| (d.time(), d.real())),
            parts: self.map(Self::real),
            count: self.number(),
            sum: self.real(),
            min: self.option(Self::real),
            max: self.option(Self::real),
            failures: self.number(),
            last_failure: self.option(Self::text),
        }
    }

    fn measured(&mut self) -> Measured {
        match self.number() % 5 {
            0 => Measured::Counter(self.number()),
            1 => Measured::Throughput(self.number()),
            2 => Measured::Rate { hits: self.number(), tries: self.number() },
            3 => Measured::Timer(Box::new(self.histogram())),
            _ => Measured::Summary(Box::new(Amounts::of(self.histogram(), self.number()))),
        }
    }
}
