//! What the shop left in PostgreSQL, Redis and RabbitMQ.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties, Consumer};
use redis::aio::MultiplexedConnection;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Product, quantity, customer and status.
pub(crate) type Row = (String, i32, String, String);

/// The tables of a database.
pub(crate) struct Rows(Client);

impl Rows {
    pub(crate) async fn of(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        tokio::spawn(connection);
        Self(client)
    }

    pub(crate) async fn all(&self) -> HashMap<Uuid, Row> {
        let statement =
            "select id, product, quantity, customer, status from orders where updated_at <= now()";
        let rows = self.0.query(statement, &[]).await.expect("rows");
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3), row.get(4)))).collect()
    }

    /// Start and stock of a product.
    pub(crate) async fn stock(&self, product: &str) -> (i32, i32) {
        let statement = "select start, stock from stock where product = $1";
        let row = self.0.query_one(statement, &[&product]).await.expect("a row");
        (row.get(0), row.get(1))
    }
}

/// The hashes of a Redis database.
pub(crate) struct Cached(MultiplexedConnection);

impl Cached {
    pub(crate) async fn of(url: &str) -> Self {
        let client = redis::Client::open(url).expect("a URL");
        Self(client.get_multiplexed_async_connection().await.expect("a connection"))
    }

    /// The hash of an order, empty if there is none, and its time to live.
    pub(crate) async fn order(&self, id: Uuid) -> (HashMap<String, String>, i64) {
        let key = format!("order:{id}");
        let mut pipe = redis::pipe();
        pipe.cmd("HGETALL").arg(&key).cmd("TTL").arg(&key);
        pipe.query_async(&mut self.0.clone()).await.expect("an answer")
    }
}

/// A message in a queue.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) body: Value,
    pub(crate) persistent: bool,
    pub(crate) message_id: String,
}

/// A queue of its own, bound to the exchange `orders`.
pub(crate) struct Queue {
    consumer: Mutex<Consumer>,
    _connection: Connection,
}

impl Queue {
    pub(crate) async fn bind(url: &str, routing_key: &str) -> Self {
        let connection =
            Connection::connect(url, ConnectionProperties::default()).await.expect("a connection");
        let channel = connection.create_channel().await.expect("a channel");
        let own = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare("".into(), own, FieldTable::default()).await.expect("a queue");
        let name = queue.name().clone();
        let options = QueueBindOptions::default();
        channel
            .queue_bind(name.clone(), "orders".into(), routing_key.into(), options, FieldTable::default())
            .await
            .expect("a binding");
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consumer = channel.basic_consume(name, "test".into(), options, FieldTable::default()).await;
        Self { consumer: Mutex::new(consumer.expect("a consumer")), _connection: connection }
    }

    /// So many messages by order, and asserts that there is not one more.
    pub(crate) async fn take(&self, count: usize) -> HashMap<Uuid, Vec<Bound>> {
        let mut messages: HashMap<Uuid, Vec<Bound>> = HashMap::new();
        let mut consumer = self.consumer.lock().await;
        for taken in 0..count {
            let next = timeout(Duration::from_secs(10), consumer.next()).await;
            let next = next.unwrap_or_else(|_| panic!("only {taken} of {count} messages"));
            let delivery = next.expect("a message").expect("a message");
            let body: Value = serde_json::from_slice(&delivery.data).expect("JSON");
            let id = body["order_id"].as_str().and_then(|id| id.parse().ok()).expect("an order id");
            let persistent = *delivery.properties.delivery_mode() == Some(2);
            let message_id = delivery.properties.message_id().as_ref().expect("an id").to_string();
            messages.entry(id).or_default().push(Bound { body, persistent, message_id });
        }
        // All were confirmed to the shop before, so one more would be in the queue by now.
        let more = timeout(Duration::from_millis(200), consumer.next()).await;
        assert!(more.is_err(), "more than {count} messages: {more:?}");
        messages
    }
}
