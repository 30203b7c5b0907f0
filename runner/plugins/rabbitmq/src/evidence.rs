//! Messages as evidence shows them.

use crate::message::Message;
use crate::text::{exchange, quote};
use bytes::Bytes;
use qalipsis_core::execution::Exchanged;
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_core::text::names_secret;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;

/// Bytes of a body that are shown.
pub(crate) const EXCERPT: usize = 2048;

/// What is shown of a message that was read.
pub(crate) struct Read {
    exchange: String,
    routing_key: String,
    queue: Arc<str>,
    delivery_tag: u64,
    redelivered: bool,
    headers: Vec<(String, Value)>,
    message_id: Option<String>,
    correlation_id: Option<String>,
    timestamp: Option<Timestamp>,
    body: Bytes,
}

impl Read {
    pub(crate) fn new<T>(message: &Message<T>) -> Self {
        Self {
            exchange: message.exchange.clone(),
            routing_key: message.routing_key.clone(),
            queue: Arc::clone(&message.queue),
            delivery_tag: message.delivery_tag,
            redelivered: message.redelivered,
            headers: message.headers.clone(),
            message_id: message.properties.message_id.clone(),
            correlation_id: message.properties.correlation_id.clone(),
            timestamp: message.properties.timestamp,
            body: message.body.clone(),
        }
    }
}

impl Exchanged for Read {
    fn summary(&self) -> String {
        format!(
            "rabbitmq queue {} exchange {} routing key '{}' delivery tag {}{}",
            self.queue,
            exchange(&self.exchange),
            quote(self.routing_key.as_bytes()),
            self.delivery_tag,
            if self.redelivered { ", redelivered" } else { "" }
        )
    }

    fn details(&self) -> String {
        let mut text = self.summary();
        let body = &self.body[..self.body.len().min(EXCERPT)];
        let _ = write!(text, "\n\n{}\n", String::from_utf8_lossy(body));
        let properties = [("message-id", &self.message_id), ("correlation-id", &self.correlation_id)];
        for (name, value) in properties {
            if let Some(value) = value {
                let _ = write!(text, "\n{name}: {}", quote(value.as_bytes()));
            }
        }
        if let Some(at) = self.timestamp {
            let _ = write!(text, "\ntimestamp: {}", at.rfc3339());
        }
        for (name, value) in &self.headers {
            let shown =
                if names_secret(name) { "***".to_owned() } else { quote(value.to_string().as_bytes()) };
            let _ = write!(text, "\n{name}: {shown}");
        }
        text
    }
}
