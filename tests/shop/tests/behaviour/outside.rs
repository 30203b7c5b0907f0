//! What a customer of the shop has: an HTTP client and a Kafka consumer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::OwnedMessage;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde_json::{Value, json};
use shop::{Launcher, Running};
use uuid::Uuid;

/// No wait of a test is longer.
const LIMIT: Duration = Duration::from_secs(20);

/// A launcher of the shop under test, with an embedded Kafka.
pub(crate) fn embedded(flags: &[&str]) -> Running {
    launcher(flags).arg("--embedded-kafka").start().expect("the shop starts")
}

pub(crate) fn launcher(flags: &[&str]) -> Launcher {
    Launcher::new(env!("CARGO_BIN_EXE_shop")).args(flags)
}

/// An answer of the front.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) took: Duration,
}

/// A customer of one shop.
pub(crate) struct Customer {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

/// The order with a number; its id is the number, so that runs can be compared.
pub(crate) fn order(number: u32) -> Value {
    json!({ "id": id(number), "product": "pen", "quantity": number % 5 + 1, "customer": format!("customer {number}") })
}

pub(crate) fn id(number: u32) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

pub(crate) fn post() -> http::request::Builder {
    http::Request::builder().method("POST")
}

impl Customer {
    pub(crate) fn of(shop: &Running) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, base: shop.http().to_owned() }
    }

    pub(crate) async fn send(&self, request: http::request::Builder, path: &str, body: Vec<u8>) -> Answer {
        let start = Instant::now();
        let request = request.uri(format!("{}{path}", self.base)).body(Full::from(body)).expect("a request");
        let answer = self.client.request(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&body).expect("a JSON body");
        Answer { status, body, took: start.elapsed() }
    }

    pub(crate) async fn place(&self, order: &Value) -> Answer {
        self.send(post(), "/orders", order.to_string().into_bytes()).await
    }

    /// Places orders `0..count`, 50 at a time; the answers are in their order.
    pub(crate) async fn place_all(&self, count: u32) -> Vec<Answer> {
        let placing = futures::stream::iter(0..count).map(async |number| self.place(&order(number)).await);
        placing.buffered(50).collect().await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(http::Request::builder(), path, Vec::new()).await
    }

    /// The shop's own account, once every accepted order is settled.
    pub(crate) async fn settled(&self) -> Value {
        self.stats_once(|stats| {
            let dropped = stats["dropped"].as_array().expect("a list").len() as u64;
            stats["accepted"].as_u64() == stats["fulfilled"].as_u64().map(|fulfilled| fulfilled + dropped)
        })
        .await
    }

    /// The shop's own account, once it is as expected.
    pub(crate) async fn stats_once(&self, expected: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let stats = self.get("/stats").await.body;
            if expected(&stats) {
                return stats;
            }
            assert!(start.elapsed() < LIMIT, "the account never became as expected: {stats}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The ids of a list in the shop's account, sorted.
pub(crate) fn ids(stats: &Value, list: &str) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = serde_json::from_value(stats[list].clone()).expect("a list of ids");
    ids.sort_unstable();
    ids
}

/// Everything that is on a topic now.
pub(crate) fn read_all(kafka: &str, topic: &str) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka)
        .set("group.id", "customer")
        .set("fetch.wait.max.ms", "1")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT).expect("metadata");
    let mut waiting: HashMap<i32, i64> = HashMap::new();
    let mut assignment = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), LIMIT).expect("watermarks");
        waiting.insert(partition.id(), high - low);
        assignment.add_partition_offset(topic, partition.id(), Offset::Beginning).expect("an offset");
    }
    consumer.assign(&assignment).expect("an assignment");
    let mut records = Vec::new();
    let start = Instant::now();
    while waiting.values().any(|count| *count > 0) {
        // A poll also returns without a record, for events of the client itself.
        assert!(start.elapsed() < LIMIT, "records of {topic} are missing: {waiting:?}");
        let Some(record) = consumer.poll(Duration::from_millis(100)) else { continue };
        let record = record.expect("a record").detach();
        *waiting.get_mut(&record.partition()).expect("an assigned partition") -= 1;
        records.push(record);
    }
    records
}

/// The decoded events of each order in the order of their arrival, and the number of undecodable records.
pub(crate) fn events(kafka: &str) -> (HashMap<Uuid, Vec<Value>>, usize) {
    let mut events: HashMap<Uuid, Vec<Value>> = HashMap::new();
    let mut garbage = 0;
    for record in read_all(kafka, "orders.fulfilled") {
        match serde_json::from_slice::<Value>(record.payload().expect("a payload")) {
            Ok(event) => {
                let id = event["order_id"].as_str().and_then(|id| id.parse().ok()).expect("an order id");
                assert_eq!(record.key(), Some(event["order_id"].as_str().expect("text").as_bytes()));
                events.entry(id).or_default().push(event);
            }
            Err(_) => garbage += 1,
        }
    }
    (events, garbage)
}
