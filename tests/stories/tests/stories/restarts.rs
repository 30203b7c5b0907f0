//! A server behind the shop goes away and comes back while orders are placed: each order is accounted for
//! once, what could not be done says so, and nothing hangs.

use crate::support::{Checkout, Outcome, Stats, shared_kafka, shop};
use qalipsis_summary::{Scenario, Summary};
use qalipsis_testkit::{KafkaBroker, PostgresServer, RabbitMq, RedisServer};
use std::time::{Duration, Instant};

const MINIONS: u64 = 1_500;

/// The servers behind the shop; a test brings one of its own.
struct Servers<'a> {
    kafka: &'a KafkaBroker,
    database: String,
    rabbit: &'a RabbitMq,
    redis: &'a RedisServer,
}

impl Servers<'_> {
    /// The shared servers, with this Kafka.
    fn beside(kafka: &KafkaBroker) -> Servers<'_> {
        Servers {
            kafka,
            database: PostgresServer::shared().unwrap().create_database().unwrap(),
            rabbit: RabbitMq::shared().unwrap(),
            redis: RedisServer::shared().unwrap(),
        }
    }

    /// A run of which the middle sees `restart`.
    fn run(&self, restart: impl FnOnce()) -> (Outcome, Summary) {
        let (kafka, redis, rabbit) = (self.kafka.bootstrap(), self.redis.url(), self.rabbit.url());
        let database = &self.database;
        let shop = shop(&format!(
            "--kafka {kafka} --postgres {database} --reset --redis {redis} --rabbitmq {rabbit}"
        ));
        let checkout = Checkout::everywhere(&shop)
            .set("properties.brokers", kafka)
            .set("properties.database", database)
            .set("properties.rabbitmq", &rabbit)
            .set("properties.redis", &redis)
            // Longer than a server takes to come back on a busy machine.
            .set("scenarios.checkout-everywhere.minions", &MINIONS.to_string())
            .set("properties.within", "25s")
            .set("campaign.limits.drain", "2s");
        let process = checkout.start();
        let since = Instant::now();
        while Stats::of(&shop).number("accepted") < 100 {
            assert!(since.elapsed() < Duration::from_secs(60), "{} {}", process.stdout(), process.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
        restart();
        let outcome = checkout.end(&process);
        let summary = outcome.summary();
        assert_accounted(&outcome, &summary.scenarios[0]);
        (outcome, summary)
    }
}

/// Each order was awaited once and has one fate; whatever failed says why.
#[track_caller]
fn assert_accounted(outcome: &Outcome, scenario: &Scenario) {
    assert_eq!((scenario.released, scenario.ended), (MINIONS, MINIONS), "{}", outcome.finished);
    for join in &scenario.joins {
        let [awaited] = &join.awaited_by[..] else { panic!("{join:?}") };
        let step = scenario.steps.iter().find(|s| s.name == awaited.step).unwrap();
        let fates = awaited.matched + awaited.late + awaited.missing;
        assert_eq!(fates, step.figures.executions, "{}: {}", join.name, outcome.finished);
        assert_eq!(join.duplicates, 0, "{}: counted twice: {}", join.name, outcome.finished);
        assert_eq!(join.orphans, 0, "{}: {}", join.name, outcome.finished);
    }
    for failure in scenario.steps.iter().flat_map(|step| &step.failures) {
        assert!(failure.kind != "panic" && !failure.message.is_empty(), "{}", outcome.finished);
    }
}

/// Failed executions of a step, and the message of the first.
fn failed<'a>(summary: &'a Summary, step: &str) -> (u64, &'a str) {
    let step = summary.scenarios[0].steps.iter().find(|s| s.name == step).unwrap();
    (step.figures.failed, step.failures.first().map_or("", |f| f.message.as_str()))
}

#[test]
fn a_restarted_database_is_caught_up_with() {
    let (_guard, kafka) = shared_kafka();
    let own = PostgresServer::start_own().unwrap();
    let servers = Servers { database: own.create_database().unwrap(), ..Servers::beside(kafka) };
    let (outcome, summary) = servers.run(|| {
        own.stop().unwrap();
        own.restart().unwrap();
    });
    assert_eq!(outcome.finished.code(), Some(0), "{}", outcome.finished);
    assert_eq!(failed(&summary, "stored").0, 0);
}

#[test]
fn a_restarted_cache_fails_only_what_was_read_from_it() {
    let (_guard, kafka) = shared_kafka();
    let own = RedisServer::start_own().unwrap();
    let (outcome, summary) = Servers { redis: &own, ..Servers::beside(kafka) }.run(|| {
        own.stop().unwrap();
        // Long enough for a minion to read.
        std::thread::sleep(Duration::from_secs(1));
        own.restart().unwrap();
    });
    for step in ["place", "accepted", "fulfilled", "stored", "announced"] {
        assert_eq!(failed(&summary, step), (0, ""), "{step}: {}", outcome.finished);
    }
    let (failures, message) = failed(&summary, "cached");
    assert!(failures < MINIONS, "it is read again once it is back: {}", outcome.finished);
    if failures > 0 {
        assert!(message.contains(own.address()), "{message}");
        assert_eq!(outcome.finished.code(), Some(3), "{}", outcome.finished);
    }
}

#[test]
fn a_restarted_rabbitmq_loses_what_nobody_could_hear_and_says_so() {
    let (_guard, kafka) = shared_kafka();
    let own = RabbitMq::start_own().unwrap();
    let (outcome, summary) = Servers { rabbit: &own, ..Servers::beside(kafka) }.run(|| {
        own.stop().unwrap();
        own.restart().unwrap();
    });
    for step in ["place", "accepted", "stored"] {
        assert_eq!(failed(&summary, step), (0, ""), "{step}: {}", outcome.finished);
    }
    // The temporary queue went with the broker: what came before it was declared again is missing.
    let (missing, message) = failed(&summary, "announced");
    assert!(missing < MINIONS, "it goes on: {}", outcome.finished);
    // Nobody can say whether the shop announced them, so the shop is not blamed for them.
    let expected = if missing > 0 { 6 } else { 0 };
    assert_eq!(outcome.finished.code(), Some(expected), "{}", outcome.finished);
    assert!(missing == 0 || message.contains("observed none"), "{message}");
    let mut joins = summary.scenarios[0].joins.iter();
    let join = joins.find(|join| join.awaited_by.iter().any(|a| a.step == "announced")).unwrap();
    assert_eq!(join.in_gap, missing, "each lies in the interval that is named: {}", outcome.finished);
}

#[test]
fn a_restarted_kafka_is_caught_up_with_and_refused_orders_are_named() {
    let (_guard, _) = shared_kafka();
    let own = KafkaBroker::start_own().unwrap();
    let (outcome, summary) = Servers::beside(&own).run(|| {
        own.stop().unwrap();
        own.restart().unwrap();
    });
    let (refused, message) = failed(&summary, "accepted");
    assert!(refused < MINIONS, "{}", outcome.finished);
    if refused > 0 {
        assert_eq!(message, "expected status 202, observed 503");
        assert_eq!(outcome.finished.code(), Some(3), "{}", outcome.finished);
    }
    for step in ["fulfilled", "stored", "announced"] {
        assert_eq!(failed(&summary, step), (0, ""), "{step}: {}", outcome.finished);
    }
}
