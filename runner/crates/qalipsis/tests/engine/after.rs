//! The closing check of a scenario.

use crate::support::{Run, counts, step};
use qalipsis::core::model::evidence::FailureKind;
use qalipsis::core::model::plan::Stop;
use qalipsis::core::model::verdict::Status;
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Steps)]
enum Step {
    Sell,
    Balanced,
}

struct World {
    sold: AtomicU64,
    stock: AtomicU64,
}

const STOCK: u64 = 1_000;

fn sale(lose_every: u64) -> Scenario {
    let open = |_: Setup| async { Ok(World { sold: AtomicU64::new(0), stock: AtomicU64::new(STOCK) }) };
    let iterate = move |minion: Minion<Step>, world: Arc<World>| async move {
        let sell = async {
            tokio::time::sleep(millis(100)).await;
            if !world.sold.fetch_add(1, Ordering::SeqCst).is_multiple_of(lose_every) {
                world.stock.fetch_sub(1, Ordering::SeqCst);
            }
            Ok::<_, Fault>(())
        };
        minion.step(Step::Sell, sell).await
    };
    let balanced = |minion: Minion<Step>, world: Arc<World>| async move {
        let (sold, stock) = (world.sold.load(Ordering::SeqCst), world.stock.load(Ordering::SeqCst));
        minion.verify(Step::Balanced, |v| v.equal("stock = start - sold", stock, STOCK - sold))
    };
    Scenario::with_closing_check("sale", open, iterate, balanced)
        .minions(100)
        .profile(Profile::timeframe(millis(10), millis(500)))
}

fn run(lose_every: u64) -> Report {
    Run::default().of(|| sale(lose_every))
}

#[test]
fn it_runs_once_after_the_last_minion() {
    let report = run(u64::MAX);
    assert_eq!(counts(&report, "sell"), (100, 0, vec![]));
    // One sale is lost: the very first.
    assert_eq!(counts(&report, "balanced"), (1, 1, vec![(FailureKind::Assertion, 1)]));
    assert_eq!(report.scenarios[0].iterations.executions(), 100, "it is no iteration");
    assert_eq!(
        step(&report, "balanced").failures[0].message,
        "expected stock = start - sold 900, observed 901"
    );
}

#[test]
fn it_names_what_was_lost() {
    let report = run(10);
    assert_eq!(report.status, Status::Failed);
    assert_eq!(
        step(&report, "balanced").headline.as_deref(),
        Some("1 of 1 minion: expected stock = start - sold 900, observed 910")
    );
}

#[test]
fn it_is_left_out_when_the_campaign_was_stopped() {
    let stop = Some((millis(250), Stop::Graceful));
    let report = Run { stop, ..Run::default() }.of(|| sale(10));
    assert!(step(&report, "balanced").skipped);
}
