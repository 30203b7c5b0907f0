//! The outcomes of joins, against a system in memory whose misbehaviour is known exactly.

use crate::support::{Run, counts, step};
use futures::channel::mpsc;
use qalipsis::core::model::evidence::FailureKind;
use qalipsis::core::model::verdict::Status;
use qalipsis::core::source::stream;
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;

#[derive(Steps)]
enum Order {
    Place,
    Fulfilled,
}

/// What the system does with the order of a minion.
#[derive(Clone, Copy)]
enum Fault {
    None,
    Drop,
    Late,
    Twice,
    Unasked,
}

struct World {
    to_system: mpsc::UnboundedSender<u32>,
    fulfilled: Join<u32, u32>,
    within: Duration,
    think: Duration,
}

const LATE_BY: Duration = millis(450);

fn system(minions: u32, fault: fn(u32) -> Fault) -> Scenario {
    scenario(minions, fault, millis(300), Duration::ZERO)
}

fn scenario(minions: u32, fault: fn(u32) -> Fault, within: Duration, think: Duration) -> Scenario {
    let open = move |setup: Setup| async move {
        let (to_system, mut orders) = mpsc::unbounded::<u32>();
        let (out, events) = mpsc::unbounded::<u32>();
        tokio::spawn(async move {
            use futures::StreamExt;
            while let Some(order) = orders.next().await {
                let send = |what| out.unbounded_send(what).unwrap();
                match fault(order) {
                    Fault::None => send(order),
                    Fault::Drop => {}
                    Fault::Late => {
                        let out = out.clone();
                        tokio::spawn(async move {
                            tokio::time::sleep(LATE_BY).await;
                            let _ = out.unbounded_send(order);
                        });
                    }
                    Fault::Twice => {
                        send(order);
                        send(order);
                    }
                    Fault::Unasked => {
                        send(order);
                        send(order + 1_000_000);
                    }
                }
            }
        });
        let fulfilled = setup.join(stream("events in memory", events), |order| *order);
        Ok(World { to_system, fulfilled, within, think })
    };
    Scenario::new("orders", open, place).minions(minions).profile(Profile::timeframe(millis(10), millis(500)))
}

async fn place(minion: Minion<Order>, world: Arc<World>) -> Outcome {
    let order = minion.index();
    let fulfilled = world.fulfilled.expect(order).within(world.within);
    tokio::time::sleep(world.think).await;
    minion
        .step(Order::Place, async {
            world.to_system.unbounded_send(order).map_err(|e| qalipsis::prelude::Fault::error(e.to_string()))
        })
        .await?;
    tokio::time::sleep(world.think).await;
    minion.step(Order::Fulfilled, fulfilled).await?;
    Ok(())
}

fn run(minions: u32, fault: fn(u32) -> Fault) -> Report {
    Run::default().of(|| system(minions, fault))
}

#[test]
fn a_healthy_system_is_green_and_everything_was_judged() {
    let report = run(1000, |_| Fault::None);
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(counts(&report, "place"), (1000, 0, vec![]));
    assert_eq!(counts(&report, "fulfilled"), (1000, 0, vec![]));
    let join = &report.scenarios[0].joins[0];
    assert_eq!((join.expected, join.records, join.orphans, join.duplicates), (1000, 1000, 0, 0));
    assert_eq!(step(&report, "fulfilled").figures.latency.as_ref().unwrap().count(), 1000);
}

#[test]
fn missing_and_late_are_distinguished_exactly() {
    let report = run(1000, |order| match order % 100 {
        7 => Fault::Drop,
        8 | 9 => Fault::Late,
        _ => Fault::None,
    });
    assert_eq!(report.status, Status::Failed);
    let (executions, failures, mut kinds) = counts(&report, "fulfilled");
    kinds.sort();
    assert_eq!((executions, failures), (1000, 30));
    assert_eq!(kinds, [(FailureKind::JoinMissing, 10), (FailureKind::JoinLate, 20)]);
    let step = step(&report, "fulfilled");
    assert_eq!(step.figures.failed_minions, 30);
    assert_eq!(step.figures.late.as_ref().unwrap().count(), 20);
    for failure in &step.failures {
        assert_eq!(failure.evidence.len(), 5, "{:?}", failure.kind);
        for evidence in &failure.evidence {
            let minion = evidence.minion.unwrap();
            let expected =
                if failure.kind == FailureKind::JoinMissing { minion % 100 == 7 } else { minion % 100 > 7 };
            assert!(expected, "{evidence:?}");
            assert!(evidence.location.as_ref().unwrap().file.ends_with("engine/join.rs"));
        }
    }
    let late = step.failures.iter().find(|f| f.kind == FailureKind::JoinLate).unwrap();
    assert!(late.message.contains("within 300 ms, observed it after 4"), "{}", late.message);
}

#[test]
fn duplicates_and_orphans_warn() {
    let report = run(200, |order| match order {
        3 => Fault::Twice,
        5 | 6 => Fault::Unasked,
        _ => Fault::None,
    });
    assert_eq!(report.status, Status::Warning, "{:?}", report.reasons);
    let join = &report.scenarios[0].joins[0];
    assert_eq!((join.duplicates, join.orphans), (1, 2));
    assert_eq!(report.warnings.len(), 2);
}

#[test]
fn the_clock_runs_from_the_trigger_to_the_arrival() {
    // Thinking before the trigger and before the await is longer than the deadline: neither counts.
    let report = Run::default().of(|| scenario(20, |_| Fault::None, millis(100), millis(200)));
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    let latency = step(&report, "fulfilled").figures.latency.clone().unwrap();
    assert!(latency.max_ns().unwrap() < 100_000_000, "{latency:?}");
}

#[test]
fn two_factories_are_judged_as_one() {
    use qalipsis::core::profile::segment::Segment;
    let segments = Segment::split(&[1, 2]);
    let report = Run { segments, ..Run::default() }.of(|| system(300, |_| Fault::None));
    assert_eq!(counts(&report, "fulfilled"), (300, 0, vec![]));
    assert_eq!((report.scenarios[0].released, report.scenarios[0].ended), (300, 300));
}

/// Red while the deadline was computed by an addition that panics.
#[test]
fn d8_a_deadline_without_end_is_no_limit() {
    let report = Run::default().of(|| scenario(10, |_| Fault::None, Duration::MAX, Duration::ZERO));
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
}
