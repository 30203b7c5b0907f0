//! Records as they were read.

use crate::evidence::EXCERPT;
use crate::text::quote;
use bytes::Bytes;
use qalipsis_core::model::timestamp::Timestamp;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use std::fmt;
use tokio::time::Instant;

/// A record header: its name, and its value unless that is null.
pub type Header = (String, Option<Bytes>);

/// A record that was read and decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<T> {
    /// Where it was read from.
    pub topic: String,
    /// Partition of the topic.
    pub partition: i32,
    /// Offset in the partition.
    pub offset: i64,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its headers in order; names may repeat.
    pub headers: Vec<Header>,
    /// Its decoded value.
    pub value: T,
    /// Whether its value is null, which deletes the key in a compacted topic.
    pub tombstone: bool,
    /// The time that its producer or the broker gave it, with millisecond resolution.
    pub timestamp: Option<RecordTime>,
    /// When this process received it, before it was decoded.
    pub received: Instant,
    /// The beginning of its value, for evidence.
    pub(crate) excerpt: Option<Bytes>,
}

/// The time of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordTime {
    /// On the clock of whoever gave it.
    pub at: Timestamp,
    /// Who gave it.
    pub kind: TimeKind,
}

/// Who gave a record its time; the topic's `message.timestamp.type` decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// The producer, when it created the record.
    Created,
    /// The broker, when it appended the record to its log.
    Appended,
}

impl<T> Record<T> {
    /// The key as text, if there is one and it is UTF-8.
    pub fn key_text(&self) -> Option<&str> {
        self.key.as_deref().and_then(|key| std::str::from_utf8(key).ok())
    }

    /// The last header of this name as text, if there is one and it is UTF-8.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().rev().find(|(header, _)| header == name)?;
        value.as_deref().and_then(|value| std::str::from_utf8(value).ok())
    }
}

/// A record that is still in the client's memory, for decoders.
#[derive(Clone, Copy)]
pub struct BorrowedRecord<'a>(&'a BorrowedMessage<'a>);

impl<'a> BorrowedRecord<'a> {
    pub(crate) fn new(message: &'a BorrowedMessage<'a>) -> Self {
        Self(message)
    }

    /// Where it was read from.
    pub fn topic(&self) -> &'a str {
        self.0.topic()
    }

    /// Partition of the topic.
    pub fn partition(&self) -> i32 {
        self.0.partition()
    }

    /// Offset in the partition.
    pub fn offset(&self) -> i64 {
        self.0.offset()
    }

    /// Its key, if it has one.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.0.key()
    }

    /// Its value; `None` for a tombstone.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.0.payload()
    }

    /// The last header of this name; `None` as well when its value is null.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().filter(|(header, _)| *header == name).last().and_then(|(_, value)| value)
    }

    /// Its headers in order.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + use<'a> {
        let headers = self.0.headers();
        headers.into_iter().flat_map(|headers| headers.iter().map(|header| (header.key, header.value)))
    }

    /// The time that its producer or the broker gave it.
    pub fn timestamp(&self) -> Option<RecordTime> {
        let (millis, kind) = match self.0.timestamp() {
            rdkafka::Timestamp::NotAvailable => return None,
            rdkafka::Timestamp::CreateTime(millis) => (millis, TimeKind::Created),
            rdkafka::Timestamp::LogAppendTime(millis) => (millis, TimeKind::Appended),
        };
        let nanos = u64::try_from(millis).ok()?.checked_mul(1_000_000)?;
        Some(RecordTime { at: Timestamp(nanos), kind })
    }

    /// Bytes of key, headers and value.
    pub(crate) fn size(&self) -> u64 {
        let headers: usize =
            self.headers().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len)).sum();
        (self.key().map_or(0, <[u8]>::len) + self.value().map_or(0, <[u8]>::len) + headers) as u64
    }

    pub(crate) fn decoded<T>(&self, value: T, received: Instant) -> Record<T> {
        Record {
            topic: self.topic().to_owned(),
            partition: self.partition(),
            offset: self.offset(),
            key: self.key().map(Bytes::copy_from_slice),
            headers: self
                .headers()
                .map(|(name, value)| (name.to_owned(), value.map(Bytes::copy_from_slice)))
                .collect(),
            value,
            tombstone: self.value().is_none(),
            timestamp: self.timestamp(),
            received,
            excerpt: self.value().map(|value| Bytes::copy_from_slice(&value[..value.len().min(EXCERPT)])),
        }
    }

    /// Where it is: `kafka topic orders partition 2 offset 17`.
    pub(crate) fn coordinates(&self) -> String {
        format!("kafka topic {} partition {} offset {}", self.topic(), self.partition(), self.offset())
    }
}

impl fmt::Debug for BorrowedRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BorrowedRecord")
            .field("topic", &self.topic())
            .field("partition", &self.partition())
            .field("offset", &self.offset())
            .field("key", &self.key().map(quote))
            .field("value", &self.value().map(quote))
            .finish()
    }
}
