//! Sending messages and awaiting their acknowledgement.

use crate::client::{DEFAULTS, Kafka};
use crate::closing::Closing;
use crate::evidence::shown;
use crate::properties::Properties;
use crate::text::{cause, code, quote};
use crate::watch::Watch;
use bytes::Bytes;
use futures::future::BoxFuture;
use qalipsis_core::execution::{self, Exchanged};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const PRODUCER_DEFAULTS: [(&str, &str); 5] = [
    ("acks", "all"),
    // The time of a step is the broker's, not that of a batch which is not full yet.
    ("linger.ms", "0"),
    ("message.timeout.ms", "10000"),
    ("request.timeout.ms", "10000"),
    // After that long without a topic, messages to it fail for that reason and not for their timeout.
    ("topic.metadata.propagation.max.ms", "5000"),
];

/// librdkafka's default of `message.timeout.ms` where a property can't be read as a number.
const FALLBACK_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends messages. Clones share one connection to each broker.
#[derive(Clone)]
pub struct Producer(Arc<Inner>);

struct Inner {
    client: Closing<FutureProducer<Watch>>,
    watch: Watch,
    brokers: String,
    properties: Properties,
    timeout: Duration,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("brokers", &self.0.brokers)
            .field("properties", &self.0.properties)
            .finish_non_exhaustive()
    }
}

/// Where a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Partition of the topic.
    pub partition: i32,
    /// Offset in the partition.
    pub offset: i64,
}

impl Producer {
    pub(crate) fn new(kafka: &Kafka) -> Result<Self, Fault> {
        let properties = kafka.properties.clone();
        let mut defaults = [&DEFAULTS[..], &PRODUCER_DEFAULTS].concat();
        // Without it, a retry after a lost acknowledgement is a duplicate that the system did not make.
        // It demands acknowledgement by all replicas.
        if ["acks", "request.required.acks"].iter().all(|key| properties.get(key).is_none()) {
            defaults.push(("enable.idempotence", "true"));
        }
        let config = properties.config(&kafka.brokers, &defaults)?;
        let timeout = ["message.timeout.ms", "delivery.timeout.ms"]
            .iter()
            .find_map(|key| properties.get(key)?.parse().ok())
            .map_or(FALLBACK_TIMEOUT, Duration::from_millis);
        let watch = Watch::new(&properties);
        let client = config
            .create_with_context::<_, FutureProducer<Watch>>(watch.clone())
            .map_err(|error| properties.refused(&error))?;
        let brokers = kafka.brokers.clone();
        Ok(Self(Arc::new(Inner { client: Closing::new(client), watch, brokers, properties, timeout })))
    }

    /// A message to this topic, to be awaited. Without further calls its value is null.
    pub fn send(&self, topic: impl Into<String>) -> Message {
        Message {
            producer: self.clone(),
            topic: topic.into(),
            partition: None,
            key: None,
            headers: Vec::new(),
            value: Ok(None),
        }
    }
}

/// A message to be sent: the action of a step. Awaiting it sends it and gives its [`Delivery`] once
/// all in-sync replicas have it. Dropping it later does not call it back.
///
/// When awaited in a step, the trace goes on in its header `traceparent`, unless it has one.
#[derive(Clone)]
#[must_use = "a message is sent when it is awaited: `minion.step(Order::Place, message)`"]
pub struct Message {
    producer: Producer,
    topic: String,
    partition: Option<i32>,
    key: Option<Bytes>,
    headers: Vec<(String, Bytes)>,
    value: Result<Option<Bytes>, String>,
}

impl Message {
    /// Its key, which decides on its partition.
    pub fn key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Some(Bytes::copy_from_slice(key.as_ref()));
        self
    }

    /// Its value, as JSON. What can't be JSON fails the step.
    pub fn json<V: Serialize + ?Sized>(mut self, value: &V) -> Self {
        self.value =
            serde_json::to_vec(value).map(|json| Some(json.into())).map_err(|error| error.to_string());
        self
    }

    /// Its value, as text.
    pub fn text(mut self, value: impl Into<String>) -> Self {
        self.value = Ok(Some(value.into().into()));
        self
    }

    /// Its value.
    pub fn bytes(mut self, value: impl Into<Bytes>) -> Self {
        self.value = Ok(Some(value.into()));
        self
    }

    /// One more header.
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), Bytes::copy_from_slice(value.as_ref())));
        self
    }

    /// Its partition. Default: by its key, or any.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    async fn deliver(mut self) -> Result<Delivery, Fault> {
        let inner = Arc::clone(&self.producer.0);
        let value = match &self.value {
            Ok(value) => value.clone(),
            Err(problem) => {
                let message = format!("kafka topic {}: the value can't be JSON: {problem}", self.topic);
                return Err(Fault::error(message).code("json"));
            }
        };
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("traceparent"))
            && let Some(trace) = execution::traceparent()
        {
            self.headers.push(("traceparent".to_owned(), trace.into()));
        }
        let mut headers = OwnedHeaders::new_with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            headers = headers.insert(Header { key: name, value: Some(&value[..]) });
        }
        let mut record = FutureRecord::<[u8], [u8]>::to(&self.topic).headers(headers);
        record.partition = self.partition;
        record.key = self.key.as_deref();
        record.payload = value.as_deref();
        // Also limits the wait for room in a full queue.
        let result = inner.client.send(record, inner.timeout).await;
        let delivery = result.map(|at| Delivery { partition: at.partition, offset: at.offset });
        let exchange = Exchange { delivery: delivery.as_ref().ok().copied(), value, message: self };
        match delivery {
            Ok(delivery) => {
                execution::remember(Arc::new(exchange));
                Ok(delivery)
            }
            Err((error, _)) => Err(inner.failed(&exchange.message.topic, &error).input(exchange.to_string())),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl IntoFuture for Message {
    type Output = Result<Delivery, Fault>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.deliver())
    }
}

impl Inner {
    fn failed(&self, topic: &str, error: &KafkaError) -> Fault {
        let place = format!("kafka topic {topic} at {}", self.brokers);
        let limit = human(self.timeout);
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageTimedOut) if self.watch.unreachable_since().is_some() => {
                let reason = self.watch.last_error("connections are refused or lost");
                Fault::error(format!("{place}: no broker was reachable within {limit}: {reason}"))
                    .code("unreachable")
            }
            Some(RDKafkaErrorCode::MessageTimedOut) => {
                let reason = self.watch.last_error("no answer");
                Fault::timeout(format!("{place}: not acknowledged within {limit}: {reason}"))
                    .code("message-timed-out")
            }
            Some(RDKafkaErrorCode::QueueFull) => Fault::error(format!(
                "{place}: the producer's queue was full for {limit} (queue.buffering.max.messages)"
            ))
            .code("queue-full"),
            Some(error_code) => Fault::error(format!("{place}: {}", self.properties.redact(&cause(error))))
                .code(code(error_code)),
            None => Fault::error(format!("{place}: {}", self.properties.redact(&cause(error)))),
        }
    }
}

/// What was sent and where it went, formatted only if somebody has to see it.
struct Exchange {
    message: Message,
    value: Option<Bytes>,
    delivery: Option<Delivery>,
}

impl Exchanged for Exchange {
    fn summary(&self) -> String {
        self.to_string().lines().next().unwrap_or_default().to_owned()
    }

    fn details(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "produced to kafka topic {}", self.message.topic)?;
        match (self.delivery, self.message.partition) {
            (Some(at), _) => write!(f, " partition {} offset {}", at.partition, at.offset)?,
            (None, Some(partition)) => write!(f, " partition {partition}")?,
            (None, None) => {}
        }
        if let Some(key) = &self.message.key {
            write!(f, "\nkey: {}", quote(key))?;
        }
        for (name, value) in &self.message.headers {
            write!(f, "\n{name}: {}", shown(name, value))?;
        }
        match &self.value {
            Some(value) => write!(f, "\n\n{}", String::from_utf8_lossy(&value[..value.len().min(2048)])),
            None => f.write_str("\n\nnull"),
        }
    }
}
