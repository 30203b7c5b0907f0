//! Every message comes back as it was sent, and no bytes make a reader panic.

mod compact;
mod draw;
mod golden;
mod refused;
mod samples;

use super::{Encoded, Message};
use crate::malformed::Malformed;
use crate::message::{FactoryMessage, HeadMessage};
use bytes::Bytes;
use draw::Draw;
use proptest::prelude::*;

/// What travels of a message.
fn bytes(message: &impl Message) -> Bytes {
    match message.encode() {
        Encoded::Framed(bytes) | Encoded::Greeting(bytes) => bytes,
    }
}

/// The message that travelled.
fn received<M: Message>(encoded: Encoded) -> Result<M, Malformed> {
    match encoded {
        Encoded::Framed(bytes) => M::decode(bytes),
        Encoded::Greeting(bytes) => M::greeted(&bytes),
    }
}

fn entropy() -> impl Strategy<Value = Vec<u64>> {
    // Small numbers choose, large ones are values.
    let number = prop_oneof![0..8_u64, any::<u64>(), Just(u64::MAX)];
    proptest::collection::vec(number, 0..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn messages_of_a_factory_come_back(numbers in entropy()) {
        let message = Draw::new(&numbers).factory_message();
        prop_assert_eq!(received::<FactoryMessage>(message.encode()), Ok(message));
    }

    #[test]
    fn messages_of_the_head_come_back(numbers in entropy()) {
        let message = Draw::new(&numbers).head_message();
        prop_assert_eq!(received::<HeadMessage>(message.encode()), Ok(message));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        // Whatever comes, it is no panic.
        let _ = FactoryMessage::decode(Bytes::from(bytes.clone()));
        let _ = FactoryMessage::greeted(&bytes);
        let _ = HeadMessage::decode(Bytes::from(bytes.clone()));
        let _ = HeadMessage::greeted(&bytes);
        let _ = crate::frame::Assembler::default().add(bytes.into());
    }

    /// Bytes near to those of messages get further than arbitrary ones.
    #[test]
    fn damaged_messages_are_read_or_refused(
        numbers in entropy(),
        damages in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut draw = Draw::new(&numbers);
        for sent in [bytes(&draw.factory_message()), bytes(&draw.head_message())] {
            let mut damaged = sent.to_vec();
            for (place, byte) in &damages {
                if !damaged.is_empty() {
                    let place = place.index(damaged.len());
                    damaged[place] = *byte;
                }
            }
            let shorter = damaged[..cut.index(damaged.len() + 1)].to_vec();
            for bytes in [damaged, shorter] {
                let _ = FactoryMessage::greeted(&bytes);
                let bytes = Bytes::from(bytes);
                let _ = HeadMessage::decode(bytes.clone());
                if let Ok(message) = FactoryMessage::decode(bytes) {
                    // What is read can be sent on.
                    let _ = message.encode();
                }
            }
        }
    }
}
