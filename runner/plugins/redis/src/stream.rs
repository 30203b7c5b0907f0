//! What to read of a stream, from where on, and as what.

use crate::client::Redis;
use crate::entry::Entry;
use crate::evidence::ReadEntry;
use crate::record::StreamRecord;
use crate::stream_reader;
use qalipsis_core::execution::Exchange;
use qalipsis_core::fault::Fault;
use qalipsis_core::source::{Feed, Sharing, Source};
use qalipsis_plugin::reader;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tokio::task::unconstrained;

/// Where reading starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Position {
    /// With what is added once the source is ready.
    #[default]
    Latest,
    /// With the oldest entry that the stream still has; of a group, with what the group has not read.
    Earliest,
}

/// The fields of an entry as text. Of names that repeat, the last one counts.
pub type Fields = BTreeMap<String, String>;

/// Turns an entry into a value, or says why it can't.
pub(crate) type Decode<T> = Box<dyn Fn(&Entry) -> Result<T, String> + Send + Sync>;

/// A source of the entries of a stream, to be joined:
/// `setup.join(redis.consume_stream("orders").json_field::<Event>("payload"), |r| r.value.id)`.
#[must_use = "a source is read once it is joined: `setup.join(source, |record| key)`"]
pub struct ConsumeStream<T> {
    pub(crate) redis: Redis,
    pub(crate) stream: String,
    pub(crate) position: Position,
    pub(crate) group: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) decode: Decode<T>,
}

impl Redis {
    /// Reads a stream, which need not exist yet. Without further calls the values are the fields as text,
    /// and reading starts with what is added once the source is ready.
    pub fn consume_stream(&self, stream: impl Into<String>) -> ConsumeStream<Fields> {
        ConsumeStream {
            redis: self.clone(),
            stream: stream.into(),
            position: Position::default(),
            group: None,
            name: None,
            decode: Box::new(fields),
        }
    }
}

impl<T> ConsumeStream<T> {
    /// Where reading starts. Default: [`Position::Latest`].
    pub fn from(mut self, position: Position) -> Self {
        self.position = position;
        self
    }

    /// Reads as a member of this consumer group, which is created if need be, and acknowledges what it
    /// has handed over.
    ///
    /// Members share the entries, so a scenario that reads with a group runs in one factory only. With [`Position::Latest`], entries that the group has not read
    /// and that are older than the readiness of the source are acknowledged and not handed over.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// What the source is called in reports, before its address: `.named("settled payments")`. Default: by its
    /// stream and group.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Values are all fields, as text. This is the default.
    pub fn fields(self) -> ConsumeStream<Fields> {
        self.decoded(Box::new(fields))
    }

    /// Values are JSON in this field.
    pub fn json_field<V: DeserializeOwned + Send + 'static>(
        self,
        name: impl Into<String>,
    ) -> ConsumeStream<V> {
        let name = name.into();
        self.decode(move |entry| match entry.field(&name) {
            Some(value) => serde_json::from_slice(value).map_err(|error| format!("field {name}: {error}")),
            None => Err(format!("no field {name}")),
        })
    }

    /// Values are the text of this field.
    pub fn text_field(self, name: impl Into<String>) -> ConsumeStream<String> {
        let name = name.into();
        self.decode(move |entry| match entry.field(&name) {
            Some(value) => utf8(&name, value),
            None => Err(format!("no field {name}")),
        })
    }

    /// Values are whatever this function makes of an entry. It runs on the thread that reads.
    pub fn decode<V, E: fmt::Display>(
        self,
        decode: impl Fn(&Entry) -> Result<V, E> + Send + Sync + 'static,
    ) -> ConsumeStream<V> {
        self.decoded(Box::new(move |entry| decode(entry).map_err(|error| error.to_string())))
    }

    fn decoded<V>(self, decode: Decode<V>) -> ConsumeStream<V> {
        let Self { redis, stream, position, group, name, decode: _ } = self;
        ConsumeStream { redis, stream, position, group, name, decode }
    }
}

fn fields(entry: &Entry) -> Result<Fields, String> {
    entry.fields.iter().map(|(name, value)| Ok((name.clone(), utf8(name, value)?))).collect()
}

fn utf8(name: &str, value: &[u8]) -> Result<String, String> {
    std::str::from_utf8(value).map(str::to_owned).map_err(|error| format!("field {name}: {error}"))
}

impl<T> fmt::Debug for ConsumeStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumeStream")
            .field("redis", &self.redis)
            .field("stream", &self.stream)
            .field("position", &self.position)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Source for ConsumeStream<T> {
    type Record = StreamRecord<T>;

    fn sharing(&self) -> Sharing {
        if self.group.is_some() { Sharing::Shared } else { Sharing::Each }
    }

    fn name(&self) -> String {
        if let Some(name) = &self.name {
            return format!("{name} at {}", self.redis.target());
        }
        let group = self.group.as_ref().map_or(String::new(), |group| format!(" (group {group})"));
        format!("redis stream {}{group} at {}", self.stream, self.redis.target())
    }

    fn evidence(record: &StreamRecord<T>) -> Option<Exchange> {
        Some(Arc::new(ReadEntry::new(record)))
    }

    async fn run(self, feed: Feed<StreamRecord<T>>) -> Result<(), Fault> {
        // Without the budget of a task, so that all that has come is handed over before more is read from the
        // connection: this is what limits the client's buffer.
        reader::run_async("redis-reader", feed, |feed, ending| {
            unconstrained(stream_reader::read(self, feed, ending))
        })
        .await
    }
}
