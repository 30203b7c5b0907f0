//! Where the brokers are and how to talk to them.

use crate::consume::Consume;
use crate::lag::LagOf;
use crate::position::{Deadline, metadata};
use crate::producer::Producer;
use crate::properties::Properties;
use crate::topics::{Selection, Topics};
use crate::watch::Watch;
use bytes::Bytes;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_core::warm_up::waiting_for;
use rdkafka::consumer::BaseConsumer;
use std::thread;
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;

/// How long brokers may take to answer at warm-up.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// What every client starts from; properties of the user go over it.
pub(crate) const DEFAULTS: [(&str, &str); 7] = [
    ("client.id", "qalipsis"),
    // librdkafka waits up to 10 s before it tries again; a test should see recovery when it happens.
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
    ("socket.keepalive.enable", "true"),
    ("socket.nagle.disable", "true"),
    ("socket.connection.setup.timeout.ms", "10000"),
    ("statistics.interval.ms", "1000"),
];

/// A Kafka cluster, as a scenario reaches it. Nothing is connected until it is used.
#[derive(Debug, Clone)]
pub struct Kafka {
    pub(crate) brokers: String,
    pub(crate) properties: Properties,
    pub(crate) created: Timestamp,
}

impl Kafka {
    /// The cluster that these brokers belong to: `host:port`, several separated by commas.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            properties: Properties::default(),
            created: Timestamp::from_system(SystemTime::now()),
        }
    }

    /// Sets a property of librdkafka for all consumers and producers made from this value, for
    /// example `security.protocol`. It is checked when they are made. Values of properties that hold
    /// secrets never show.
    #[must_use]
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.set(key, value);
        self
    }

    /// Reads a topic, or several. Without further calls the values are bytes, and reading starts with
    /// what is produced once the source is ready.
    pub fn consume(&self, topics: impl Into<Topics>) -> Consume<Bytes> {
        Consume::new(self, topics.into())
    }

    /// Reads all topics that exist at warm-up and whose name matches a regular expression:
    /// `^orders\\..*`. Kafka's own topics (`__consumer_offsets`) are left out unless the expression
    /// begins with their underscores.
    pub fn consume_matching(&self, pattern: impl Into<String>) -> Consume<Bytes> {
        Consume::new(self, Topics(Selection::Matching(pattern.into())))
    }

    /// How far another consumer group is behind, to be watched:
    /// `setup.watch("fulfilment-lag", kafka.lag_of("fulfilment"))`.
    ///
    /// The group is not disturbed: nobody joins it and nothing is committed. Topics that it has never
    /// committed offsets of need [`LagOf::topics`].
    pub fn lag_of(&self, group: impl Into<String>) -> LagOf {
        LagOf::new(self, group.into())
    }

    /// A producer. It connects when the first message is sent; [`check`](Self::check) before that
    /// reports brokers that can't be reached.
    ///
    /// # Errors
    /// A property that librdkafka does not know or accept.
    pub fn producer(&self) -> Result<Producer, Fault> {
        Producer::new(self)
    }

    /// Asks the brokers for their metadata, within 10 s. For `World::open`.
    ///
    /// # Errors
    /// A property that librdkafka refuses; brokers that do not answer, with their addresses and the
    /// last error of the connection.
    pub async fn check(&self) -> Result<(), Fault> {
        let config = self.properties.config(&self.brokers, &DEFAULTS)?;
        let _waiting = waiting_for(|| format!("Kafka at {}", self.brokers));
        let (watch, kafka) = (Watch::new(&self.properties), self.clone());
        let (answer, answered) = oneshot::channel();
        // A thread of its own rather than the runtime's pool, which waits for its threads at its end.
        let thread = thread::Builder::new().name("kafka-check".to_owned()).spawn(move || {
            let result = match config.create_with_context::<_, BaseConsumer<Watch>>(watch) {
                Ok(client) => metadata(&client, &kafka.brokers, Deadline::after(LIMIT)).map(drop),
                Err(error) => Err(kafka.properties.refused(&error)),
            };
            let _ = answer.send(result);
        });
        let unanswered = |problem: String| Fault::error(format!("kafka at {}: {problem}", self.brokers));
        thread.map_err(|error| unanswered(format!("no thread to ask it with: {error}")))?;
        answered.await.unwrap_or_else(|_| Err(unanswered("asking it panicked".to_owned())))
    }
}
