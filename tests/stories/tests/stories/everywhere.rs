//! 10,000 orders through HTTP, Kafka, PostgreSQL, RabbitMQ and Redis, with 0.1 % of each fault: exactly the
//! orders that a fault hit are named, for what the fault did to them.

use crate::support::{Checkout, Outcome, Stats, shared_kafka, shop};
use qalipsis_summary::{Join, Scenario};
use qalipsis_testkit::{PostgresServer, RabbitMq, RedisServer};
use std::collections::BTreeSet;

const MINIONS: u64 = 10_000;

const FAULTS: &str = "--drop 0.1 --wrong-quantity 0.1 --duplicate 0.1 --late 0.1 --late-by 15000 --garbage 0.1 \
    --error-rate 0.1 --hang 0.1 --drop-row 0.1 --wrong-row 0.1 --late-row 0.1 --drop-cache 0.1 \
    --drop-message 0.1 --duplicate-message 0.1";

type Ids = BTreeSet<String>;

/// The orders of the failures of this kind, all of which must have evidence.
fn named(scenario: &Scenario, step: &str, kind: &str) -> Ids {
    let step = scenario.steps.iter().find(|s| s.name == step).unwrap();
    let Some(failure) = step.failures.iter().find(|f| f.kind == kind) else { return Ids::new() };
    assert_eq!(failure.kept.len() as u64, failure.count, "{} {kind}: all are kept", step.name);
    let orders: Ids = failure
        .kept
        .iter()
        .map(|kept| {
            // The key of a join, else the order in the last exchange of the iteration.
            let last = kept.exchanges.last().map(|one| format!("{} {}", one.summary, one.details));
            let text = format!("{} {}", kept.message, last.unwrap_or_default());
            id_in(&text).unwrap_or_else(|| panic!("{} {kind} names no order: {text}", step.name))
        })
        .collect();
    assert_eq!(orders.len() as u64, failure.count, "{} {kind}: no order twice", step.name);
    orders
}

/// The first UUID in a text.
fn id_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
    words.map(str::to_owned).find(|word| word.len() == 36 && word.matches('-').count() == 4)
}

fn join<'a>(scenario: &'a Scenario, step: &str) -> &'a Join {
    scenario.joins.iter().find(|join| join.awaited_by.iter().any(|a| a.step == step)).unwrap()
}

fn run(seed: &str) {
    let (_guard, kafka) = shared_kafka();
    let (rabbit, redis) = (RabbitMq::shared().unwrap(), RedisServer::shared().unwrap());
    let database = PostgresServer::shared().unwrap().create_database().unwrap();
    let shop = shop(&format!(
        "--kafka {} --postgres {database} --reset --workers 2 --redis {} --rabbitmq {} --seed {seed} {FAULTS}",
        kafka.bootstrap(),
        redis.url(),
        rabbit.url()
    ));
    let outcome = Checkout::everywhere(&shop)
        .set("properties.brokers", kafka.bootstrap())
        .set("properties.database", &database)
        .set("properties.rabbitmq", &rabbit.url())
        .set("properties.redis", &redis.url())
        .set("scenarios.checkout-everywhere.minions", &MINIONS.to_string())
        .set("report.evidence.limit", "100")
        // Ample, so that a busy machine makes no healthy order late.
        .set("properties.within", "10s")
        .set("campaign.limits.drain", "30s")
        // Nor is it the figures that this is about.
        .set("campaign.limits.release-lag", "10s")
        .set("campaign.seed", seed)
        .run();
    assert_eq!(outcome.finished.code(), Some(3), "{}", outcome.finished);
    assert_exact(&outcome, &Stats::of(&shop));
}

#[track_caller]
fn assert_exact(outcome: &Outcome, shop: &Stats) {
    let summary = outcome.summary();
    let scenario = &summary.scenarios[0];
    assert_eq!((scenario.released, scenario.ended), (MINIONS, MINIONS));
    let (rejected, hung) = (shop.ids("rejected"), shop.ids("hung"));
    for (step, kind, expected) in [
        ("place", "timeout", hung),
        ("accepted", "assertion", rejected),
        ("fulfilled", "join-missing", shop.ids("dropped")),
        ("fulfilled", "join-late", shop.ids("late")),
        // What comes too late is not looked at any more.
        ("fulfilled-unchanged", "assertion", &shop.ids("wrong") - &shop.ids("late")),
        ("stored", "join-missing", shop.ids("rows_dropped")),
        ("stored", "join-late", shop.ids("rows_late")),
        ("stored-unchanged", "assertion", &shop.ids("rows_wrong") - &shop.ids("rows_late")),
        ("announced", "join-missing", shop.ids("messages_dropped")),
        ("cached-unchanged", "assertion", shop.ids("cache_dropped")),
    ] {
        assert!(!expected.is_empty(), "{step} {kind}: the fault hit nobody, nothing was tested");
        assert_eq!(named(scenario, step, kind), expected, "{step} {kind}: {}", outcome.finished);
    }
    let counts = |join: &Join| (join.duplicates, join.undecodable, join.orphans);
    let of = |fault: &str| shop.ids(fault).len() as u64;
    assert_eq!(counts(join(scenario, "fulfilled")), (of("duplicated"), of("garbage"), 0));
    assert_eq!(counts(join(scenario, "announced")), (of("messages_duplicated"), 0, 0));
    assert_eq!(counts(join(scenario, "stored")), (0, 0, 0));
    let failing: Vec<(&str, &str)> = scenario
        .steps
        .iter()
        .flat_map(|step| step.failures.iter().map(|failure| (step.name.as_str(), failure.kind.as_str())))
        .collect();
    assert_eq!(failing.len(), 11, "those above and the garbage, no more: {failing:?}");
    assert!(scenario.problems.is_empty(), "{:?}", scenario.problems);
}

#[test]
fn exactly_the_orders_that_a_fault_hit_are_named_whatever_the_seed() {
    for seed in ["1", "2", "3"] {
        run(seed);
    }
}
