//! The plugin against a real RabbitMQ.

mod compliance;
mod failures;
mod outage;
mod probes;
mod publish;
mod read;
mod stopping;
mod tls;

use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_rabbitmq::RabbitMq;
use qalipsis_testkit::RabbitMq as Server;
use qalipsis_testkit::plugin as opened;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

/// Far longer than anything here should take.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// The server that all tests share.
fn server() -> &'static Server {
    Server::shared().expect("a RabbitMQ server")
}

/// A connection of the plugin to the shared server.
async fn connect() -> RabbitMq {
    RabbitMq::connect(&server().url()).await.expect("a connection")
}

/// A name that no other test has, also on a server that outlives the tests.
fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = Timestamp::from_system(SystemTime::now()).0;
    format!("{what}-{now}-{}", COUNT.fetch_add(1, Relaxed))
}

/// Accepts connections and says nothing.
fn silent_server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("amqp://alice:hunter2@{}", listener.local_addr().unwrap());
    (listener, url)
}

/// What the system under test would do: its connection is not the plugin's.
struct Admin {
    connection: Connection,
    channel: Channel,
}

impl Admin {
    async fn new(server: &Server) -> Self {
        let connection = Connection::connect(&server.url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        Self { connection, channel }
    }

    async fn declare(&self, name: &str, options: QueueDeclareOptions, arguments: FieldTable) {
        self.channel.queue_declare(name.into(), options, arguments).await.unwrap();
    }

    /// A new queue.
    async fn queue(&self) -> String {
        let name = unique("queue");
        self.declare(&name, QueueDeclareOptions::default(), FieldTable::default()).await;
        name
    }

    async fn durable_queue(&self) -> String {
        let name = unique("queue");
        self.declare(&name, QueueDeclareOptions::durable(), FieldTable::default()).await;
        name
    }

    /// A new topic exchange.
    async fn exchange(&self) -> String {
        let name = unique("exchange");
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared = self.channel.exchange_declare(
            name.as_str().into(),
            ExchangeKind::Topic,
            options,
            FieldTable::default(),
        );
        declared.await.unwrap();
        name
    }

    /// Messages that are ready, and consumers.
    async fn figures(&self, queue: &str) -> (u32, u32) {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap();
        (queue.message_count(), queue.consumer_count())
    }

    /// Waits until the queue has so many ready messages.
    async fn until_depth(&self, queue: &str, depth: u32) {
        let waiting = async {
            while self.figures(queue).await.0 != depth {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(WAIT_LIMIT, waiting).await.is_err() {
            panic!("the queue has {} messages, not {depth}", self.figures(queue).await.0);
        }
    }

    /// Whether a queue exists. Asks by a channel of its own, which the answer may close.
    async fn exists(&self, queue: &str) -> bool {
        let channel = self.connection.create_channel().await.unwrap();
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
        match declared {
            Ok(_) => true,
            Err(error) => {
                let text = error.to_string();
                // Another's exclusive queue is there as well.
                assert!(text.contains("NOT_FOUND") || text.contains("RESOURCE_LOCKED"), "{text}");
                text.contains("RESOURCE_LOCKED")
            }
        }
    }
}
