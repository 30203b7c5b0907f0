//! Frames: how messages that are too large for one are split, and put together again.

use crate::convert::Encoded;
use crate::malformed::{Cause, Malformed};
use crate::wire;
use bytes::{Bytes, BytesMut};
use prost::Message as _;
use std::collections::BTreeMap;

/// The largest part of a message, in bytes. A frame then fits every transport, with room for what it adds.
pub(crate) const LARGEST_PART: usize = 512 * 1024;

/// The largest frame, in bytes.
pub(crate) const LARGEST_FRAME: usize = LARGEST_PART + 64;

/// The largest message, in bytes.
pub(crate) const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;

/// Messages of which parts may be missing at a time; when there are more, the oldest is given up.
const INCOMPLETE: usize = 16;

/// What no frame begins with, and every greeting does.
const GREETING: u8 = b'{';

/// Numbers messages and splits them.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    next: u64,
}

impl Splitter {
    /// The frames of a message.
    ///
    /// # Errors
    /// When it is larger than [`LARGEST_MESSAGE`].
    pub(crate) fn split(&mut self, message: Encoded) -> Result<Vec<Bytes>, TooLarge> {
        let data = match message {
            Encoded::Greeting(json) => return Ok(vec![json]),
            Encoded::Framed(data) => data,
        };
        if data.len() > LARGEST_MESSAGE {
            return Err(TooLarge(data.len()));
        }
        let message = self.next;
        self.next += 1;
        let further_parts = data.len().saturating_sub(1) / LARGEST_PART;
        let frame = |part: usize| {
            let begin = part * LARGEST_PART;
            let data = data.slice(begin..data.len().min(begin + LARGEST_PART));
            let frame = wire::Frame { message, part: part as u32, further_parts: further_parts as u32, data };
            Bytes::from(frame.encode_to_vec())
        };
        Ok((0..=further_parts).map(frame).collect())
    }
}

/// A message of so many bytes, which no receiver would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {0} bytes is larger than the limit of {LARGEST_MESSAGE} bytes")]
pub(crate) struct TooLarge(usize);

/// Puts the parts of messages together, whatever their order. A message of which a part is lost never comes: later
/// ones displace it.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    /// By number of the message.
    incomplete: BTreeMap<u64, Parts>,
}

#[derive(Debug)]
struct Parts {
    parts: Vec<Option<Bytes>>,
    missing: usize,
    bytes: usize,
}

impl Assembler {
    /// Takes a frame; the message that it completes.
    ///
    /// # Errors
    /// When it is no frame.
    pub(crate) fn add(&mut self, frame: Bytes) -> Result<Option<Encoded>, Malformed> {
        if frame.first() == Some(&GREETING) {
            return Ok(Some(Encoded::Greeting(frame)));
        }
        let frame = wire::Frame::decode(frame)?;
        let wire::Frame { message, part, further_parts, data } = frame;
        if part > further_parts || further_parts as usize >= LARGEST_MESSAGE / LARGEST_PART {
            return Err(Cause::NoPart { part, further_parts }.into());
        }
        if data.len() > LARGEST_PART {
            return Err(Cause::LargePart(data.len()).into());
        }
        if further_parts == 0 {
            return Ok(Some(Encoded::Framed(data)));
        }
        let count = further_parts as usize + 1;
        let new = || Parts { parts: vec![None; count], missing: count, bytes: 0 };
        let parts = self.incomplete.entry(message).or_insert_with(new);
        if parts.parts.len() != count {
            return Err(Cause::Parts { message, now: count, before: parts.parts.len() }.into());
        }
        let place = &mut parts.parts[part as usize];
        if place.is_none() {
            parts.missing -= 1;
            parts.bytes += data.len();
            *place = Some(data);
        }
        if parts.missing > 0 {
            self.give_up_oldest(message);
            return Ok(None);
        }
        let parts = self.incomplete.remove(&message);
        let mut complete = BytesMut::new();
        for part in parts.into_iter().flat_map(|parts| parts.parts).flatten() {
            complete.extend_from_slice(&part);
        }
        Ok(Some(Encoded::Framed(complete.freeze())))
    }

    /// Keeps within the limits, and in any case what has just come.
    fn give_up_oldest(&mut self, latest: u64) {
        let bytes = |all: &BTreeMap<u64, Parts>| all.values().map(|parts| parts.bytes).sum::<usize>();
        while self.incomplete.len() > INCOMPLETE || bytes(&self.incomplete) > LARGEST_MESSAGE {
            let oldest = self.incomplete.keys().copied().find(|number| *number != latest);
            let Some(oldest) = oldest else { break };
            self.incomplete.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize, seed: usize) -> Encoded {
        // Parts of different places differ.
        let pattern: Vec<u8> = (0..251).map(|byte| (byte * 31 + seed) as u8).collect();
        let mut data = pattern.repeat(bytes / pattern.len() + 1);
        data.truncate(bytes);
        Encoded::Framed(data.into())
    }

    fn split(splitter: &mut Splitter, message: &Encoded) -> Vec<Bytes> {
        splitter.split(message.clone()).unwrap()
    }

    #[test]
    fn messages_of_any_size_come_back() {
        let (mut splitter, mut assembler) = (Splitter::default(), Assembler::default());
        for (bytes, frames) in [
            (0, 1),
            (1, 1),
            (LARGEST_PART, 1),
            (LARGEST_PART + 1, 2),
            (3 * LARGEST_PART, 3),
            (LARGEST_MESSAGE, LARGEST_MESSAGE / LARGEST_PART),
        ] {
            let sent = message(bytes, frames);
            let parts = split(&mut splitter, &sent);
            assert_eq!(parts.len(), frames, "{bytes}");
            assert!(
                parts.iter().all(|frame| frame.len() <= LARGEST_FRAME && frame.first() != Some(&GREETING))
            );
            let mut received = Vec::new();
            for part in parts.into_iter().rev() {
                received.extend(assembler.add(part).unwrap());
            }
            assert!(received == [sent], "{bytes}");
        }
        assert!(assembler.incomplete.is_empty());
        assert_eq!(splitter.split(message(LARGEST_MESSAGE + 1, 0)), Err(TooLarge(LARGEST_MESSAGE + 1)));
    }

    #[test]
    fn a_message_of_which_a_part_is_lost_never_comes_and_delays_no_other() {
        let (mut splitter, mut assembler) = (Splitter::default(), Assembler::default());
        for number in 0..5 * INCOMPLETE {
            let mut lossy = split(&mut splitter, &message(2 * LARGEST_PART, number));
            lossy.remove(number % 2);
            for part in lossy {
                assert_eq!(assembler.add(part).unwrap(), None);
            }
            let sent = message(2 * LARGEST_PART, number + 1);
            let mut received = Vec::new();
            for part in split(&mut splitter, &sent) {
                // Each part comes twice.
                received.extend(assembler.add(part.clone()).unwrap());
                received.extend(assembler.add(part).unwrap());
            }
            assert!(received == [sent], "{number}");
            assert!(assembler.incomplete.len() <= INCOMPLETE);
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut assembler = Assembler::default();
        let mut refused = |message, part, further_parts, bytes| {
            let data = vec![0; bytes].into();
            let frame = wire::Frame { message, part, further_parts, data };
            assembler.add(frame.encode_to_vec().into()).unwrap_err().to_string()
        };
        let prefix = "not a message of contract version 2: ";
        assert_eq!(refused(0, 1, 0, 1), format!("{prefix}part 1 of a message with 0 further parts"));
        assert_eq!(
            refused(0, 0, u32::MAX, 1),
            format!("{prefix}part 0 of a message with {} further parts", u32::MAX)
        );
        // One part more than the largest message has.
        assert_eq!(refused(0, 0, 128, 1), format!("{prefix}part 0 of a message with 128 further parts"));
        assert_eq!(refused(0, 0, 0, LARGEST_PART + 1), format!("{prefix}a part of 524289 bytes"));
        let part = |further_parts| wire::Frame { message: 7, part: 0, further_parts, data: Bytes::new() };
        assert_eq!(assembler.add(part(1).encode_to_vec().into()), Ok(None));
        let error = assembler.add(part(2).encode_to_vec().into()).unwrap_err();
        assert_eq!(error.to_string(), format!("{prefix}message 7 has 3 and 2 parts"));
        let error = Assembler::default().add(Bytes::from_static(b"GET / HTTP/1.1\r\n")).unwrap_err();
        assert!(error.to_string().starts_with(prefix), "{error}");
    }
}
