use crate::rig::{Fault, Round, disturb, run};
use qalipsis_testkit::{KafkaBroker, Proxy};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(crate) struct Kafka {
    broker: KafkaBroker,
    proxy: Proxy,
    topics: AtomicU64,
}

impl Kafka {
    pub(crate) async fn start() -> Self {
        let mut proxy = None;
        let broker = KafkaBroker::start_behind(|address| {
            let way = proxy.insert(Proxy::to(address)?);
            Ok(way.address().to_owned())
        });
        Self { broker: broker.unwrap(), proxy: proxy.unwrap(), topics: AtomicU64::new(0) }
    }

    pub(crate) async fn round(&self, round: Round, fault: Fault) {
        let topic = format!("chaos-{}", self.topics.fetch_add(1, Relaxed));
        self.broker.create_topic(&topic, 1).unwrap();
        let kafka = qalipsis_kafka::Kafka::new(self.proxy.address());
        // The broker has its clients come by the proxy, so this one suffers as well and waits as long as needed.
        let producer = kafka.clone().property("message.timeout.ms", "60000").producer().unwrap();
        let garbage = kafka.producer().unwrap();
        let source = kafka.consume(&topic).json::<u64>();
        let produce = async |index: u64| producer.send(&topic).json(&index).await.is_ok();
        let happen = async || {
            if disturb(&self.proxy, fault).await {
                return;
            }
            match fault {
                Fault::Garbage => drop(garbage.send(&topic).text("garbage").await.unwrap()),
                Fault::Delete => {
                    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
                        .set("bootstrap.servers", self.broker.bootstrap())
                        .create()
                        .unwrap();
                    admin.delete_topics(&[&topic], &AdminOptions::new()).await.unwrap();
                    // It is there already where the producer was faster: the broker creates what is used.
                    let _ = self.broker.create_topic(&topic, 1);
                }
                _ => tokio::task::block_in_place(|| self.broker.restart().unwrap()),
            }
        };
        run(round, fault, source, |record| record.value, produce, happen).await;
    }
}
