//! Records as evidence shows them.

use crate::record::{Header, Record, RecordTime, TimeKind};
use crate::text::quote;
use bytes::Bytes;
use qalipsis_core::execution::Exchanged;
use qalipsis_core::text::names_secret;
use std::fmt::Write as _;

/// Bytes of a value that are shown.
pub(crate) const EXCERPT: usize = 2048;

/// A header as it shows: without its value if that is a secret.
pub(crate) fn shown(name: &str, value: &[u8]) -> String {
    if names_secret(name) { "***".to_owned() } else { quote(value) }
}

/// What is shown of a record that was read.
pub(crate) struct Read {
    topic: String,
    partition: i32,
    offset: i64,
    key: Option<Bytes>,
    headers: Vec<Header>,
    value: Option<Bytes>,
    time: Option<RecordTime>,
}

impl Read {
    pub(crate) fn new<T>(record: &Record<T>) -> Self {
        Self {
            topic: record.topic.clone(),
            partition: record.partition,
            offset: record.offset,
            key: record.key.clone(),
            headers: record.headers.clone(),
            value: record.excerpt.clone(),
            time: record.timestamp,
        }
    }
}

impl Exchanged for Read {
    fn summary(&self) -> String {
        let key = self.key.as_deref().map_or("no key".to_owned(), |key| format!("key {}", quote(key)));
        format!("kafka {}[{}]@{}, {key}", self.topic, self.partition, self.offset)
    }

    fn details(&self) -> String {
        let mut text =
            format!("kafka topic {} partition {} offset {}", self.topic, self.partition, self.offset);
        if let Some(key) = &self.key {
            let _ = write!(text, "\nkey: {}", quote(key));
        }
        if let Some(time) = self.time {
            let kind = match time.kind {
                TimeKind::Created => "created",
                TimeKind::Appended => "appended",
            };
            let _ = write!(text, "\n{kind}: {}", time.at.rfc3339());
        }
        let value = self.value.as_deref().map_or("null".into(), String::from_utf8_lossy);
        let _ = write!(text, "\n\n{value}\n");
        for (name, value) in &self.headers {
            let value = value.as_deref().map_or("null".to_owned(), |value| shown(name, value));
            let _ = write!(text, "\n{name}: {value}");
        }
        text
    }
}
