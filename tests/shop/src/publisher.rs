//! Publishes records and awaits the broker's acknowledgement of each.

use std::time::Duration;

use anyhow::Context as _;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;
use uuid::Uuid;

use crate::kafka;
use crate::order::TRACEPARENT;

/// One producer. Clones share it.
#[derive(Clone)]
pub(crate) struct Publisher {
    producer: FutureProducer,
}

impl Publisher {
    /// A publisher that gives a record up when Kafka did not take it for `give_up_after`; librdkafka looks
    /// once a second, so it may take a second longer. An `idempotent` one does not put a record there twice
    /// whose acknowledgement was lost, but the embedded Kafka lets it wait half a second for its first.
    pub(crate) fn connect(
        bootstrap: &str,
        give_up_after: Duration,
        idempotent: bool,
    ) -> anyhow::Result<Self> {
        let producer = kafka::client(bootstrap)
            .set("message.timeout.ms", give_up_after.as_millis().to_string())
            // Batches cost latency, and an order is worth more than a saved request.
            .set("linger.ms", "0")
            .set("enable.idempotence", idempotent.to_string())
            .create()
            .with_context(|| format!("cannot use kafka {bootstrap}"))?;
        Ok(Self { producer })
    }

    /// Learns the topic's partitions, so that the first record need not wait for them. Blocks.
    pub(crate) fn warm_up(&self, topic: &str) -> anyhow::Result<()> {
        self.producer
            .client()
            .fetch_metadata(Some(topic), kafka::CONNECT_WITHIN)
            .with_context(|| format!("cannot read topic {topic} of kafka"))?;
        Ok(())
    }

    /// Publishes one record; done when the broker has acknowledged it.
    pub(crate) async fn publish(
        &self,
        topic: &str,
        key: Uuid,
        value: &[u8],
        traceparent: Option<&[u8]>,
    ) -> Result<(), KafkaError> {
        let key = key.to_string();
        let mut record = FutureRecord::to(topic).key(&key).payload(value);
        if traceparent.is_some() {
            let header = Header { key: TRACEPARENT, value: traceparent };
            record = record.headers(OwnedHeaders::new_with_capacity(1).insert(header));
        }
        match self.producer.send(record, Timeout::Never).await {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error),
        }
    }
}
