//! Messages of channels.

use crate::client::Redis;
use crate::evidence::{ReadMessage, excerpt};
use crate::outage::Outage;
use crate::record::Message;
use crate::server::{CONNECT_LIMIT, Server};
use crate::text::{cause, is_outage, quote};
use futures::StreamExt as _;
use qalipsis_core::execution::Exchange;
use qalipsis_core::fault::Fault;
use qalipsis_core::source::{Feed, Recovery, Source};
use qalipsis_plugin::reader::{self, Ending};
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Msg, RedisError, RedisResult, Value};
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep, timeout};

/// How often a quiet server is asked whether it is still there.
const ASK_PERIOD: Duration = Duration::from_secs(2);

/// How long it may take to answer that.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// Turns a message into a value, or says why it can't.
type Decode<T> = Box<dyn Fn(&str, &[u8]) -> Result<T, String> + Send + Sync>;

/// A source of the messages of channels, to be joined:
/// `setup.join(redis.subscribe("orders").json::<Event>(), |m| m.value.id)`.
///
/// Redis keeps no messages: what is published while the source has no connection is missed.
#[must_use = "a source is read once it is joined: `setup.join(source, |message| key)`"]
pub struct Subscribe<T> {
    redis: Redis,
    channel: String,
    /// Whether `channel` is a pattern.
    matching: bool,
    name: Option<String>,
    decode: Decode<T>,
}

impl Redis {
    /// Receives the messages of a channel. Without further calls they are text.
    pub fn subscribe(&self, channel: impl Into<String>) -> Subscribe<String> {
        self.subscription(channel.into(), false)
    }

    /// Receives the messages of all channels whose name matches a pattern, as Redis understands it:
    /// `orders.*`, `order?`, `order[ab]`.
    pub fn subscribe_matching(&self, pattern: impl Into<String>) -> Subscribe<String> {
        self.subscription(pattern.into(), true)
    }

    fn subscription(&self, channel: String, matching: bool) -> Subscribe<String> {
        let decode: Decode<String> = Box::new(|_, payload| utf8(payload));
        Subscribe { redis: self.clone(), channel, matching, name: None, decode }
    }
}

fn utf8(payload: &[u8]) -> Result<String, String> {
    std::str::from_utf8(payload).map(str::to_owned).map_err(|error| error.to_string())
}

impl<T> Subscribe<T> {
    /// What the source is called in reports, before its address: `.named("prices")`. Default: by its channel.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Messages are JSON.
    pub fn json<V: DeserializeOwned + Send + 'static>(self) -> Subscribe<V> {
        self.decode(|_, payload| serde_json::from_slice(payload))
    }

    /// Messages are UTF-8 text. This is the default.
    pub fn string(self) -> Subscribe<String> {
        self.decode(|_, payload| utf8(payload))
    }

    /// Messages are bytes.
    pub fn bytes(self) -> Subscribe<bytes::Bytes> {
        self.decode(|_, payload| Ok::<_, String>(bytes::Bytes::copy_from_slice(payload)))
    }

    /// Messages are whatever this function makes of channel and payload. It runs on the thread that reads.
    pub fn decode<V, E: fmt::Display>(
        self,
        decode: impl Fn(&str, &[u8]) -> Result<V, E> + Send + Sync + 'static,
    ) -> Subscribe<V> {
        let Self { redis, channel, matching, name, decode: _ } = self;
        let decode: Decode<V> =
            Box::new(move |channel, payload| decode(channel, payload).map_err(|error| error.to_string()));
        Subscribe { redis, channel, matching, name, decode }
    }
}

impl<T> fmt::Debug for Subscribe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe")
            .field("redis", &self.redis)
            .field("channel", &self.channel)
            .field("matching", &self.matching)
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Source for Subscribe<T> {
    type Record = Message<T>;

    fn name(&self) -> String {
        let kind = if self.matching { "channels matching" } else { "channel" };
        match &self.name {
            Some(name) => format!("{name} at {}", self.redis.target()),
            None => format!("redis {kind} {} at {}", self.channel, self.redis.target()),
        }
    }

    fn evidence(message: &Message<T>) -> Option<Exchange> {
        Some(Arc::new(ReadMessage::new(message)))
    }

    async fn run(self, feed: Feed<Message<T>>) -> Result<(), Fault> {
        // Without the budget of a task, so that all that has come is handed over before more is read from the
        // connection: this is what limits the client's buffer.
        reader::run_async("redis-reader", feed, |feed, ending| unconstrained(read(self, feed, ending))).await
    }
}

async fn read<T: Send + 'static>(
    source: Subscribe<T>,
    feed: Arc<Feed<Message<T>>>,
    ending: Ending,
) -> Result<(), Fault> {
    let server = Arc::clone(&source.redis.0.server);
    let Some(opened) = ending.unless(source.open(&server)).await else { return Ok(()) };
    let mut connection = opened.map_err(|error| source.refused(&server, &error))?;
    feed.ready();
    let mut outage = Outage::default();
    loop {
        let (reason, heard) = source.receive(connection, &feed, &ending).await;
        if ending.is_set() {
            return Ok(());
        }
        feed.interrupted_since(heard, server.redact(&reason));
        let mut pause = outage.failed(reason);
        connection = loop {
            if ending.unless(sleep(pause)).await.is_none() {
                return outage.verdict(&server);
            }
            match ending.unless(source.open(&server)).await {
                None => return outage.verdict(&server),
                Some(Ok(connection)) => break connection,
                Some(Err(error)) if is_outage(&error) => pause = outage.failed(cause(&error)),
                Some(Err(error)) => return Err(source.refused(&server, &error)),
            }
        };
        outage.over();
        // The server keeps no message for those who are away.
        feed.resumed(Recovery::Lossy);
    }
}

impl<T: Send + 'static> Subscribe<T> {
    /// A connection whose subscription the server has confirmed.
    async fn open(&self, server: &Server) -> RedisResult<(PubSubSink, PubSubStream)> {
        let (mut sink, stream) = server.open_for_messages().await?.split();
        let confirmed = async {
            match self.matching {
                true => sink.psubscribe(&self.channel).await,
                false => sink.subscribe(&self.channel).await,
            }
        };
        match timeout(CONNECT_LIMIT, confirmed).await {
            Ok(confirmed) => confirmed.map(|()| (sink, stream)),
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }

    fn refused(&self, server: &Server, error: &RedisError) -> Fault {
        match error.code() {
            // The login was fine, this channel is not for everybody.
            Some("NOPERM") => server.failed(&format!("SUBSCRIBE {}", quote(self.channel.as_bytes())), error),
            _ => server.unreachable(error),
        }
    }

    /// Hands over messages until the source has to end or the connection is lost: why, and when the server was
    /// heard last.
    async fn receive(
        &self,
        (mut sink, mut stream): (PubSubSink, PubSubStream),
        feed: &Feed<Message<T>>,
        ending: &Ending,
    ) -> (String, Instant) {
        let heard = Cell::new(Instant::now());
        // A server that vanished without closing the connection would otherwise be waited for forever.
        let silent = async {
            loop {
                sleep(ASK_PERIOD).await;
                let asked = Instant::now();
                match timeout(ASK_LIMIT, sink.ping::<Value>()).await {
                    Ok(Ok(_)) => {
                        let answered = Instant::now();
                        // While messages came, whoever was slow was not the server.
                        if heard.get() < asked {
                            feed.answered("the server", asked, answered, Duration::ZERO);
                        }
                        heard.set(asked.max(heard.get()));
                    }
                    Ok(Err(error)) => return cause(&error),
                    Err(_) => return "no answer".to_owned(),
                }
            }
        };
        let mut silent = std::pin::pin!(silent);
        loop {
            let message = tokio::select! {
                biased;
                () = ending.wait() => return (String::new(), heard.get()),
                // Before the watch over the connection, so that its last messages are not dropped.
                message = stream.next() => message,
                reason = &mut silent => return (reason, heard.get()),
            };
            match message {
                Some(message) => {
                    heard.set(Instant::now());
                    self.hand_over(&message, feed);
                }
                None => return ("the connection was closed".to_owned(), heard.get()),
            }
        }
    }

    fn hand_over(&self, message: &Msg, feed: &Feed<Message<T>>) {
        let received = Instant::now();
        let (channel, payload) = (message.get_channel_name(), message.get_payload_bytes());
        feed.bytes((channel.len() + payload.len()) as u64);
        match (self.decode)(channel, payload) {
            Ok(value) => {
                let pattern = self.matching.then(|| self.channel.clone());
                let payload = excerpt(payload);
                feed.record(
                    Message { channel: channel.to_owned(), pattern, value, received, payload },
                    received,
                );
            }
            Err(problem) => {
                let place = format!("redis channel {}", quote(channel.as_bytes()));
                let fault = Fault::undecodable(format!("{place}: {problem}, message {}", quote(payload)));
                let whole = String::from_utf8_lossy(&payload[..payload.len().min(2048)]).into_owned();
                feed.undecodable(fault.exchange(format!("{place}\n\n{whole}")));
            }
        }
    }
}
