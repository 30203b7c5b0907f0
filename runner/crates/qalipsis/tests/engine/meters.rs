//! What scenarios measure themselves, and criteria on it.

use crate::support::Run;
use qalipsis::core::model::evidence::FailureKind;
use qalipsis::core::model::measured::Measured;
use qalipsis::core::model::verdict::Status;
use qalipsis::core::probe::{Probe, Reading};
use qalipsis::core::profile::segment::Segment;
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;

#[derive(Steps)]
enum Step {
    Act,
    #[step(optional)]
    Close,
}

#[derive(Meters)]
struct Shop {
    baskets: Counter,
    /// what is left
    #[meter(unit = "pieces")]
    stock: Gauge,
    #[meter(name = "paying")]
    payment: Timer,
    #[meter(unit = "EUR")]
    amount: Summary,
    accepted: Rate,
    offers: Throughput,
    never: Timer,
}

async fn open(setup: Setup<(), Shop>) -> Result<Shop, SetupError> {
    Ok(setup.meters())
}

/// Minion `n` of 40 fills 2 baskets for `n` EUR and takes `n` ms to pay; three of four offers are accepted.
async fn iterate(minion: Minion<Step>, shop: Arc<Shop>) -> Outcome {
    let n = minion.index();
    minion
        .step(Step::Act, async {
            shop.baskets.add(2);
            shop.stock.set(100 - n);
            shop.payment.record(millis(u64::from(n)));
            shop.amount.record(n);
            shop.accepted.record(!n.is_multiple_of(4));
            // From wherever the work is done.
            let offers = shop.offers.clone();
            tokio::task::spawn_blocking(move || offers.add(3)).await?;
            Ok::<_, tokio::task::JoinError>(())
        })
        .await
}

async fn close(minion: Minion<Step>, shop: Arc<Shop>) -> Outcome {
    shop.baskets.increment();
    minion.verify(Step::Close, |_| {})
}

fn scenario() -> Scenario {
    with_load(Scenario::new("s", open, iterate))
}

fn with_load(scenario: Scenario) -> Scenario {
    scenario.minions(40).profile(Profile::timeframe(millis(10), millis(500)))
}

fn total(report: &Report, meter: &str) -> Option<u64> {
    match report.scenarios[0].measured.iter().find(|own| own.name == meter)?.figures.as_ref()? {
        Measured::Counter(total) | Measured::Throughput(total) => Some(*total),
        _ => None,
    }
}

fn criteria() -> Vec<qalipsis::core::model::criterion::Criterion> {
    let meter = Meter::named;
    vec![
        meter("baskets").total().between(80, 80),
        meter("baskets").throughput().at_least(10),
        meter("stock").max().at_most(100),
        meter("stock").min().at_least(61),
        meter("stock").mean().between(80.4, 80.6),
        meter("stock").count().at_least(40),
        meter("paying").time().p(50).between(millis(18), millis(20)),
        meter("paying").time().max().at_most(millis(39)),
        meter("paying").count().between(40, 40),
        meter("amount").p(95).between(36.0, 38.0),
        meter("amount").mean().between(19.5, 19.5),
        meter("amount").min().at_most(0),
        meter("accepted").rate().between(0.75, 0.75),
        meter("accepted").count().at_least(40),
        meter("offers").throughput().at_least(30),
        meter("offers").total().between(120, 120),
    ]
}

#[test]
fn every_kind_measures_what_minions_do_and_holds_its_criteria() {
    let report = Run::default().of(|| criteria().into_iter().fold(scenario(), Scenario::expect));
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    let names: Vec<&str> = report.scenarios[0].measured.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(names, ["baskets", "paying", "amount", "accepted", "offers", "never"]);
    let stock = &report.scenarios[0].meters["stock"];
    assert_eq!((stock.gauge.as_str(), stock.unit.as_str()), ("what is left", "pieces"));
    assert_eq!(stock.last(), stock.series.last().map(|(_, value)| *value));
    assert!(stock.last().is_some_and(|last| last < 80.0), "the last of the minions came last: {stock:?}");
}

#[test]
fn two_factories_measure_what_one_does() {
    let segments = Segment::split(&[1, 1]);
    let criteria = criteria()
        .into_iter()
        .filter(|c| c.quantity != qalipsis::core::model::criterion::Quantity::Throughput);
    let criteria: Vec<_> = criteria.collect();
    let split = Run { segments, ..Run::default() };
    let split = split.of(|| criteria.clone().into_iter().fold(scenario(), Scenario::expect));
    assert_eq!(split.status, Status::Successful, "{:?}", split.reasons);
    let single = Run::default().of(scenario);
    let figures = |report: &Report| -> Vec<Option<Measured>> {
        report.scenarios[0].measured.iter().map(|own| own.figures.clone()).collect()
    };
    assert_eq!(figures(&split), figures(&single));
}

#[test]
fn a_meter_that_says_something_else_breaks_its_criterion() {
    let report = Run::default().of(|| {
        scenario()
            .expect(Meter::named("baskets").total().at_least(81))
            .expect(Meter::named("paying").time().p(95).below(millis(30)))
            .expect(Meter::named("accepted").rate().at_least(0.9))
    });
    assert_eq!(report.status, Status::Failed);
    let messages: Vec<&str> = report.reasons.iter().map(|reason| reason.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "expected total at least 81, observed 80",
            "expected time p95 below 30 ms, observed 37.2 ms",
            "expected rate at least 90 %, observed 75 %",
        ]
    );
    assert!(report.reasons.iter().all(|reason| reason.kind == Some(FailureKind::Meter)));
}

#[test]
fn what_is_never_recorded_has_no_data_but_what_is_never_counted_is_nothing() {
    let idle = async |_: Minion<Step>, _: Arc<Shop>| Outcome::Ok(());
    let idle = move |minion, world| idle(minion, world);
    let report = Run::default().of(|| {
        Scenario::new("s", open, idle)
            .expect(Meter::named("never").time().max().below(secs(1)))
            .expect(Meter::named("accepted").count().at_most(1))
            .expect(Meter::named("stock").below(1))
            .expect(Meter::named("baskets").total().at_most(0))
    });
    let criteria = &report.scenarios[0].criteria;
    assert_eq!(criteria.iter().map(|c| c.is_met()).collect::<Vec<_>>(), [false, false, false, true]);
    assert!(criteria[..3].iter().all(|c| c.observed.is_none()), "{criteria:?}");
}

#[test]
fn the_closing_check_measures_too() {
    let report = Run::default().of(|| with_load(Scenario::with_closing_check("s", open, iterate, close)));
    assert_eq!(total(&report, "baskets"), Some(81));
}

#[test]
fn what_is_no_amount_is_left_out_and_reported() {
    let odd = async |minion: Minion<Step>, shop: Arc<Shop>| {
        shop.amount.record(-1);
        shop.stock.set(f64::NAN);
        minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await
    };
    let odd = move |minion, world| odd(minion, world);
    let report = Run::default().of(|| Scenario::new("s", open, odd).minions(2));
    assert_eq!(report.status, Status::Warning);
    assert_eq!(
        report.warnings,
        [
            "s: meter stock: 2 readings failed, last: it was set to what is no number",
            "s: meter amount: 2 values left out that were negative or no number",
        ]
    );
}

struct Ticks;

impl Probe for Ticks {
    fn name(&self) -> String {
        "ticks".to_owned()
    }

    async fn read(&mut self) -> Result<Reading, Fault> {
        Ok(Reading::from(1.0))
    }
}

#[test]
fn a_name_is_given_to_one_meter_alone() {
    for (name, clash) in [("baskets", true), ("ticks", false)] {
        let open = move |setup: Setup<(), Shop>| async move {
            setup.watch(name, Ticks);
            Ok(setup.meters())
        };
        let report = Run::default().of(|| Scenario::new("s", open, iterate));
        let message = "warm-up: there are two meters 'baskets', rename one";
        assert_eq!(
            report.reasons.iter().any(|reason| reason.message == message),
            clash,
            "{:?}",
            report.reasons
        );
    }
    let twice = |setup: Setup| async move {
        setup.watch("ticks", Ticks);
        setup.watch("ticks", Ticks);
        Ok(())
    };
    let act =
        async |minion: Minion<Step>, _: Arc<()>| minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await;
    let act = move |minion, world| act(minion, world);
    let report = Run::default().of(|| Scenario::new("s", twice, act));
    assert_eq!(report.reasons[0].message, "warm-up: there are two meters 'ticks', rename one");
}
