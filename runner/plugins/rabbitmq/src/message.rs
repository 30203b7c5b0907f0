//! Messages as they were read.

use crate::evidence::EXCERPT;
use crate::publish::PERSISTENT;
use crate::text::{exchange, quote};
use bytes::Bytes;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use qalipsis_core::model::timestamp::Timestamp;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;

/// A message that was read and decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Message<T> {
    /// The exchange that it was published to; empty for the default one.
    pub exchange: String,
    /// The routing key that it was published with.
    pub routing_key: String,
    /// The queue that it was read from.
    pub queue: Arc<str>,
    /// Its number on the channel that it came by.
    pub delivery_tag: u64,
    /// Whether the broker has delivered it before, to whomever, without getting an acknowledgement.
    pub redelivered: bool,
    /// Its headers by name: strings, numbers, booleans, tables and arrays as in JSON.
    pub headers: Vec<(String, Value)>,
    /// The properties that its publisher set.
    pub properties: Properties,
    /// Its decoded body.
    pub value: T,
    /// When this process received it, before it was decoded.
    pub received: Instant,
    /// The beginning of its body, for evidence.
    pub(crate) body: Bytes,
}

/// The properties of a message, as far as its publisher gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// `message-id`.
    pub message_id: Option<String>,
    /// `correlation-id`.
    pub correlation_id: Option<String>,
    /// `timestamp`, on the clock of the publisher, in whole seconds.
    pub timestamp: Option<Timestamp>,
    /// `content-type`.
    pub content_type: Option<String>,
    /// `content-encoding`.
    pub content_encoding: Option<String>,
    /// `reply-to`.
    pub reply_to: Option<String>,
    /// `type`.
    pub kind: Option<String>,
    /// `app-id`.
    pub app_id: Option<String>,
    /// Whether durable queues keep it over a restart of the broker.
    pub persistent: bool,
    /// `priority`.
    pub priority: Option<u8>,
}

impl<T> Message<T> {
    /// The header of this name, if it is a string.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name)?.1.as_str()
    }

    /// The W3C `traceparent` that its publisher sent.
    pub fn traceparent(&self) -> Option<&str> {
        self.header_text("traceparent")
    }
}

/// A message that was not decoded yet, for decoders.
#[derive(Clone, Copy)]
pub struct BorrowedMessage<'a> {
    delivery: &'a Delivery,
    queue: &'a Arc<str>,
}

impl<'a> BorrowedMessage<'a> {
    pub(crate) fn new(delivery: &'a Delivery, queue: &'a Arc<str>) -> Self {
        Self { delivery, queue }
    }

    /// The exchange that it was published to; empty for the default one.
    pub fn exchange(&self) -> &'a str {
        self.delivery.exchange.as_str()
    }

    /// The routing key that it was published with.
    pub fn routing_key(&self) -> &'a str {
        self.delivery.routing_key.as_str()
    }

    /// The queue that it was read from.
    pub fn queue(&self) -> &'a str {
        self.queue
    }

    /// Its body.
    pub fn body(&self) -> &'a [u8] {
        &self.delivery.data
    }

    /// Whether the broker has delivered it before.
    pub fn redelivered(&self) -> bool {
        self.delivery.redelivered
    }

    /// The header of this name.
    pub fn header(&self, name: &str) -> Option<Value> {
        self.table()?.inner().get(name).map(json)
    }

    /// The properties that its publisher set.
    pub fn properties(&self) -> Properties {
        let from: &BasicProperties = &self.delivery.properties;
        let text = |value: &Option<lapin::types::ShortString>| value.as_ref().map(ToString::to_string);
        Properties {
            message_id: text(from.message_id()),
            correlation_id: text(from.correlation_id()),
            timestamp: from.timestamp().and_then(|seconds| seconds.checked_mul(1_000_000_000)).map(Timestamp),
            content_type: text(from.content_type()),
            content_encoding: text(from.content_encoding()),
            reply_to: text(from.reply_to()),
            kind: text(from.kind()),
            app_id: text(from.app_id()),
            persistent: *from.delivery_mode() == Some(PERSISTENT),
            priority: *from.priority(),
        }
    }

    fn table(&self) -> Option<&'a FieldTable> {
        self.delivery.properties.headers().as_ref()
    }

    pub(crate) fn decoded<T>(&self, value: T, received: Instant) -> Message<T> {
        let headers = self
            .table()
            .map(|table| table.inner().iter().map(|(name, value)| (name.to_string(), json(value))).collect());
        Message {
            exchange: self.exchange().to_owned(),
            routing_key: self.routing_key().to_owned(),
            queue: Arc::clone(self.queue),
            delivery_tag: self.delivery.delivery_tag,
            redelivered: self.delivery.redelivered,
            headers: headers.unwrap_or_default(),
            properties: self.properties(),
            value,
            received,
            body: Bytes::copy_from_slice(&self.body()[..self.body().len().min(EXCERPT)]),
        }
    }

    /// Where it came from: `rabbitmq queue orders exchange events routing key 'a.b' delivery tag 17`.
    pub(crate) fn coordinates(&self) -> String {
        format!(
            "rabbitmq queue {} exchange {} routing key '{}' delivery tag {}",
            self.queue,
            exchange(self.exchange()),
            quote(self.routing_key().as_bytes()),
            self.delivery.delivery_tag
        )
    }
}

impl fmt::Debug for BorrowedMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BorrowedMessage")
            .field("exchange", &self.exchange())
            .field("routing_key", &self.routing_key())
            .field("queue", &self.queue())
            .field("delivery_tag", &self.delivery.delivery_tag)
            .field("redelivered", &self.redelivered())
            .field("body", &quote(self.body()))
            .finish()
    }
}

/// AMQP's values as those of JSON. Bytes that are not text lose what is not; an infinite number is null.
fn json(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::Boolean(value) => Value::from(*value),
        AMQPValue::ShortShortInt(value) => Value::from(*value),
        AMQPValue::ShortShortUInt(value) => Value::from(*value),
        AMQPValue::ShortInt(value) => Value::from(*value),
        AMQPValue::ShortUInt(value) => Value::from(*value),
        AMQPValue::LongInt(value) => Value::from(*value),
        AMQPValue::LongUInt(value) => Value::from(*value),
        AMQPValue::LongLongInt(value) => Value::from(*value),
        AMQPValue::Float(value) => Value::from(*value),
        AMQPValue::Double(value) => Value::from(*value),
        AMQPValue::DecimalValue(value) => {
            Value::from(f64::from(value.value) / 10_f64.powi(i32::from(value.scale)))
        }
        AMQPValue::ShortString(value) => Value::from(value.to_string()),
        AMQPValue::LongString(value) => Value::from(value.to_string()),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(json).collect(),
        AMQPValue::Timestamp(seconds) => Value::from(*seconds),
        AMQPValue::FieldTable(table) => {
            table.inner().iter().map(|(name, value)| (name.to_string(), json(value))).collect()
        }
        AMQPValue::ByteArray(bytes) => Value::from(String::from_utf8_lossy(bytes.as_slice())),
        AMQPValue::Void => Value::Null,
    }
}
