//! Which messages were handed over while the broker may not know it yet.

use lapin::message::Delivery;
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

    /// The connection is lost, and with it the queue: nothing comes again.
    pub(crate) fn forget(&mut self) {
        self.recent.clear();
        self.lost.clear();
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

/// Of all that the publisher determines. AMQP gives a message no identity of its own.
fn fingerprint(delivery: &Delivery) -> u64 {
    let mut hasher = DefaultHasher::new();
    delivery.exchange.hash(&mut hasher);
    delivery.routing_key.hash(&mut hasher);
    delivery.properties.message_id().hash(&mut hasher);
    delivery.properties.correlation_id().hash(&mut hasher);
    delivery.properties.timestamp().hash(&mut hasher);
    delivery.data.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        handed.forget();
        assert!(!handed.comes_again(&delivery("twice", true)));
    }
}
