//! What to read, and as what.

use crate::evidence::Read;
use crate::message::{BorrowedMessage, Message};
use crate::reader;
use crate::target::Target;
use crate::text::exchange;
use bytes::Bytes;
use qalipsis_core::execution::Exchange;
use qalipsis_core::fault::Fault;
use qalipsis_core::source::{Feed, Sharing, Source};
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// How many messages may be on their way unless the source says otherwise.
const PREFETCH: u16 = 500;

/// Turns a message into a value, or says why it can't.
pub(crate) type Decode<T> = Box<dyn Fn(&BorrowedMessage<'_>) -> Result<T, String> + Send + Sync>;

/// Where messages come from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A queue that exists.
    Queue(String),
    /// An exchange that exists, through a queue of the source's own.
    Exchange { exchange: String, routing_key: String },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(name) => write!(f, "rabbitmq queue {name}"),
            Self::Exchange { exchange: name, routing_key } => {
                write!(f, "rabbitmq exchange {} routing key '{routing_key}'", exchange(name))
            }
        }
    }
}

/// A source of messages, to be joined: `setup.join(rabbit.consume("orders").json::<Event>(), |m| m.value.id)`.
#[must_use = "a source is read once it is joined: `setup.join(source, |message| key)`"]
pub struct Consume<T> {
    pub(crate) target: Arc<Target>,
    pub(crate) origin: Origin,
    pub(crate) prefetch: u16,
    pub(crate) name: Option<String>,
    pub(crate) decode: Decode<T>,
}

impl<T> fmt::Debug for Consume<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consume")
            .field("target", &self.target)
            .field("origin", &self.origin)
            .field("prefetch", &self.prefetch)
            .finish_non_exhaustive()
    }
}

impl Consume<Bytes> {
    pub(crate) fn new(target: Arc<Target>, origin: Origin) -> Self {
        let decode: Decode<Bytes> = Box::new(|message| Ok(Bytes::copy_from_slice(message.body())));
        Self { target, origin, prefetch: PREFETCH, name: None, decode }
    }
}

impl<T> Consume<T> {
    /// How many messages the broker may have sent that were not acknowledged yet: the limit of this
    /// source's buffer. Default: 500. AMQP's 0, which is no limit, counts as 1.
    pub fn prefetch(mut self, messages: u16) -> Self {
        self.prefetch = messages.max(1);
        self
    }

    /// What the source is called in reports, before its address: `.named("placed orders")`. Default: by queue,
    /// or exchange and routing key.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Bodies are JSON.
    pub fn json<V: DeserializeOwned + Send + 'static>(self) -> Consume<V> {
        self.decode(|message| serde_json::from_slice::<V>(message.body()))
    }

    /// Bodies are UTF-8 text.
    pub fn string(self) -> Consume<String> {
        self.decode(|message| std::str::from_utf8(message.body()).map(str::to_owned))
    }

    /// Bodies are bytes. This is the default.
    pub fn bytes(self) -> Consume<Bytes> {
        self.decode(|message| Ok::<_, std::convert::Infallible>(Bytes::copy_from_slice(message.body())))
    }

    /// Values are whatever this function makes of a message. It runs on the thread that reads.
    pub fn decode<V, E: fmt::Display>(
        self,
        decode: impl Fn(&BorrowedMessage<'_>) -> Result<V, E> + Send + Sync + 'static,
    ) -> Consume<V> {
        Consume {
            target: self.target,
            origin: self.origin,
            prefetch: self.prefetch,
            name: self.name,
            decode: Box::new(move |message| decode(message).map_err(|error| error.to_string())),
        }
    }
}

impl<T: Send + 'static> Source for Consume<T> {
    type Record = Message<T>;

    fn sharing(&self) -> Sharing {
        if matches!(self.origin, Origin::Queue(_)) { Sharing::Shared } else { Sharing::Each }
    }

    fn name(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} at {}", self.target),
            None => format!("{} at {}", self.origin, self.target),
        }
    }

    fn evidence(message: &Message<T>) -> Option<Exchange> {
        Some(Arc::new(Read::new(message)))
    }

    async fn run(self, feed: Feed<Message<T>>) -> Result<(), Fault> {
        reader::run(self, feed).await
    }
}
