//! The contract of plugins.

use crate::lag::{commit, patient};
use crate::opened::compliance::{self, ActionKit, GaugeKit, SourceKit};
use crate::{broker, topic, unique};
use qalipsis_core::fault::Fault;
use qalipsis_kafka::{Consume, Kafka, LagOf, Message, Producer, Record};

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
    const TELLS_LAG: bool = true;
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

impl GaugeKit for Topic {
    type Gauge = LagOf;

    fn gauge(&self) -> LagOf {
        patient(Kafka::new(broker().bootstrap()).lag_of(&self.group).topics(&self.name))
    }

    async fn unreachable(&self, address: String) -> Result<LagOf, Fault> {
        Ok(Kafka::new(address).lag_of(&self.group).topics(&self.name))
    }
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
    compliance::assert_gauge(&topic).await;
}
