//! No gate that cannot fail: every measure on every kind of target with every limit is refused before anything runs, or
//! judged in earnest, or red at the end with its reason.

use super::{Described, Ending, JudgeInput, judge};
use crate::aggregate::Aggregate;
use crate::report::{CriterionReport, Outcome, Report};
use qalipsis_model::criterion::{Criterion, Limit, Quantity, Statistic, Subject};
use qalipsis_model::description::{MeterDescription, Monitor, ScenarioDescription, StepDescription};
use qalipsis_model::environment::Environment;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::impossible::CriterionProblem;
use qalipsis_model::location::SourceLocation;
use qalipsis_model::measured::{Amounts, Measured, MeterKind};
use qalipsis_model::plan::{CampaignPlan, Limits, PropertyValues, ScenarioPlan};
use qalipsis_model::scope::{Scope, Window};
use qalipsis_model::snapshot::{
    ExecutionOutcome, JoinFigures, ScenarioFigures, Snapshot, StepKind, Tolerance,
};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_profile::profile::Profile;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const START: Timestamp = Timestamp(1_000_000_000_000);
const MS: u64 = 1_000_000;

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

const STATISTICS: [Statistic; 5] =
    [Statistic::Percentile(95.0), Statistic::Mean, Statistic::Min, Statistic::Max, Statistic::Value];

const METERS: [(&str, MeterKind); 6] = [
    ("baskets", MeterKind::Counter),
    ("queue", MeterKind::Gauge),
    ("payment", MeterKind::Timer),
    ("amount", MeterKind::Summary),
    ("accepted", MeterKind::Rate),
    ("offers", MeterKind::Throughput),
];

const STEPS: [&str; 6] = ["place", "checked", "fulfilled", "whole", "never", "maybe"];
const PLACE: u32 = 0;
const FULFILLED: u32 = 2;

/// What becomes of a criterion of such a measure on such a target, over many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// Some runs meet it, others do not.
    Judged,
    /// Before anything runs.
    Refused,
    /// Whatever the run, and each time with a reason.
    NeverMet,
}

fn described() -> Described {
    let step = |name: &str| StepDescription {
        name: name.into(),
        description: String::new(),
        monitor: Monitor::None,
        optional: name == "maybe",
    };
    let meter = |(name, kind): (&str, MeterKind)| MeterDescription {
        name: name.to_owned(),
        kind,
        unit: String::new(),
        description: String::new(),
    };
    Described {
        crate_name: "shop".into(),
        scenario: ScenarioDescription {
            name: "checkout".into(),
            description: String::new(),
            minions: 10,
            overload: Default::default(),
            profile: Profile::immediate(),
            steps: STEPS.map(step).to_vec(),
            properties: Vec::new(),
            meters: METERS.map(meter).to_vec(),
            criteria: Vec::new(),
            location: SourceLocation { file: "main.rs".into(), line: 1, column: 1 },
        },
    }
}

fn planned(criteria: Vec<Criterion>) -> ScenarioPlan {
    ScenarioPlan {
        name: "checkout".into(),
        minions: 10,
        overload: None,
        profile: Profile::immediate(),
        properties: PropertyValues::default(),
        criteria,
    }
}

/// A run of 10 s in which `n` executions of each step, but for those that never run, end so.
#[derive(Debug, Clone, Copy)]
struct Sample {
    n: u64,
    time_ms: u64,
    /// Of each step, and of the awaited records.
    failing: bool,
    /// Of duplicates and orphans, and of what the meters hold.
    much: bool,
}

fn figures(sample: Sample) -> ScenarioFigures {
    let Sample { n, time_ms, failing, much } = sample;
    let mut figures = ScenarioFigures { released: n, ended: n, ..ScenarioFigures::default() };
    let ns = time_ms * MS;
    let at = |second: u64| START.plus(Duration::from_secs(second));
    let outcome = if failing { ExecutionOutcome::Failure } else { ExecutionOutcome::Success };
    (0..n).for_each(|_| figures.iterations.record(outcome, ns, ns));
    for (index, kind) in [
        (0, StepKind::Action),
        (1, StepKind::Verification),
        (FULFILLED, StepKind::Join),
        (3, StepKind::Action),
    ] {
        let step = figures.steps.entry(index).or_default();
        step.kind = Some(kind);
        step.minions = n;
        for _ in 0..n {
            step.record(outcome, ns, ns);
            // A tolerated failure leaves the judgement to the criteria.
            step.tolerate(Tolerance::Count(1_000_000));
        }
    }
    let fulfilled = figures.steps.entry(FULFILLED).or_default();
    for i in 0..n {
        match (failing, i % 2) {
            (false, _) => fulfilled.latency.get_or_insert_default().record(ns),
            (true, 0) => fulfilled.record_failure(FailureKind::JoinMissing, at(1)),
            (true, _) => {
                fulfilled.record_failure(FailureKind::JoinLate, at(1));
                fulfilled.late.get_or_insert_default().record(ns);
            }
        }
    }
    figures.joins.insert(
        0,
        JoinFigures {
            name: "kafka topic orders".into(),
            steps: vec![FULFILLED],
            expected: n,
            records: n,
            duplicates: if much { 100 } else { 0 },
            orphans: if much { 100 } else { 0 },
            ..JoinFigures::default()
        },
    );
    let level = if much { 100 } else { 1 };
    for name in ["queue", "lag"] {
        let meter = figures.meters.entry(name.to_owned()).or_default();
        for second in 0..n.min(9) {
            let value = if much { level + second } else { level };
            meter.record(at(second), value as f64);
        }
    }
    let (mut times, mut amounts) = (Histogram::default(), Amounts::default());
    for _ in 0..n {
        times.record(ns);
        amounts.record(level as f64);
    }
    figures.measured = BTreeMap::from([
        ("baskets".to_owned(), Measured::Counter(level)),
        ("payment".to_owned(), Measured::Timer(Box::new(times))),
        ("amount".to_owned(), Measured::Summary(Box::new(amounts))),
        ("accepted".to_owned(), Measured::Rate { hits: if much { n } else { 0 }, tries: n }),
        ("offers".to_owned(), Measured::Throughput(level)),
    ]);
    figures.last_started = Some(at(1));
    figures.last_ended = Some(at(10));
    figures
}

fn run(criteria: Vec<Criterion>, figures: ScenarioFigures, ending: &Ending) -> Report {
    let described = [described()];
    let plan = CampaignPlan {
        key: "key".into(),
        name: "name".into(),
        seed: 1,
        scenarios: vec![planned(criteria)],
        limits: Limits::default(),
        events: None,
    };
    let mut aggregate = Aggregate::of(&plan, &described);
    aggregate.start(START);
    let scenarios = BTreeMap::from([("checkout".to_owned(), figures)]);
    let at = START.plus(Duration::from_secs(10));
    aggregate.merge("f", None, &Snapshot { at, scenarios, ..Snapshot::default() });
    judge(JudgeInput {
        plan: &plan,
        described: &described,
        replay: false,
        aggregate: &aggregate,
        ending,
        started: START,
        ended: at,
        notes: Vec::new(),
        factories: Vec::new(),
        git_revision: None,
        environment: Environment::default(),
    })
}

fn judged(criterion: Criterion, sample: Sample) -> CriterionReport {
    run(vec![criterion], figures(sample), &Ending::Completed).scenarios.remove(0).criteria.remove(0)
}

/// A figure in the middle of what runs have.
fn middle(quantity: Quantity) -> f64 {
    match quantity {
        Quantity::ErrorRate | Quantity::Rate => 0.5,
        Quantity::Throughput => 1.5,
        Quantity::Count => 5.0,
        Quantity::Missing | Quantity::Late => 2.0,
        Quantity::Duplicates | Quantity::Orphans | Quantity::Value | Quantity::Total => 50.0,
        Quantity::Growth => 3e9,
        Quantity::Drain => 30e9,
        _ => 100.0 * MS as f64,
    }
}

fn criterion(subject: &Subject, quantity: Quantity, statistic: Statistic, limit: Limit) -> Criterion {
    Criterion {
        subject: subject.clone(),
        quantity,
        statistic,
        limit,
        scope: Scope::default(),
        abort_after: None,
        location: SourceLocation { file: "main.rs".into(), line: 1, column: 1 },
    }
}

fn problem(criterion: &Criterion) -> Option<CriterionProblem> {
    let described = described();
    criterion
        .problem(&described.scenario, &Profile::immediate())
        .or_else(|| criterion.beyond(&planned(Vec::new()), &Limits::default()))
}

const SAMPLES: [Sample; 6] = [
    Sample { n: 2, time_ms: 1, failing: false, much: false },
    Sample { n: 40, time_ms: 1, failing: false, much: false },
    Sample { n: 40, time_ms: 9_000, failing: false, much: true },
    Sample { n: 40, time_ms: 1, failing: true, much: true },
    Sample { n: 40, time_ms: 9_000, failing: true, much: false },
    Sample { n: 2, time_ms: 9_000, failing: true, much: true },
];

fn fate(criterion: &Criterion) -> Fate {
    if problem(criterion).is_some() {
        return Fate::Refused;
    }
    let reports: Vec<CriterionReport> =
        SAMPLES.into_iter().map(|sample| judged(criterion.clone(), sample)).collect();
    let met = reports.iter().filter(|report| report.is_met()).count();
    assert!(met < reports.len(), "{criterion} is met by every run");
    for report in &reports {
        assert!(
            report.is_met() || report.observed.is_some() || report.no_data.is_some(),
            "{criterion} says nothing of why"
        );
    }
    if met == 0 { Fate::NeverMet } else { Fate::Judged }
}

/// What must become of it.
fn expected(subject: &Subject, quantity: Quantity, statistic: Statistic) -> Fate {
    match subject {
        Subject::Step(name) => {
            let of_times = matches!(
                quantity,
                Quantity::ResponseTime | Quantity::ServiceTime | Quantity::Latency | Quantity::Lateness
            );
            let of_counts = matches!(
                quantity,
                Quantity::Count
                    | Quantity::Throughput
                    | Quantity::ErrorRate
                    | Quantity::Missing
                    | Quantity::Late
                    | Quantity::Duplicates
                    | Quantity::Orphans
            );
            match (statistic == Statistic::Value, name.as_str()) {
                (true, _) if !of_counts => Fate::Refused,
                (false, _) if !of_times => Fate::Refused,
                (_, "never" | "maybe") => Fate::NeverMet,
                (_, "fulfilled") => Fate::Judged,
                _ if quantity.is_of_joins() => Fate::NeverMet,
                _ => Fate::Judged,
            }
        }
        Subject::Meter(name) => match METERS.iter().find(|(meter, _)| meter == name) {
            Some((_, kind)) if kind.has(quantity, statistic) => Fate::Judged,
            Some(_) => Fate::Refused,
            None => {
                let watched = match quantity {
                    Quantity::Value => !matches!(statistic, Statistic::Percentile(_)),
                    _ => matches!(quantity, Quantity::Count | Quantity::Growth | Quantity::Drain),
                };
                match (watched, name.as_str()) {
                    (false, _) => Fate::Refused,
                    (true, "lag") => Fate::Judged,
                    (true, _) => Fate::NeverMet,
                }
            }
        },
    }
}

fn subjects() -> Vec<Subject> {
    let steps = STEPS.into_iter().map(|name| Subject::Step(name.to_owned()));
    let meters = METERS.into_iter().map(|(name, _)| name).chain(["lag", "unwatched"]);
    steps.chain(meters.map(|name| Subject::Meter(name.to_owned()))).collect()
}

#[test]
fn a7_every_measure_on_every_target_can_fail_or_is_refused_or_is_red() {
    let mut seen = BTreeSet::new();
    for subject in subjects() {
        for quantity in QUANTITIES {
            for statistic in STATISTICS {
                let limit = middle(quantity);
                for limit in [Limit::Below(limit), Limit::AtMost(limit), Limit::AtLeast(limit)] {
                    let criterion = criterion(&subject, quantity, statistic, limit);
                    let fate = fate(&criterion);
                    let mut wanted = expected(&subject, quantity, statistic);
                    // A backlog of these runs drains at once or never.
                    if quantity == Quantity::Drain && fate == Fate::NeverMet && wanted == Fate::Judged {
                        wanted = if matches!(limit, Limit::AtLeast(_)) { fate } else { wanted };
                    }
                    assert_eq!(fate, wanted, "{criterion}");
                    seen.insert(fate);
                }
            }
        }
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn limits_that_can_never_fail_or_never_be_met_are_refused() {
    let judged =
        |subject: &Subject, quantity, statistic| expected(subject, quantity, statistic) != Fate::Refused;
    for subject in subjects() {
        for quantity in QUANTITIES {
            for statistic in STATISTICS {
                if !judged(&subject, quantity, statistic) {
                    continue;
                }
                let refused =
                    |limit: Limit| problem(&criterion(&subject, quantity, statistic, limit)).is_some();
                for limit in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    for limit in [Limit::Below(limit), Limit::AtMost(limit), Limit::AtLeast(limit)] {
                        assert!(refused(limit), "{subject:?} {quantity:?} {limit:?}");
                    }
                }
                assert!(refused(Limit::Between(2.0, 1.0)), "{subject:?} {quantity:?}");
                if quantity == Quantity::Value {
                    continue;
                }
                for limit in
                    [Limit::Below(0.0), Limit::AtMost(-1.0), Limit::AtLeast(0.0), Limit::AtLeast(-1.0)]
                {
                    assert!(refused(limit), "{subject:?} {quantity:?} {limit:?}");
                }
                if matches!(quantity, Quantity::ErrorRate | Quantity::Rate) {
                    for limit in [Limit::AtMost(1.0), Limit::Between(0.0, 1.0), Limit::Below(1.5)] {
                        assert!(refused(limit), "{subject:?} {quantity:?} {limit:?}");
                    }
                    assert!(!refused(Limit::Below(1.0)) && !refused(Limit::AtLeast(1.0)));
                }
                // Longer than the campaign can last.
                let year = Duration::from_secs(365 * 86_400).as_nanos() as f64;
                if matches!(quantity, Quantity::ResponseTime | Quantity::Latency | Quantity::Growth) {
                    assert!(refused(Limit::Below(year)) && refused(Limit::AtLeast(year)), "{quantity:?}");
                }
            }
        }
    }
}

fn on(step: &str, quantity: Quantity, statistic: Statistic) -> Criterion {
    let limit = if quantity.is_of_joins() { Limit::AtMost(0.0) } else { Limit::Below(1e9) };
    criterion(&Subject::Step(step.into()), quantity, statistic, limit)
}

#[test]
fn a7_a_criterion_on_missing_records_of_a_step_that_awaits_none_is_red() {
    let sample = Sample { n: 40, time_ms: 1, failing: false, much: false };
    let report =
        run(vec![on("place", Quantity::Missing, Statistic::Value)], figures(sample), &Ending::Completed);
    let kinds: Vec<_> = report.reasons.iter().filter(|r| r.step.as_deref() == Some("place")).collect();
    assert_eq!(kinds.len(), 1);
    assert_eq!(kinds[0].kind, Some(FailureKind::NoData));
    assert_eq!(
        kinds[0].message,
        "expected missing at most 0, observed no data: step 'place' awaited no record, so a criterion on missing \
         records cannot be judged there; it belongs on 'fulfilled'"
    );
}

#[test]
fn a8_a_window_that_no_execution_reached_says_so() {
    let sample = Sample { n: 40, time_ms: 1, failing: false, much: false };
    let mut late = on("place", Quantity::Count, Statistic::Value);
    late.scope.window = Window::After(Duration::from_secs(60));
    assert_eq!(problem(&late), None, "an iteration may take so long");
    let report = judged(late.clone(), sample);
    assert_eq!(
        report.no_data.as_deref(),
        Some("no execution of step 'place' ended after 60 s; the last iteration ended after 10 s")
    );
    assert_eq!(report.outcome, Outcome::Breached);
    late.scope.window = Window::After(Duration::from_secs(300 * 3600));
    assert!(matches!(problem(&late), Some(CriterionProblem::WindowAfterCampaign(_))), "{late}");
    late.scope.window = Window::Whole;
    late.abort_after = Some(Duration::from_secs(3600));
    assert!(matches!(problem(&late), Some(CriterionProblem::AbortAfterWindow { .. })), "{late}");
    late.scope.window = Window::During(Duration::from_secs(1), Duration::from_secs(4));
    late.abort_after = Some(Duration::from_secs(3));
    let seconds = Duration::from_secs(3);
    assert_eq!(problem(&late), Some(CriterionProblem::AbortAfterWindow { after: seconds, window: seconds }));
    late.abort_after = Some(Duration::from_secs(2));
    assert_eq!(problem(&late), None);
}

#[test]
fn a12_without_data_it_says_what_is_the_case() {
    let latency = criterion(
        &Subject::Step("fulfilled".into()),
        Quantity::Latency,
        Statistic::Percentile(95.0),
        Limit::Below(1e9),
    );
    let criteria = vec![latency, on("fulfilled", Quantity::Lateness, Statistic::Max)];
    let why = "255 executions of step 'fulfilled' ended, but no awaited record came";

    // A join may do without a record.
    let mut figures = figures(Sample { n: 255, time_ms: 1, failing: false, much: false });
    figures.steps.entry(FULFILLED).or_default().latency = None;
    let without = run(criteria.clone(), figures.clone(), &Ending::Completed);
    let reports = &without.scenarios[0].criteria;
    assert_eq!((reports[0].no_data.as_deref(), &reports[0].outcome), (Some(why), &Outcome::Breached));
    assert_eq!(reports[0].failure_kind(), FailureKind::NoData);
    assert!(reports[1].is_met(), "nothing was late");

    // When the step itself has failed, the criterion follows.
    let fulfilled = figures.steps.entry(FULFILLED).or_default();
    fulfilled.failure = fulfilled.success.take();
    fulfilled.kinds = BTreeMap::from([(FailureKind::JoinMissing, 255)]);
    fulfilled.tolerance = None;
    let failed = run(criteria, figures, &Ending::Completed);
    let reports = &failed.scenarios[0].criteria;
    assert_eq!(reports[0].no_data.as_deref(), Some(why));
    assert!(
        matches!(&reports[0].outcome, Outcome::NotJudged { cause } if cause.starts_with("step 'fulfilled' failed"))
    );
    assert_eq!(failed.reasons.iter().filter(|r| r.step.as_deref() == Some("fulfilled")).count(), 1);
}

#[test]
fn a_tolerance_that_covers_every_execution_does_not_turn_failures_green() {
    let failing = |tolerance: Tolerance| {
        let mut figures = ScenarioFigures { released: 10, ended: 10, ..ScenarioFigures::default() };
        let place = figures.steps.entry(PLACE).or_default();
        place.tolerate(tolerance);
        place.minions = 10;
        place.failed_minions = 1;
        place.record(ExecutionOutcome::Failure, MS, MS);
        place.record_failure(FailureKind::Assertion, START);
        (0..9).for_each(|_| place.record(ExecutionOutcome::Success, MS, MS));
        let report = run(Vec::new(), figures, &Ending::Completed);
        report.scenarios[0].steps[0].headline.clone()
    };
    assert_eq!(failing(Tolerance::count(9)), None);
    let headline = failing(Tolerance::count(10)).unwrap();
    let end = "; 10 tolerated of 10 executions is all of them, so lower the tolerance";
    assert!(headline.ends_with(end), "{headline}");
    let all = std::panic::catch_unwind(|| Tolerance::share(1.0));
    assert!(all.is_err(), "all executions");
}

#[test]
fn b5_what_lacks_for_a_failure_before_it_repeats_that_failure() {
    let mut figures = figures(Sample { n: 40, time_ms: 1, failing: false, much: false });
    let place = figures.steps.entry(PLACE).or_default();
    place.tolerance = None;
    for _ in 0..10 {
        place.record(ExecutionOutcome::Failure, MS, MS);
        place.record_failure(FailureKind::Assertion, START);
    }
    place.failed_minions = 10;
    let count = |at_least: f64| {
        criterion(
            &Subject::Step("checked".into()),
            Quantity::Count,
            Statistic::Value,
            Limit::AtLeast(at_least),
        )
    };
    let report = run(vec![count(50.0), count(60.0)], figures.clone(), &Ending::Completed);
    let reports = &report.scenarios[0].criteria;
    assert!(
        matches!(&reports[0].outcome, Outcome::Repeats { cause } if cause.starts_with("step 'place' failed"))
    );
    assert!(reports[1].is_breached(), "more are lacking than failed");

    let stopped = run(vec![count(60.0)], figures, &Ending::Interrupted);
    let outcome = &stopped.scenarios[0].criteria[0].outcome;
    assert_eq!(*outcome, Outcome::NotJudged { cause: "the campaign was stopped by the user".into() });
}

#[test]
fn b5_a_failure_now_and_then_does_not_hide_a_step_that_nobody_reached() {
    let failing = |failed: u64, iterations: u64, ending: &Ending| {
        let mut figures = figures(Sample { n: 40, time_ms: 1, failing: false, much: false });
        let place = figures.steps.entry(PLACE).or_default();
        place.tolerance = None;
        place.failed_minions = failed;
        for _ in 0..failed {
            place.record(ExecutionOutcome::Failure, MS, MS);
            place.record_failure(FailureKind::Assertion, START);
        }
        (40..iterations).for_each(|_| figures.iterations.record(ExecutionOutcome::Failure, MS, MS));
        figures.measured.remove("baskets");
        let criteria = vec![
            on("never", Quantity::Count, Statistic::Value),
            criterion(
                &Subject::Meter("baskets".into()),
                Quantity::Total,
                Statistic::Value,
                Limit::AtLeast(1.0),
            ),
        ];
        let report = run(criteria, figures, ending);
        let never = report.scenarios[0].steps.iter().find(|step| step.name == "never").unwrap();
        let is_red = report.reasons.iter().any(|reason| {
            reason.step.as_deref() == Some("never") && reason.kind == Some(FailureKind::NeverExecuted)
        });
        assert_eq!(never.cause.is_none(), is_red, "a failure or a consequence");
        let no_total = &report.scenarios[0].criteria[1];
        assert_eq!(no_total.is_breached(), is_red, "of a meter as of a step");
        let count = &report.scenarios[0].criteria[0];
        let Outcome::NotJudged { cause } = &count.outcome else { panic!("{:?}", count.outcome) };
        (is_red, cause.split(':').next().unwrap_or_default().to_owned())
    };
    let completed = &Ending::Completed;
    // The other 40 iterations could have reached it.
    assert_eq!(failing(1, 41, completed), (true, "step 'never' was never executed".to_owned()));
    assert_eq!(failing(40, 41, completed), (true, "step 'never' was never executed".to_owned()));
    let consequence = (false, "step 'place' failed".to_owned());
    assert_eq!(failing(41, 41, completed), consequence);
    // Nobody knows what they would have reached.
    assert_eq!(failing(1, 41, &Ending::Interrupted), consequence);
}

/// What runs once, as a closing check does, is no iteration.
#[test]
fn b5_a_step_that_fails_each_time_is_the_cause_of_what_nobody_reached() {
    let mut figures = ScenarioFigures { released: 10, ended: 10, ..ScenarioFigures::default() };
    (0..10).for_each(|_| figures.iterations.record(ExecutionOutcome::Success, MS, MS));
    for index in [0, 1, 2] {
        let step = figures.steps.entry(index).or_default();
        (0..10).for_each(|_| step.record(ExecutionOutcome::Success, MS, MS));
    }
    let check = figures.steps.entry(3).or_default();
    check.record(ExecutionOutcome::Failure, MS, MS);
    check.record_failure(FailureKind::Assertion, START);
    let report = run(Vec::new(), figures, &Ending::Completed);
    let reasons: Vec<_> = report.reasons.iter().filter_map(|reason| reason.step.as_deref()).collect();
    assert_eq!(reasons, ["whole"]);
}

#[test]
fn law_2_a_lower_limit_of_lateness_is_not_met_when_nothing_was_late() {
    let sample = Sample { n: 40, time_ms: 9_000, failing: false, much: false };
    let lateness = |limit| {
        let subject = Subject::Step("fulfilled".into());
        judged(criterion(&subject, Quantity::Lateness, Statistic::Percentile(95.0), limit), sample)
    };
    for limit in [Limit::Below(1e9), Limit::AtMost(0.0), Limit::Between(0.0, 1e9)] {
        assert!(lateness(limit).is_met(), "{limit:?}");
    }
    for limit in [Limit::AtLeast(1e9), Limit::Between(1e9, 2e9)] {
        let report = lateness(limit);
        assert_eq!(report.outcome, Outcome::Breached, "{limit:?}");
        assert_eq!(report.no_data.as_deref(), Some("no record that step 'fulfilled' awaited came late"));
    }
}

#[test]
fn law_3_one_minion_of_ten_does_not_add_up() {
    let figures = |n| ScenarioFigures { released: n, ended: n, ..ScenarioFigures::default() };
    assert!(run(Vec::new(), figures(1), &Ending::Completed).has_internal_errors);
    assert!(!run(Vec::new(), figures(10), &Ending::Completed).has_internal_errors);
}
