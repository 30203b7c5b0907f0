//! The example of the repository's README, with what it leaves out.

use qalipsis::prelude::*;
use qalipsis::rand::RngExt as _;
use qalipsis_http::Http;
use qalipsis_kafka::{Kafka, Record};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Properties)]
struct Settings {
    shop: String,
    brokers: String,
}

#[derive(Serialize)]
struct NewOrder {
    id: Uuid,
    quantity: u32,
}

impl NewOrder {
    fn random(minion: &Minion<Order>) -> Self {
        let mut rng = minion.rng();
        Self { id: Uuid::from_u128(rng.random()), quantity: rng.random_range(1..10) }
    }
}

#[derive(Deserialize)]
struct Event {
    order_id: Uuid,
    quantity: u32,
}

include!(concat!(env!("OUT_DIR"), "/readme.rs"));

#[test]
fn e2_the_example_of_the_readme_is_a_scenario() {
    let scenario = quickstart();
    let steps: Vec<&str> = scenario.steps().iter().map(|step| step.name).collect();
    assert_eq!(scenario.describe().name, "quickstart");
    assert_eq!(steps, ["place", "accepted", "fulfilled", "fulfilled-unchanged"]);
}
