//! Records as they were read.

use crate::entry::EntryId;
use bytes::Bytes;
use tokio::time::Instant;

/// An entry of a stream that was read and decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRecord<T> {
    /// The stream.
    pub stream: String,
    /// Its id in the stream, which holds the server's time.
    pub id: EntryId,
    /// Its fields in order, as they were added; names may repeat.
    pub fields: Vec<(String, Bytes)>,
    /// What was decoded.
    pub value: T,
    /// When this process received it, before it was decoded.
    pub received: Instant,
}

impl<T> StreamRecord<T> {
    /// The last field of this name as text, if there is one and it is UTF-8.
    pub fn field_text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().rev().find(|(field, _)| field == name)?;
        std::str::from_utf8(value).ok()
    }

    /// The trace that whoever added it wants continued: its field `traceparent`.
    pub fn traceparent(&self) -> Option<&str> {
        self.field_text("traceparent")
    }
}

/// A message of a channel that was received and decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<T> {
    /// The channel that it was published to.
    pub channel: String,
    /// The pattern that the channel matches, when a pattern was subscribed to.
    pub pattern: Option<String>,
    /// What was decoded.
    pub value: T,
    /// When this process received it, before it was decoded.
    pub received: Instant,
    /// The beginning of what was sent, for evidence.
    pub(crate) payload: Bytes,
}
