//! Story 2: 202, but the row was never written, or the stock was taken from a stale read.

use crate::demonstration::assert_shown;
use crate::support::{Checkout, Outcome, Stats, shop};
use qalipsis_testkit::PostgresServer;
use shop::Running;

const MINIONS: u64 = 1_000;

fn shop_with_database(flags: &str) -> (Running, String) {
    let database = PostgresServer::shared().unwrap().create_database().unwrap();
    (shop(&format!("--postgres {database} --reset {flags}")), database)
}

/// The requests themselves are all answered as they should be.
#[track_caller]
fn assert_requests_green(outcome: &Outcome) {
    for step in ["place", "accepted"] {
        let case = outcome.suite().case(step).clone();
        assert_eq!((case.outcome.as_deref(), case.executions()), (None, MINIONS), "{}", outcome.finished);
    }
}

#[test]
fn a_healthy_shop_stores_every_order_and_its_stock_is_balanced() {
    let (shop, database) = shop_with_database("");
    let suite = Checkout::stored(&shop, &database).run().assert_green(MINIONS);
    assert_eq!(suite.case("stock-balanced").executions(), 1);
}

#[test]
fn dropped_rows_are_missing_exactly() {
    let (shop, database) = shop_with_database("--drop-row 1");
    let outcome = Checkout::stored(&shop, &database).set("campaign.seed", "1").run();
    let case = outcome.assert_red("stored", "join-missing");
    let dropped = Stats::of(&shop).ids("rows_dropped");
    assert!(!dropped.is_empty(), "the fault hit nobody: nothing was tested");
    assert_eq!(case.minions(), (dropped.len() as u64, MINIONS), "{}", case.message);
    let named: Vec<&str> =
        case.body.split("record of key ").skip(1).filter_map(|t| t.split(' ').next()).collect();
    assert!(!named.is_empty() && named.iter().all(|id| dropped.contains(*id)), "{named:?} of {dropped:?}");
    assert_requests_green(&outcome);
    assert_eq!(outcome.suite().case("stock-balanced").outcome, None, "the pieces were taken all the same");
    assert_shown("The row was never written", &outcome);
}

#[test]
fn a_stale_read_breaks_the_balance_and_nothing_else() {
    let (shop, database) = shop_with_database("--stale-stock");
    let outcome = Checkout::stored(&shop, &database).run();
    let case = outcome.assert_red("stock-balanced", "assertion");
    assert!(
        case.message.contains("expected stock of ") && case.message.contains(", observed "),
        "{}",
        case.message
    );
    assert_requests_green(&outcome);
    for step in ["stored", "stored-unchanged"] {
        assert_eq!(outcome.suite().case(step).outcome, None, "{}", outcome.finished);
    }
    assert_shown("The row was written from a stale read", &outcome);
}

#[test]
fn a_database_that_cannot_be_used_is_named_without_its_password() {
    let (shop, database) = shop_with_database("");
    let password = database.split([':', '@']).nth(2).unwrap();
    let outcome = Checkout::stored(&shop, &database.replace(password, "wrong-hunter2")).run();
    assert_eq!(outcome.finished.code(), Some(5), "{}", outcome.finished);
    let case = outcome.suite().case("warm-up").clone();
    assert!(case.message.contains("password authentication failed"), "{}", case.message);
    let everything = format!("{} {case:?}", outcome.finished);
    assert!(!everything.contains("wrong-hunter2"), "{everything}");
}
