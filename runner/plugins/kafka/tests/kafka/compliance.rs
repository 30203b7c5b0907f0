//! The contract of plugins.

use crate::lag::{commit, patient};
use crate::opened::compliance::{self, ActionKit, Doomed, Interruptible, ProbeKit, SourceKit};
use crate::{broker, topic, unique};
use qalipsis_core::fault::Fault;
use qalipsis_kafka::{Consume, Kafka, LagOf, Message, Producer, Record};
use qalipsis_testkit::{KafkaBroker, Proxy};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use std::sync::Arc;

struct Topic {
    name: String,
    group: String,
    producer: Producer,
}

impl Topic {
    fn new() -> Self {
        let producer = Kafka::new(broker().bootstrap()).producer().expect("a producer");
        Self { name: topic(3), group: unique("group"), producer }
    }

    fn consume(&self, brokers: &str) -> Consume<u64> {
        Kafka::new(brokers).consume(&self.name).json()
    }
}

impl SourceKit for Topic {
    type Source = Consume<u64>;
    const REPORTS_LAG: bool = true;
    const DECODES: bool = true;

    async fn source(&self) -> Consume<u64> {
        self.consume(broker().bootstrap())
    }

    async fn unreachable(&self, address: String) -> Result<Consume<u64>, Fault> {
        Ok(self.consume(&address))
    }

    async fn produce(&self, number: u64) {
        self.producer.send(&self.name).json(&number).await.expect("it is acknowledged");
    }

    async fn produce_garbage(&self) {
        self.producer.send(&self.name).text("not a number").await.expect("it is acknowledged");
    }

    fn number(record: &Record<u64>) -> u64 {
        record.value
    }

    fn place(&self) -> String {
        self.name.clone()
    }
}

impl ActionKit for Topic {
    type Action = Message;

    fn action(&self) -> Message {
        self.producer.send(&self.name).text("x")
    }

    async fn unreachable(&self, address: String) -> Result<Message, Fault> {
        Ok(Kafka::new(address).producer()?.send(&self.name).text("x"))
    }
}

impl ProbeKit for Topic {
    type Probe = LagOf;

    fn probe(&self) -> LagOf {
        patient(Kafka::new(broker().bootstrap()).lag_of(&self.group).topics(&self.name))
    }

    async fn unreachable(&self, address: String) -> Result<LagOf, Fault> {
        Ok(Kafka::new(address).lag_of(&self.group).topics(&self.name))
    }
}

/// A topic of a broker that all its clients reach by a proxy.
struct Behind {
    broker: KafkaBroker,
    proxy: Arc<Proxy>,
    topic: Topic,
}

impl Behind {
    fn new() -> Self {
        let mut proxy = None;
        let broker = KafkaBroker::start_behind(|address| {
            let way = proxy.insert(Proxy::to(address)?);
            Ok(way.address().to_owned())
        });
        let (broker, proxy) = (broker.unwrap(), Arc::new(proxy.unwrap()));
        let name = unique("topic");
        broker.create_topic(&name, 2).unwrap();
        let kafka = Kafka::new(proxy.address()).property("message.timeout.ms", "60000");
        let topic = Topic { name, group: unique("group"), producer: kafka.producer().unwrap() };
        Self { broker, proxy, topic }
    }
}

impl SourceKit for Behind {
    type Source = Consume<u64>;
    const REPORTS_LAG: bool = true;
    const DECODES: bool = true;

    async fn source(&self) -> Consume<u64> {
        self.topic.consume(self.proxy.address())
    }

    async fn unreachable(&self, address: String) -> Result<Consume<u64>, Fault> {
        Ok(self.topic.consume(&address))
    }

    async fn produce(&self, number: u64) {
        self.topic.produce(number).await;
    }

    async fn produce_garbage(&self) {
        self.topic.produce_garbage().await;
    }

    fn number(record: &Record<u64>) -> u64 {
        record.value
    }

    fn place(&self) -> String {
        self.topic.name.clone()
    }

    async fn interruptible(&self) -> Option<Interruptible<Consume<u64>>> {
        let (way, proxy) = (Arc::clone(&self.proxy), Arc::clone(&self.proxy));
        let begin = Box::new(move || {
            way.refuse(true);
            way.cut();
        });
        Some(Interruptible { source: self.source().await, begin, end: Box::new(move || proxy.refuse(false)) })
    }

    async fn doomed(&self) -> Option<Doomed<Consume<u64>>> {
        let doomed = unique("doomed");
        self.broker.create_topic(&doomed, 1).unwrap();
        let address = self.proxy.address().to_owned();
        let source = Kafka::new(&address).consume(&doomed).json();
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &address).create().unwrap();
        let doom = Box::pin(async move {
            admin.delete_topics(&[&doomed], &AdminOptions::new()).await.unwrap();
        });
        Some(Doomed { source, doom, address })
    }
}

#[tokio::test]
async fn consuming_by_a_way_that_is_cut_keeps_the_contract() {
    compliance::assert_source(&Behind::new()).await;
}

#[tokio::test]
async fn consuming_keeps_the_contract() {
    compliance::assert_source(&Topic::new()).await;
}

#[tokio::test]
async fn producing_keeps_the_contract() {
    compliance::assert_action(&Topic::new()).await;
}

#[tokio::test]
async fn watching_a_lag_keeps_the_contract() {
    let topic = Topic::new();
    topic.produce(1).await;
    commit(broker().bootstrap(), &topic.group, &topic.name, 0, 0);
    compliance::assert_probe(&topic).await;
}
