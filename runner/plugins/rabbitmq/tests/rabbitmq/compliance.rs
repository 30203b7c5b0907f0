//! The contract of plugins.

use crate::opened::compliance::{self, ActionKit, Doomed, Interruptible, ProbeKit, SECRET, SourceKit};
use crate::{Admin, connect, server};
use qalipsis_core::fault::Fault;
use qalipsis_rabbitmq::{Consume, Message, Publish, QueueProbe, RabbitMq};
use qalipsis_testkit::Proxy;
use std::sync::Arc;

struct Places {
    rabbit: RabbitMq,
    exchange: String,
    queue: String,
}

impl Places {
    async fn new() -> Self {
        let admin = Admin::new(server()).await;
        Self { rabbit: connect().await, exchange: admin.exchange().await, queue: admin.queue().await }
    }

    async fn away(address: &str) -> Result<RabbitMq, Fault> {
        RabbitMq::connect(&format!("amqp://alice:{SECRET}@{address}")).await
    }
}

impl SourceKit for Places {
    type Source = Consume<u64>;
    const REPORTS_LAG: bool = true;
    const DECODES: bool = true;

    async fn source(&self) -> Consume<u64> {
        self.rabbit.consume_exchange(&self.exchange, "number").json()
    }

    async fn unreachable(&self, address: String) -> Result<Consume<u64>, Fault> {
        Ok(Self::away(&address).await?.consume_exchange(&self.exchange, "number").json())
    }

    async fn produce(&self, number: u64) {
        self.rabbit.publish(&self.exchange, "number").json(&number).await.expect("it is confirmed");
    }

    async fn produce_garbage(&self) {
        self.rabbit.publish(&self.exchange, "number").text("none").await.expect("it is confirmed");
    }

    fn number(record: &Message<u64>) -> u64 {
        record.value
    }

    fn place(&self) -> String {
        self.exchange.clone()
    }

    async fn interruptible(&self) -> Option<Interruptible<Consume<u64>>> {
        let proxy = Arc::new(Proxy::to(server().address()).unwrap());
        let rabbit = RabbitMq::connect(&format!("amqp://guest:guest@{}", proxy.address())).await.unwrap();
        let source = rabbit.consume_exchange(&self.exchange, "number").json();
        let way = Arc::clone(&proxy);
        let begin = Box::new(move || {
            way.refuse(true);
            way.cut();
        });
        Some(Interruptible { source, begin, end: Box::new(move || proxy.refuse(false)) })
    }

    async fn doomed(&self) -> Option<Doomed<Consume<u64>>> {
        let admin = Admin::new(server()).await;
        let queue = admin.queue().await;
        let source = self.rabbit.consume(&queue).json();
        let doom = Box::pin(async move {
            admin.channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
        });
        Some(Doomed { source, doom, address: server().address().to_owned() })
    }
}

impl ActionKit for Places {
    type Action = Publish;

    fn action(&self) -> Publish {
        self.rabbit.publish(&self.exchange, "nobody").text("x")
    }

    async fn unreachable(&self, address: String) -> Result<Publish, Fault> {
        Ok(Self::away(&address).await?.publish(&self.exchange, "nobody").text("x"))
    }
}

impl ProbeKit for Places {
    type Probe = QueueProbe;

    fn probe(&self) -> QueueProbe {
        self.rabbit.queue(&self.queue).depth()
    }

    async fn unreachable(&self, address: String) -> Result<QueueProbe, Fault> {
        Ok(Self::away(&address).await?.queue(&self.queue).depth())
    }
}

#[tokio::test]
async fn consuming_keeps_the_contract() {
    compliance::assert_source(&Places::new().await).await;
}

#[tokio::test]
async fn publishing_keeps_the_contract() {
    compliance::assert_action(&Places::new().await).await;
}

#[tokio::test]
async fn watching_a_queue_keeps_the_contract() {
    let places = Places::new().await;
    places.rabbit.publish("", &places.queue).text("x").await.expect("it is confirmed");
    compliance::assert_probe(&places).await;
}
