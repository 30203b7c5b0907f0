//! What to read, from where on, and as what.

use crate::client::Kafka;
use crate::evidence::Read;
use crate::reader;
use crate::record::{BorrowedRecord, Record};
use crate::topics::Topics;
use bytes::Bytes;
use qalipsis_core::execution::Exchange;
use qalipsis_core::fault::Fault;
use qalipsis_core::source::{Feed, Sharing, Source};
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// Where reading starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Position {
    /// With what is produced once the source is ready.
    #[default]
    Latest,
    /// With the oldest record that the brokers still have.
    Earliest,
    /// With the first record whose timestamp is not before the creation of the [`Kafka`] value, which
    /// is made when the campaign opens the world. The clock of this machine is compared with that of
    /// whoever gave the timestamps.
    CampaignStart,
}

/// Turns a record into a value, or says why it can't.
pub(crate) type Decode<T> = Box<dyn Fn(&BorrowedRecord<'_>) -> Result<T, String> + Send + Sync>;

/// A source of records, to be joined: `setup.join(kafka.consume("orders").json::<Event>(), |r| r.value.id)`.
#[must_use = "a source is read once it is joined: `setup.join(source, |record| key)`"]
pub struct Consume<T> {
    pub(crate) kafka: Kafka,
    pub(crate) topics: Topics,
    pub(crate) position: Position,
    pub(crate) group: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) decode: Decode<T>,
}

impl<T> fmt::Debug for Consume<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consume")
            .field("kafka", &self.kafka)
            .field("topics", &self.topics)
            .field("position", &self.position)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl Consume<Bytes> {
    pub(crate) fn new(kafka: &Kafka, topics: Topics) -> Self {
        Self {
            kafka: kafka.clone(),
            topics,
            position: Position::default(),
            group: None,
            name: None,
            decode: Box::new(|record| Ok(Bytes::copy_from_slice(record.value().unwrap_or_default()))),
        }
    }
}

impl<T> Consume<T> {
    /// Where reading starts. Default: [`Position::Latest`].
    pub fn from(mut self, position: Position) -> Self {
        self.position = position;
        self
    }

    /// Reads as a member of this consumer group, for brokers that only admit certain groups.
    ///
    /// Whatever the group committed, reading starts at the [`Position`]; nothing is committed. Members
    /// share the partitions, so a scenario that reads with a group runs in one factory only. Without this call the source has one, and reads all
    /// partitions by itself, which is ready some seconds earlier.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// What the source is called in reports: `.named("placed orders")`. Default: by its topics and group.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets a property of librdkafka for this source only.
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.kafka.properties.set(key, value);
        self
    }

    /// Values are JSON. A null value (a tombstone) is decoded as JSON's `null`, so that `Option<V>`
    /// accepts it.
    pub fn json<V: DeserializeOwned + Send + 'static>(self) -> Consume<V> {
        self.decode(|record| serde_json::from_slice::<V>(record.value().unwrap_or(b"null")))
    }

    /// Values are UTF-8 text; empty for a null value.
    pub fn string(self) -> Consume<String> {
        self.decode(|record| std::str::from_utf8(record.value().unwrap_or_default()).map(str::to_owned))
    }

    /// Values are bytes; empty for a null value. This is the default.
    pub fn bytes(self) -> Consume<Bytes> {
        self.decode(|record| {
            Ok::<_, std::convert::Infallible>(Bytes::copy_from_slice(record.value().unwrap_or_default()))
        })
    }

    /// Values are whatever this function makes of a record. It runs on the thread that reads.
    pub fn decode<V, E: fmt::Display>(
        self,
        decode: impl Fn(&BorrowedRecord<'_>) -> Result<V, E> + Send + Sync + 'static,
    ) -> Consume<V> {
        Consume {
            kafka: self.kafka,
            topics: self.topics,
            position: self.position,
            group: self.group,
            name: self.name,
            decode: Box::new(move |record| decode(record).map_err(|error| error.to_string())),
        }
    }
}

impl<T: Send + 'static> Source for Consume<T> {
    type Record = Record<T>;

    fn sharing(&self) -> Sharing {
        if self.group.is_some() { Sharing::Shared } else { Sharing::Each }
    }

    fn name(&self) -> String {
        match (&self.name, &self.group) {
            (Some(name), _) => name.clone(),
            (None, Some(group)) => format!("{} (group {group})", self.topics),
            (None, None) => self.topics.to_string(),
        }
    }

    fn evidence(record: &Record<T>) -> Option<Exchange> {
        Some(Arc::new(Read::new(record)))
    }

    async fn run(self, feed: Feed<Record<T>>) -> Result<(), Fault> {
        reader::run(self, feed).await
    }
}
