//! Each fault does what its flag says, to exactly the orders that the shop's account names.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::outside::{Customer, embedded, events, id, ids, order};

const ORDERS: u32 = 200;

/// What a run of [`ORDERS`] orders left behind.
struct Seen {
    statuses: HashMap<Uuid, u16>,
    stats: Value,
    events: HashMap<Uuid, Vec<Value>>,
    garbage: usize,
}

async fn run(flags: &[&str]) -> Seen {
    let shop = embedded(&[flags, &["--base-delay", "0"]].concat());
    let customer = Customer::of(&shop);
    let answers = customer.place_all(ORDERS).await;
    let statuses = (0..).map(id).zip(answers.iter().map(|answer| answer.status)).collect();
    let stats = customer.settled().await;
    let (events, garbage) = events(shop.kafka());
    Seen { statuses, stats, events, garbage }
}

impl Seen {
    /// The ids in a list of the account, which must contain some orders and not all.
    fn some(&self, list: &str) -> Vec<Uuid> {
        let ids = ids(&self.stats, list);
        assert!((1..ORDERS as usize).contains(&ids.len()), "{list}: {} of {ORDERS}", ids.len());
        ids
    }
}

/// The orders, sorted, for which something holds.
fn which(holds: impl Fn(Uuid, u32) -> bool) -> Vec<Uuid> {
    (0..ORDERS).filter(|number| holds(id(*number), *number)).map(id).collect()
}

#[tokio::test]
async fn drops_events_of_the_same_orders_for_the_same_seed() {
    let seen = run(&["--drop", "10", "--seed", "1"]).await;
    let dropped = seen.some("dropped");
    assert_eq!(which(|id, _| !seen.events.contains_key(&id)), dropped);
    assert!(seen.statuses.values().all(|status| *status == 202));
    assert_eq!(seen.stats["fulfilled"], json!(ORDERS as usize - dropped.len()));

    assert_eq!(run(&["--drop", "10", "--seed", "1"]).await.some("dropped"), dropped);
    assert_ne!(run(&["--drop", "10", "--seed", "2"]).await.some("dropped"), dropped);
}

#[tokio::test]
async fn sends_wrong_quantities_and_duplicates() {
    let seen = run(&["--wrong-quantity", "20", "--duplicate", "20"]).await;
    let quantity = |number: u32| order(number)["quantity"].clone();
    assert_eq!(which(|id, number| seen.events[&id][0]["quantity"] != quantity(number)), seen.some("wrong"));
    assert_eq!(which(|id, _| seen.events[&id].len() == 2), seen.some("duplicated"));
    assert!(which(|id, _| seen.events[&id].len() > 2).is_empty());
    assert_ne!(seen.some("wrong"), seen.some("duplicated"));
}

#[tokio::test]
async fn sends_late_events() {
    let start = Instant::now();
    let seen = run(&["--late", "10", "--late-by", "1500"]).await;
    assert!(start.elapsed() >= Duration::from_millis(1_500));
    let at = |id: Uuid| seen.events[&id][0]["fulfilled_at"].as_u64().expect("a time");
    let first = which(|_, _| true).into_iter().map(at).min().expect("some order");
    assert_eq!(which(|id, _| at(id) >= first + 1_500), seen.some("late"));
}

#[tokio::test]
async fn sends_garbage_besides_the_events() {
    let seen = run(&["--garbage", "10"]).await;
    assert_eq!(seen.garbage, seen.some("garbage").len());
    assert_eq!(seen.events.len(), ORDERS as usize);
}

#[tokio::test]
async fn answers_errors_without_publishing() {
    let seen = run(&["--error-rate", "10"]).await;
    let rejected = seen.some("rejected");
    assert_eq!(which(|id, _| seen.statuses[&id] == 503), rejected);
    assert_eq!(which(|id, _| seen.statuses[&id] != 202), rejected);
    assert_eq!(which(|id, _| !seen.events.contains_key(&id)), rejected);
}

#[tokio::test]
async fn never_answers_hung_requests_and_still_ends() {
    let shop = embedded(&["--hang", "100"]);
    let customer = Customer::of(&shop);
    let order = order(1);
    tokio::select! {
        answer = customer.place(&order) => panic!("the hung request was answered: {answer:?}"),
        () = async {
            customer.stats_once(|stats| ids(stats, "hung") == [id(1)]).await;
            // Long enough for a healthy answer many times over.
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(shop.end().expect("it ends").code(), Some(0));
        } => {}
    }
}

#[tokio::test]
async fn answers_slowly() {
    // Each limit is what the flags promise at least; a healthy answer takes a few milliseconds.
    for (flags, at_least_ms) in [
        (["--base-delay", "20", "--slowdown", "10"], 200),
        (["--base-delay", "0", "--answer-delay", "150"], 150),
    ] {
        let shop = embedded(&flags);
        let answer = Customer::of(&shop).place(&order(1)).await;
        assert_eq!(answer.status, 202);
        assert!(answer.took >= Duration::from_millis(at_least_ms), "{flags:?}: {:?}", answer.took);
    }
}

#[tokio::test]
async fn falls_behind_with_a_slow_worker() {
    for flags in [["--worker-rate", "20"], ["--worker-delay", "50"]] {
        let shop = embedded(&flags);
        let customer = Customer::of(&shop);
        let start = Instant::now();
        let answers = customer.place_all(20).await;
        assert!(answers.iter().all(|answer| answer.status == 202));
        let behind = customer.get("/stats").await.body["fulfilled"].as_u64().expect("a count");
        assert!(behind < 20, "{flags:?} was not slow");
        assert_eq!(customer.settled().await["fulfilled"], json!(20));
        assert!(start.elapsed() >= Duration::from_millis(900), "{flags:?}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn survives_a_dead_broker() {
    let shop = embedded(&["--dead-broker-after", "300", "--broker-back-after", "2500"]);
    let customer = Customer::of(&shop);
    let mut number = 0;
    let (mut before, mut accepted) = (0, Vec::new());
    // Orders go in one by one: accepted first, then refused while the broker is down, then accepted.
    let refused = loop {
        let answer = customer.place(&order(number)).await;
        number += 1;
        match answer.status {
            202 => accepted.push(id(number - 1)),
            503 => break answer,
            status => panic!("unexpected status {status}"),
        }
        before += 1;
    };
    assert!(before > 0);
    assert!(refused.took < Duration::from_millis(2_500), "{:?}", refused.took);
    let reason = refused.body["error"].as_str().expect("a reason");
    assert!(reason.starts_with("cannot reach kafka within 2 s: "), "{reason}");
    while customer.place(&order(number)).await.status == 503 {
        number += 1;
    }
    accepted.push(id(number));

    // One record may have been written although its acknowledgement got lost with the connection.
    let settled = |stats: &Value| stats["fulfilled"].as_u64() >= stats["accepted"].as_u64();
    let stats = customer.stats_once(settled).await;
    assert_eq!(stats["accepted"], json!(accepted.len()));
    assert!(stats["unavailable"].as_u64().is_some_and(|count| count > 0), "{stats}");
    let (events, _) = events(shop.kafka());
    assert!(accepted.iter().all(|id| events.contains_key(id)), "{stats}");
    assert!(events.len() <= accepted.len() + 1, "{} events, {stats}", events.len());
}

#[tokio::test]
async fn ends_while_the_broker_is_dead() {
    let shop = embedded(&["--dead-broker-after", "0"]);
    let customer = Customer::of(&shop);
    // The broker goes down right after the ready line, not before it.
    let mut numbers = 0..;
    while customer.place(&order(numbers.next().expect("a number"))).await.status != 503 {}
    assert_eq!(shop.end().expect("it ends").code(), Some(0));
}
