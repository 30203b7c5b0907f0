//! Publishing messages and awaiting their confirmation.

use crate::client::RabbitMq;
use crate::link::Link;
use crate::text::{cause, exchange, quote};
use bytes::Bytes;
use futures::future::BoxFuture;
use lapin::message::BasicReturnMessage;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Confirmation};
use qalipsis_core::clock;
use qalipsis_core::execution::{self, Exchanged};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::text::names_secret;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// AMQP's delivery mode of messages that outlive a restart of the broker.
pub(crate) const PERSISTENT: u8 = 2;

/// The broker has taken responsibility for a message: all queues that it was routed to have it, on disk
/// where both are durable. A message that is not [`mandatory`](Publish::mandatory) may have been routed
/// to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confirmed {
    /// Whether at least one queue got it; `None` if it was not mandatory, because the broker does not report it then.
    pub routed: Option<bool>,
}

/// A message to be published: the action of a step. Awaiting it publishes it and ends when the broker has
/// confirmed it. Dropping it later does not call it back.
///
/// When awaited in a step, the trace goes on in its header `traceparent`, unless it has one.
#[derive(Clone)]
#[must_use = "a message is published when it is awaited: `minion.step(Order::Place, message)`"]
pub struct Publish {
    client: RabbitMq,
    exchange: String,
    routing_key: String,
    headers: Vec<(String, Bytes)>,
    content_type: Option<String>,
    message_id: Option<String>,
    correlation_id: Option<String>,
    reply_to: Option<String>,
    persistent: bool,
    mandatory: bool,
    body: Result<Bytes, String>,
}

impl Publish {
    pub(crate) fn new(client: RabbitMq, exchange: String, routing_key: String) -> Self {
        Self {
            client,
            exchange,
            routing_key,
            headers: Vec::new(),
            content_type: None,
            message_id: None,
            correlation_id: None,
            reply_to: None,
            persistent: false,
            mandatory: false,
            body: Ok(Bytes::new()),
        }
    }

    /// Its body as JSON, and the content type `application/json`. What can't be JSON fails the step.
    pub fn json<V: Serialize + ?Sized>(mut self, value: &V) -> Self {
        self.body = serde_json::to_vec(value).map(Bytes::from).map_err(|error| error.to_string());
        self.content_type.get_or_insert_with(|| "application/json".to_owned());
        self
    }

    /// Its body as text, and the content type `text/plain`.
    pub fn text(mut self, value: impl Into<String>) -> Self {
        self.body = Ok(value.into().into());
        self.content_type.get_or_insert_with(|| "text/plain".to_owned());
        self
    }

    /// Its body.
    pub fn bytes(mut self, value: impl Into<Bytes>) -> Self {
        self.body = Ok(value.into());
        self
    }

    /// One more header, as a string of AMQP. A later one of the same name replaces it.
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), Bytes::copy_from_slice(value.as_ref())));
        self
    }

    /// Its content type, instead of the one that [`json`](Self::json) and [`text`](Self::text) give.
    pub fn content_type(mut self, value: impl Into<String>) -> Self {
        self.content_type = Some(value.into());
        self
    }

    /// Its property `message-id`.
    pub fn message_id(mut self, id: impl Into<String>) -> Self {
        self.message_id = Some(id.into());
        self
    }

    /// Its property `correlation-id`.
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Its property `reply-to`.
    pub fn reply_to(mut self, queue: impl Into<String>) -> Self {
        self.reply_to = Some(queue.into());
        self
    }

    /// Durable queues keep it over a restart of the broker, and it is confirmed when it is on disk.
    pub fn persistent(mut self) -> Self {
        self.persistent = true;
        self
    }

    /// It must reach a queue: a message that the broker returns because no queue is bound for it fails.
    pub fn mandatory(mut self) -> Self {
        self.mandatory = true;
        self
    }

    async fn deliver(mut self) -> Result<Confirmed, Fault> {
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("traceparent"))
            && let Some(trace) = execution::traceparent()
        {
            self.headers.push(("traceparent".to_owned(), trace.into()));
        }
        match self.attempt().await {
            Ok(confirmed) => {
                execution::remember(Arc::new(Exchange(self)));
                Ok(confirmed)
            }
            Err(mut fault) => {
                fault.message = format!("{}: {}", self.place(), fault.message);
                Err(fault.input(Exchange(self).to_string()))
            }
        }
    }

    /// The message of a fault says what went wrong; where is added by the caller.
    async fn attempt(&self) -> Result<Confirmed, Fault> {
        let body = match &self.body {
            Ok(body) => body.clone(),
            Err(problem) => {
                return Err(Fault::error(format!("the body can't be JSON: {problem}")).code("json"));
            }
        };
        let exchange = short("exchange", &self.exchange)?;
        let routing_key = short("routing key", &self.routing_key)?;
        let properties = self.properties()?;
        let options = BasicPublishOptions { mandatory: self.mandatory, ..BasicPublishOptions::default() };

        let inner = &self.client.0;
        let limit = inner.target.timeout;
        let deadline = clock::after(Instant::now(), limit);
        let lease = match timeout_at(deadline, inner.channels.take(deadline)).await {
            Ok(lease) => lease?,
            Err(_) => {
                let text = format!("no connection, or no free channel, within {}", human(limit));
                return Err(Fault::timeout(text).code("unreachable"));
            }
        };
        let publishing = async {
            let confirm =
                lease.channel.basic_publish(exchange, routing_key, options, &body, properties).await?;
            confirm.await
        };
        match timeout_at(deadline, publishing).await {
            Ok(Ok(confirmation)) => {
                lease.give_back();
                self.judged(confirmation)
            }
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => {
                let blocked = inner.channels.slot.peek().is_some_and(|link: Arc<Link>| link.blocked());
                let why = if blocked {
                    ": the broker blocks publishers (it is short of memory or disk)"
                } else {
                    ""
                };
                let text = format!("not confirmed within {}{why}", human(limit));
                Err(Fault::timeout(text).code("unconfirmed"))
            }
        }
    }

    fn judged(&self, confirmation: Confirmation) -> Result<Confirmed, Fault> {
        match confirmation {
            Confirmation::Ack(None) | Confirmation::NotRequested => {
                Ok(Confirmed { routed: self.mandatory.then_some(true) })
            }
            Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
                Err(unroutable(&returned))
            }
            Confirmation::Nack(None) => {
                let text = "the broker refused it (nack): a queue is full or could not store it";
                Err(Fault::error(text).code("nack"))
            }
        }
    }

    fn properties(&self) -> Result<BasicProperties, Fault> {
        let mut properties = BasicProperties::default();
        if !self.headers.is_empty() {
            let mut table = FieldTable::default();
            for (name, value) in &self.headers {
                table.insert(short("name of a header", name)?, AMQPValue::LongString(value.to_vec().into()));
            }
            properties = properties.with_headers(table);
        }
        if let Some(value) = &self.content_type {
            properties = properties.with_content_type(short("content type", value)?);
        }
        if let Some(value) = &self.message_id {
            properties = properties.with_message_id(short("message id", value)?);
        }
        if let Some(value) = &self.correlation_id {
            properties = properties.with_correlation_id(short("correlation id", value)?);
        }
        if let Some(value) = &self.reply_to {
            properties = properties.with_reply_to(short("reply-to", value)?);
        }
        if self.persistent {
            properties = properties.with_delivery_mode(PERSISTENT);
        }
        Ok(properties)
    }

    /// `rabbitmq exchange events routing key order.placed at 127.0.0.1:5672`.
    fn place(&self) -> String {
        let (name, target) = (exchange(&self.exchange), &self.client.0.target);
        format!("rabbitmq exchange {name} routing key '{}' at {target}", quote(self.routing_key.as_bytes()))
    }
}

/// AMQP gives names one byte for their length.
fn short(what: &str, value: &str) -> Result<ShortString, Fault> {
    ShortString::try_new(value).map_err(|_| {
        let text = format!("the {what} has {} bytes, AMQP allows 255", value.len());
        Fault::error(text).code("too-long")
    })
}

fn unroutable(returned: &BasicReturnMessage) -> Fault {
    let text = returned.reply_text.to_string();
    Fault::error(format!("returned as unroutable: {} ({})", text, returned.reply_code)).code("returned")
}

fn failed(error: &lapin::Error) -> Fault {
    match cause(error) {
        (text, "connection-lost" | "connection-forced") => {
            let text = format!("{text} before it was confirmed, so it may have been stored or not");
            Fault::error(text).code("connection-lost")
        }
        (text, code) => Fault::error(text).code(code),
    }
}

impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("exchange", &self.exchange)
            .field("routing_key", &self.routing_key)
            .finish_non_exhaustive()
    }
}

impl IntoFuture for Publish {
    type Output = Result<Confirmed, Fault>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.deliver())
    }
}

/// What was published, formatted only if somebody has to see it.
struct Exchange(Publish);

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
        let message = &self.0;
        write!(f, "published to rabbitmq exchange {}", exchange(&message.exchange))?;
        write!(f, " routing key '{}'", quote(message.routing_key.as_bytes()))?;
        let properties = [
            ("content-type", &message.content_type),
            ("message-id", &message.message_id),
            ("correlation-id", &message.correlation_id),
            ("reply-to", &message.reply_to),
        ];
        for (name, value) in properties {
            if let Some(value) = value {
                write!(f, "\n{name}: {}", quote(value.as_bytes()))?;
            }
        }
        for (name, value) in &message.headers {
            let shown = if names_secret(name) { "***".to_owned() } else { quote(value) };
            write!(f, "\n{name}: {shown}")?;
        }
        match &message.body {
            Ok(body) => write!(f, "\n\n{}", String::from_utf8_lossy(&body[..body.len().min(2048)])),
            Err(_) => Ok(()),
        }
    }
}
