//! Against a real Apache Kafka, not only librdkafka's own.

use crate::support::{Checkout, Stats, shared_kafka, shop};
use qalipsis_testkit::KafkaBroker;
use std::time::{Duration, Instant};

#[test]
fn a_thousand_minions_match_and_an_earlier_run_on_the_same_topics_does_not_matter() {
    let (_guard, broker) = shared_kafka();
    let flags = format!("--kafka {}", broker.bootstrap());
    let run = |seed: &str| {
        let shop = shop(&flags);
        let checkout =
            Checkout::at(&shop).set("scenarios.checkout.minions", "1000").set("campaign.seed", seed);
        checkout.set("properties.repeat-ids", "true").run().assert_green(1_000);
        shop
    };
    drop(run("1"));

    // The same seed orders the same ids again. The shop drops all of them now: what the topic still
    // holds of the first run must not be taken for their events.
    let shop = shop(&format!("{flags} --drop 100"));
    let checkout = Checkout::at(&shop).set("scenarios.checkout.minions", "1000").set("campaign.seed", "1");
    let outcome = checkout.set("properties.repeat-ids", "true").run();
    let case = outcome.assert_red("order-fulfilled", "join-missing");
    assert_eq!(case.minions(), (1_000, 1_000), "{}", case.message);
    assert_eq!(Stats::of(&shop).ids("dropped").len(), 1_000);
}

#[test]
fn a_broker_that_stops_mid_run_is_reported_and_nothing_hangs() {
    let broker = KafkaBroker::start_own().unwrap();
    let shop = shop(&format!("--kafka {}", broker.bootstrap()));
    let checkout = Checkout::at(&shop);
    let process = checkout.start();
    // The first minions are through when the shop has accepted orders.
    let since = Instant::now();
    while Stats::of(&shop).number("accepted") < 50 {
        assert!(since.elapsed() < Duration::from_secs(60), "{} {}", process.stdout(), process.stderr());
        std::thread::yield_now();
    }
    broker.stop().unwrap();
    let outcome = checkout.end(&process);
    assert_eq!(outcome.finished.code(), Some(3), "{}", outcome.finished);
    let suite = outcome.suite();
    let refused = suite.case("accepted");
    assert_eq!(refused.outcome.as_deref(), Some("assertion"), "{}", outcome.finished);
    assert!(refused.message.ends_with("expected status 202, observed 503"), "{}", refused.message);
    let (failed, all) = refused.minions();
    assert!(failed > 0 && failed < all, "{}", refused.message);
}

#[test]
fn a_dead_broker_is_named_at_warm_up() {
    let shop = shop("");
    let outcome = Checkout::at(&shop).set("properties.brokers", "127.0.0.1:1").run();
    assert_eq!(outcome.finished.code(), Some(5), "{}", outcome.finished);
    let suite = outcome.suite();
    let case = suite.case("warm-up");
    assert!(case.message.contains("127.0.0.1:1"), "{}", case.message);
    assert!(
        suite.cases.iter().all(|c| c.name == "warm-up" || c.outcome.is_some()),
        "nothing looks green: {suite:#?}"
    );
}

#[test]
fn a_dead_or_unknown_shop_is_named_at_warm_up() {
    let shop = shop("");
    for (address, why) in
        [("http://127.0.0.1:1", "refused"), ("http://no-such-host.invalid", "no-such-host.invalid")]
    {
        let outcome = Checkout::at(&shop).set("properties.shop", address).run();
        assert_eq!(outcome.finished.code(), Some(5), "{}", outcome.finished);
        let suite = outcome.suite();
        let message = &suite.case("warm-up").message;
        assert!(message.contains(address) && message.contains(why), "{message}");
    }
}
