//! Records as evidence shows them.

use crate::entry::EntryId;
use crate::record::{Message, StreamRecord};
use crate::text::quote;
use bytes::Bytes;
use qalipsis_core::execution::Exchanged;
use qalipsis_core::text::names_secret;
use std::fmt::Write as _;

/// Stands for a secret.
pub(crate) const HIDDEN: &str = "***";

/// Bytes of a message that are shown.
const EXCERPT: usize = 2048;

/// The value of a field as it may be shown.
pub(crate) fn field(name: &str, value: &[u8]) -> String {
    if names_secret(name) { HIDDEN.to_owned() } else { quote(value) }
}

/// The part of a message that is kept for evidence.
pub(crate) fn excerpt(payload: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&payload[..payload.len().min(EXCERPT)])
}

/// What is shown of an entry of a stream.
pub(crate) struct ReadEntry {
    stream: String,
    id: EntryId,
    fields: Vec<(String, Bytes)>,
}

impl ReadEntry {
    pub(crate) fn new<T>(record: &StreamRecord<T>) -> Self {
        Self { stream: record.stream.clone(), id: record.id, fields: record.fields.clone() }
    }
}

impl Exchanged for ReadEntry {
    fn summary(&self) -> String {
        format!("redis stream {} entry {}", self.stream, self.id)
    }

    fn details(&self) -> String {
        let mut text = self.summary();
        text.push('\n');
        for (name, value) in &self.fields {
            let _ = write!(text, "\n{}: {}", quote(name.as_bytes()), field(name, value));
        }
        text
    }
}

/// What is shown of a message of a channel.
pub(crate) struct ReadMessage {
    channel: String,
    payload: Bytes,
}

impl ReadMessage {
    pub(crate) fn new<T>(message: &Message<T>) -> Self {
        Self { channel: message.channel.clone(), payload: message.payload.clone() }
    }
}

impl Exchanged for ReadMessage {
    fn summary(&self) -> String {
        format!("redis channel {}", quote(self.channel.as_bytes()))
    }

    fn details(&self) -> String {
        format!("{}\n\n{}", self.summary(), String::from_utf8_lossy(&self.payload))
    }
}
