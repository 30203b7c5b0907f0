//! The plugin keeps what of the contract shows on the wire.

use futures::future::BoxFuture;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use qalipsis_core::fault::Fault;
use qalipsis_rabbitmq::{Consume, Message, RabbitMq};
use qalipsis_testkit::plugin::wire::{
    Decoding, SECRET, Sources, Targets, Times, VALUE_BYTES, check_sources, check_targets,
};
use qalipsis_testkit::{Proxy, RabbitMq as Server};

const QUEUE: &str = "qalipsis-compliance";

struct Plugin {
    /// By a way of its own.
    direct: RabbitMq,
    through_proxy: RabbitMq,
    proxy: Proxy,
}

impl Targets for Plugin {
    type Target = RabbitMq;

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    async fn open(&self) -> Result<RabbitMq, Fault> {
        RabbitMq::connect(&format!("amqp://guest:guest@{}", self.proxy.address())).await
    }

    fn act(&self, rabbit: &RabbitMq) -> BoxFuture<'static, Result<(), Fault>> {
        // No queue is bound: it goes nowhere, and is confirmed.
        let publish = rabbit.publish("amq.topic", "qalipsis-compliance.nobody").text("x");
        Box::pin(async { publish.await.map(drop) })
    }

    async fn refusal(&self, address: &str) -> Option<Fault> {
        RabbitMq::connect(&format!("amqp://alice:{SECRET}@{address}")).await.err()
    }
}

impl Sources for Plugin {
    type Source = Consume<()>;
    const REPORTS_LAG: bool = true;

    async fn source(&self, decoding: Decoding) -> Self::Source {
        self.through_proxy.consume(QUEUE).decode(move |_| {
            decoding();
            Ok::<_, String>(())
        })
    }

    async fn fill(&self, count: usize) {
        let value = "x".repeat(VALUE_BYTES);
        let mut left = count;
        while left > 0 {
            // Acknowledgements are awaited for many at a time.
            let wave = left.min(500);
            let publishing =
                (0..wave).map(|_| self.direct.publish("", QUEUE).text(value.as_str()).into_future());
            for published in futures::future::join_all(publishing).await {
                published.unwrap();
            }
            left -= wave;
        }
    }

    fn times(message: &Message<()>) -> Times {
        Times { received: Some(message.received), server: message.properties.timestamp }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_plugin_complies_on_the_wire() {
    let server = Server::shared().unwrap();
    let admin = Connection::connect(&server.url(), ConnectionProperties::default()).await.unwrap();
    let channel = admin.create_channel().await.unwrap();
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions::default(), FieldTable::default()).await.unwrap();
    let proxy = Proxy::to(server.address()).unwrap();
    let direct = RabbitMq::connect(&server.url()).await.unwrap();
    let through_proxy = RabbitMq::connect(&format!("amqp://guest:guest@{}", proxy.address())).await.unwrap();
    let plugin = Plugin { direct, through_proxy, proxy };
    check_targets(&plugin).await.unwrap();
    check_sources(&plugin).await.unwrap();
    channel.queue_delete(QUEUE.into(), lapin::options::QueueDeleteOptions::default()).await.unwrap();
}
