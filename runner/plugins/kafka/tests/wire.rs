//! The plugin keeps what of the contract shows on the wire.

use futures::future::BoxFuture;
use qalipsis_core::fault::Fault;
use qalipsis_kafka::{Consume, Kafka, Producer, Record};
use qalipsis_testkit::plugin::wire::{
    Decoding, SECRET, Sources, Targets, Times, VALUE_BYTES, check_sources, check_targets,
};
use qalipsis_testkit::{KafkaBroker, Proxy};

const TOPIC: &str = "compliance";

struct Plugin {
    kafka: Kafka,
    producer: Producer,
    proxy: Proxy,
}

fn secret(address: &str) -> Kafka {
    Kafka::new(address)
        .property("security.protocol", "sasl_plaintext")
        .property("sasl.mechanism", "PLAIN")
        .property("sasl.username", "alice")
        .property("sasl.password", SECRET)
}

impl Targets for Plugin {
    type Target = Producer;

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    async fn open(&self) -> Result<Producer, Fault> {
        self.kafka.producer()
    }

    fn act(&self, producer: &Producer) -> BoxFuture<'static, Result<(), Fault>> {
        let send = producer.send("compliance-actions").text("x");
        Box::pin(async { send.await.map(drop) })
    }

    async fn refusal(&self, address: &str) -> Option<Fault> {
        secret(address).check().await.err()
    }
}

impl Sources for Plugin {
    type Source = Consume<()>;
    const REPORTS_LAG: bool = true;

    async fn source(&self, decoding: Decoding) -> Self::Source {
        self.kafka.consume(TOPIC).decode(move |_| {
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
            let sending = (0..wave).map(|_| self.producer.send(TOPIC).text(value.as_str()).into_future());
            for sent in futures::future::join_all(sending).await {
                sent.unwrap();
            }
            left -= wave;
        }
    }

    fn times(record: &Record<()>) -> Times {
        Times { received: Some(record.received), server: record.timestamp.map(|time| time.at) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_plugin_complies_on_the_wire() {
    let mut proxy = None;
    let broker = KafkaBroker::start_behind(|address| {
        let way = proxy.insert(Proxy::to(address)?);
        Ok(way.address().to_owned())
    });
    let (broker, proxy) = (broker.unwrap(), proxy.unwrap());
    for topic in [TOPIC, "compliance-actions"] {
        broker.create_topic(topic, 2).unwrap();
    }
    let kafka = Kafka::new(proxy.address());
    let producer = kafka.producer().unwrap();
    let plugin = Plugin { kafka, producer, proxy };
    check_targets(&plugin).await.unwrap();
    check_sources(&plugin).await.unwrap();
}
