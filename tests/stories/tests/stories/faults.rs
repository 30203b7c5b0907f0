//! Each fault of the shop turns the run red at the step and for the reason that it should, with the
//! exact number of minions; the healthy shop stays green.

use crate::demonstration::assert_shown;
use crate::support::{Case, Checkout, Stats, shop};

const MINIONS: u64 = 300;

/// What every failing case contains.
#[track_caller]
fn assert_reported(case: &Case, failed: u64) {
    assert_eq!(case.minions(), (failed, MINIONS), "{}", case.message);
    for what in ["first:", "last:", "minion "] {
        assert!(case.body.contains(what), "no {what} in {}", case.body);
    }
}

fn count(ids: &std::collections::BTreeSet<String>) -> u64 {
    assert!(!ids.is_empty(), "the fault hit nobody: nothing was tested");
    ids.len() as u64
}

#[test]
fn a_healthy_shop_is_green() {
    let shop = shop("");
    let suite = Checkout::at(&shop).run().assert_green(MINIONS);
    assert_eq!(suite.cases.len(), 10, "four steps, six criteria: {:#?}", suite.cases);
}

#[test]
fn dropped_orders_are_missing() {
    let shop = shop("--drop 5");
    let outcome = Checkout::at(&shop).run();
    let case = outcome.assert_red("order-fulfilled", "join-missing");
    let dropped = Stats::of(&shop).ids("dropped");
    assert_reported(&case, count(&dropped));
    assert!(case.message.contains("within 2 s, observed none"), "{}", case.message);
    assert!(dropped.iter().any(|id| case.message.contains(id)), "{} names none of {dropped:?}", case.message);
}

#[test]
fn late_orders_are_late() {
    let shop = shop("--late 5 --late-by 3000");
    let outcome = Checkout::at(&shop).run();
    let case = outcome.assert_red("order-fulfilled", "join-late");
    assert_reported(&case, count(&Stats::of(&shop).ids("late")));
    assert!(case.message.contains("within 2 s, observed it after 3"), "{}", case.message);
}

#[test]
fn wrong_quantities_are_assertions() {
    let shop = shop("--wrong-quantity 5");
    let outcome = Checkout::at(&shop).run();
    let case = outcome.assert_red("fulfilled-unchanged", "assertion");
    assert_reported(&case, count(&Stats::of(&shop).ids("wrong")));
    assert!(
        case.message.contains("expected quantity ") && case.message.contains(", observed "),
        "{}",
        case.message
    );
}

#[test]
fn refused_orders_are_assertions_on_the_answer() {
    let shop = shop("--error-rate 5");
    let outcome = Checkout::at(&shop).run();
    let case = outcome.assert_red("accepted", "assertion");
    assert_reported(&case, count(&Stats::of(&shop).ids("rejected")));
    assert!(case.message.ends_with("expected status 202, observed 503"), "{}", case.message);
    assert!(case.body.contains("503"), "the exchange is kept: {}", case.body);
}

#[test]
fn unanswered_orders_are_timeouts() {
    let shop = shop("--hang 5");
    let outcome = Checkout::at(&shop).set("properties.answer-within", "1s").run();
    let case = outcome.assert_red("place", "timeout");
    assert_reported(&case, count(&Stats::of(&shop).ids("hung")));
    assert!(case.message.ends_with("expected an end within 1 s, observed none"), "{}", case.message);
    let rate = outcome.suite().case("place error rate").clone();
    assert_eq!(rate.outcome.as_deref(), Some("skipped"), "it repeats the failure of its step: {rate:?}");
}

#[test]
fn undecodable_events_are_counted_with_their_coordinates() {
    let shop = shop("--garbage 5");
    let outcome = Checkout::at(&shop).run();
    let case = outcome.assert_red("order-fulfilled", "undecodable");
    let garbage = Stats::of(&shop).ids("garbage").len();
    assert!(case.message.starts_with(&format!("{garbage} record")), "{}", case.message);
    assert!(case.message.contains("orders.fulfilled partition "), "{}", case.message);
    assert!(case.message.contains(" offset "), "{}", case.message);
}

#[test]
fn duplicates_warn_and_fail_only_when_asked() {
    let shop = shop("--duplicate 5");
    let outcome = Checkout::at(&shop).run();
    let duplicated = count(&Stats::of(&shop).ids("duplicated"));
    assert_eq!(outcome.finished.code(), Some(0), "{}", outcome.finished);
    let expected = format!("{duplicated} duplicate records of keys already matched");
    assert!(
        outcome.finished.stdout.contains("WARNING") && outcome.finished.stdout.contains(&expected),
        "{}",
        outcome.finished
    );

    let outcome = Checkout::at(&shop).set("campaign.fail-on-warning", "true").run();
    assert_eq!(outcome.finished.code(), Some(3), "{}", outcome.finished);
}

/// Story 1: the consumer that falls behind while every request is answered 202.
#[test]
fn a_worker_that_falls_behind_is_late_or_missing_and_its_backlog_is_seen() {
    let shop = shop("--worker-rate 20");
    let outcome = Checkout::at(&shop).set("scenarios.checkout.minions", "1000").run();
    assert_eq!(outcome.finished.code(), Some(3), "{}", outcome.finished);
    let suite = outcome.suite();
    let case = suite.case("order-fulfilled");
    assert!(matches!(case.outcome.as_deref(), Some("join-late" | "join-missing")), "{case:?}");
    let (failed, all) = case.minions();
    // 200 orders a second come in for 5 s, 20 a second are handled: after a second all are too late.
    assert!(all == 1_000 && failed > 700, "{}", case.message);
    assert!(case.body.contains("join-late") && case.body.contains("join-missing"), "{}", case.body);
    assert!(case.body.contains("first:"), "{}", case.body);
    for step in ["place", "accepted"] {
        assert_eq!(suite.case(step).outcome, None, "the requests themselves stay green");
    }
    let lag = suite.case("fulfilment-lag value max");
    assert_eq!(lag.outcome.as_deref(), Some("meter"), "{lag:?}");
    let drain = suite.case("fulfilment-lag time to drain");
    assert_eq!(drain.outcome.as_deref(), Some("meter"), "{drain:?}");
    assert!(drain.message.contains("observed no end"), "{}", drain.message);
    assert!(
        outcome.finished.stdout.contains("meter fulfilment-lag, lag of group fulfilment"),
        "{}",
        outcome.finished
    );
    assert_shown("The consumer falls behind", &outcome);
}
