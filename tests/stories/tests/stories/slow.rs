//! Story 4: a service that became ten times slower and still answers 202 to everything.

use crate::support::{Checkout, shop};

const MINIONS: u64 = 300;

/// Everything takes long enough for a busy machine to change little of it.
const HEALTHY: &str = "--base-delay 100 --late 100 --late-by 100";

/// What operations could write into the configuration: a limit that nothing reaches.
const NO_CRITERION: &str = "criteria:
  - scenario: checkout
    step: place
    measure: response-time.p95
    below: 1m
";

#[test]
fn a_tenfold_slower_shop_is_found_by_its_criterion_and_without_one_by_the_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("baseline.json");
    let healthy = shop(HEALTHY);
    Checkout::at(&healthy).flag("--save-baseline", &baseline).run().assert_green(MINIONS);
    assert!(baseline.is_file());

    let slow = shop(&format!("{HEALTHY} --slowdown 10"));
    let outcome = Checkout::at(&slow).run();
    let case = outcome.assert_red("place response time p95", "latency");
    assert!(
        case.message.starts_with("expected response time p95 below 500 ms, observed 1."),
        "{}",
        case.message
    );
    assert_only_slow(&outcome);

    let blind = Checkout::at(&slow).file(NO_CRITERION).run();
    assert_eq!(blind.finished.code(), Some(0), "without a criterion nobody sees it: {}", blind.finished);

    let outcome = Checkout::at(&slow).file(NO_CRITERION).flag("--baseline", &baseline).run();
    assert_eq!(outcome.finished.code(), Some(4), "{}", outcome.finished);
    assert!(outcome.finished.stdout.contains("FAILED (regression)"), "{}", outcome.finished);
    let suite = outcome.suite();
    let case = suite.case("baseline: place");
    assert_eq!(case.outcome.as_deref(), Some("regression"), "{}", outcome.finished);
    let factor: f64 = case.message.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert!((7.0..11.0).contains(&factor), "{}", case.message);
    assert!(case.body.contains("scenarios/checkout/src/main.rs:"), "{}", case.body);
    assert_only_slow(&outcome);
    assert_eq!(suite.case("baseline: order-fulfilled").outcome, None, "{}", outcome.finished);

    let outcome = Checkout::at(&healthy).flag("--baseline", &baseline).run();
    let suite = outcome.assert_green(MINIONS);
    assert!(suite.case("baseline: place").output.contains("response time: baseline 1"), "{suite:#?}");
}

#[track_caller]
fn assert_only_slow(outcome: &crate::support::Outcome) {
    let suite = outcome.suite();
    for step in ["place", "accepted", "order-fulfilled", "fulfilled-unchanged"] {
        let case = suite.case(step);
        assert_eq!((case.outcome.as_deref(), case.executions()), (None, MINIONS), "{}", outcome.finished);
    }
}
