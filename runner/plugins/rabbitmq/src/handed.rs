//! Which messages were handed over while the broker may not know it yet.

use lapin::message::Delivery;
use lapin::types::AMQPValue;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Fingerprints of messages that were handed over and whose acknowledgement may still be lost.
///
/// When a connection breaks, the broker delivers again what was not acknowledged for it. What was handed
/// over by then would be counted twice: as a duplicate, and that one of the tool's making.
#[derive(Debug, Default)]
pub(crate) struct Handed {
    /// Since the last time that the broker has certainly read all acknowledgements.
    recent: HashMap<u64, u32>,
    /// Of connections that are lost.
    lost: HashMap<u64, u32>,
}

impl Handed {
    pub(crate) fn add(&mut self, delivery: &Delivery) {
        *self.recent.entry(fingerprint(delivery)).or_default() += 1;
    }

    /// The broker has read all acknowledgements: it has answered a later request on their channel.
    pub(crate) fn settled(&mut self) {
        self.recent.clear();
    }

    /// The connection is lost.
    pub(crate) fn lost(&mut self) {
        for (fingerprint, count) in self.recent.drain() {
            *self.lost.entry(fingerprint).or_default() += count;
        }
    }

    /// Whether this message was handed over before a connection was lost, and comes again for that reason.
    pub(crate) fn comes_again(&mut self, delivery: &Delivery) -> bool {
        if !delivery.redelivered || self.lost.is_empty() {
            return false;
        }
        let fingerprint = fingerprint(delivery);
        let Some(count) = self.lost.get_mut(&fingerprint) else { return false };
        *count -= 1;
        if *count == 0 {
            self.lost.remove(&fingerprint);
        }
        true
    }
}

/// Headers by which brokers count how often they have delivered a message.
const COUNTS: [&str; 2] = ["x-delivery-count", "x-acquired-count"];

/// Of all that the publisher determines. AMQP gives a message no identity of its own.
fn fingerprint(delivery: &Delivery) -> u64 {
    let mut hasher = DefaultHasher::new();
    delivery.exchange.hash(&mut hasher);
    delivery.routing_key.hash(&mut hasher);
    let properties = &delivery.properties;
    properties.message_id().hash(&mut hasher);
    properties.correlation_id().hash(&mut hasher);
    properties.timestamp().hash(&mut hasher);
    properties.kind().hash(&mut hasher);
    properties.reply_to().hash(&mut hasher);
    properties.app_id().hash(&mut hasher);
    properties.user_id().hash(&mut hasher);
    properties.content_type().hash(&mut hasher);
    properties.content_encoding().hash(&mut hasher);
    properties.delivery_mode().hash(&mut hasher);
    properties.priority().hash(&mut hasher);
    properties.expiration().hash(&mut hasher);
    for (name, value) in properties.headers().iter().flat_map(|headers| headers.inner()) {
        if !COUNTS.contains(&name.as_str()) {
            name.hash(&mut hasher);
            add_value(value, &mut hasher);
        }
    }
    delivery.data.hash(&mut hasher);
    hasher.finish()
}

fn add_value(value: &AMQPValue, hasher: &mut DefaultHasher) {
    match value {
        // What nearly all headers are.
        AMQPValue::LongString(text) => text.as_bytes().hash(hasher),
        value => format!("{value:?}").hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::BasicProperties;
    use lapin::types::FieldTable;

    fn delivery(body: &str, redelivered: bool) -> Delivery {
        Delivery::mock(1, "e".into(), "k".into(), redelivered, body.into())
    }

    #[test]
    fn what_was_handed_over_and_not_settled_is_dropped_once_when_it_comes_again() {
        let mut handed = Handed::default();
        handed.add(&delivery("settled", false));
        handed.settled();
        handed.add(&delivery("twice", false));
        handed.add(&delivery("twice", false));
        handed.add(&delivery("once", false));
        assert!(!handed.comes_again(&delivery("once", true)), "the connection is not lost");
        handed.lost();
        assert!(!handed.comes_again(&delivery("settled", true)));
        assert!(!handed.comes_again(&delivery("once", false)), "the system published it again");
        assert!(handed.comes_again(&delivery("once", true)));
        assert!(!handed.comes_again(&delivery("once", true)));
        assert!(handed.comes_again(&delivery("twice", true)));
        assert!(handed.comes_again(&delivery("twice", true)));
        assert!(!handed.comes_again(&delivery("twice", true)));
    }

    fn with(headers: &[(&str, AMQPValue)], kind: &str, redelivered: bool) -> Delivery {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert((*name).into(), value.clone());
        }
        let mut delivery = delivery("same", redelivered);
        delivery.properties = BasicProperties::default().with_headers(table).with_type(kind.into());
        delivery
    }

    #[test]
    fn law1_messages_that_differ_in_headers_or_properties_are_not_the_same() {
        let text = |text: &str| AMQPValue::LongString(text.into());
        let mut handed = Handed::default();
        handed.add(&with(&[("order", text("1")), ("n", AMQPValue::LongInt(1))], "placed", false));
        handed.lost();
        let others = [
            with(&[("order", text("2")), ("n", AMQPValue::LongInt(1))], "placed", true),
            with(&[("order", text("1")), ("n", AMQPValue::LongInt(2))], "placed", true),
            with(&[("order", text("1")), ("n", AMQPValue::LongInt(1))], "paid", true),
        ];
        assert!(!others.iter().any(|other| handed.comes_again(other)));
        // A quorum queue counts in the headers.
        let count = ("x-delivery-count", AMQPValue::LongLongInt(1));
        let again = with(&[("order", text("1")), ("n", AMQPValue::LongInt(1)), count], "placed", true);
        assert!(handed.comes_again(&again));
    }
}
