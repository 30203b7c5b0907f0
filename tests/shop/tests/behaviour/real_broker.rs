//! The same with a real Kafka: topics through its admin interface, partitions through the group.

use std::time::Duration;

use qalipsis_testkit::KafkaBroker;
use serde_json::json;

use crate::outside::{Customer, events, id, launcher, order};

#[tokio::test]
async fn works_through_a_real_broker_and_notices_its_end() {
    let broker = KafkaBroker::start_own().expect("a broker");
    let start = || launcher(&["--kafka", broker.bootstrap()]).start().expect("the shop starts");

    let shop = start();
    assert_eq!(shop.kafka(), broker.bootstrap());
    let customer = Customer::of(&shop);
    assert!(customer.place_all(200).await.iter().all(|answer| answer.status == 202));
    assert_eq!(customer.settled().await["fulfilled"], json!(200));
    assert_eq!(shop.end().expect("it ends").code(), Some(0));

    // Now the topics exist, and what the first shop fulfilled must not be fulfilled again.
    let shop = start();
    let customer = Customer::of(&shop);
    let added = id(1_000);
    assert_eq!(customer.place(&order(1_000)).await.status, 202);
    let stats = customer.settled().await;
    assert_eq!((&stats["accepted"], &stats["fulfilled"]), (&json!(1), &json!(1)));
    let (events, garbage) = events(broker.bootstrap());
    assert_eq!((events.len(), garbage), (201, 0));
    assert!(events.values().all(|events| events.len() == 1));
    assert_eq!(events[&added][0]["customer"], "customer 1000");

    broker.stop().expect("the broker stops");
    let refused = customer.place(&order(1_001)).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.took < Duration::from_millis(2_500), "{:?}", refused.took);
    let asked = std::time::Instant::now();
    assert_eq!(shop.end().expect("it ends").code(), Some(0), "{:?}", asked.elapsed());
}
