//! What is wrong with bytes that are no message.

use qalipsis_model::plan::CONTRACT;
use std::fmt;

/// Bytes that are no message of this version of the contract: where, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Malformed {
    /// From the innermost place to the outermost: `step 4`, `scenario 'checkout'`, `snapshot`.
    places: Vec<String>,
    cause: Cause,
}

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Cause {
    #[error(transparent)]
    Protobuf(prost::DecodeError),
    #[error("{0}")]
    Json(String),
    #[error("'{0}' as JSON")]
    NoGreeting(String),
    #[error("it is JSON, as of a head with contract version 1; rebuild both")]
    EarlierHead,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{what} {number} is unknown")]
    Unknown { what: &'static str, number: i32 },
    #[error("{what} {number} is too large")]
    TooLarge { what: &'static str, number: u32 },
    #[error("{count} {what} are more than {limit}")]
    TooMany { what: &'static str, count: usize, limit: usize },
    #[error("given twice")]
    Twice,
    #[error("{0} ns are more than a second")]
    Nanos(u32),
    #[error("{what} is text {index}, and there are only {texts}")]
    NoText { what: &'static str, index: u32, texts: usize },
    #[error("{times} times for {values} values")]
    Readings { times: usize, values: usize },
    #[error("there is no bucket {0}")]
    NoBucket(u64),
    #[error("more samples than can be")]
    TooManySamples,
    #[error("{min} to {max} are not the ends of its buckets")]
    Ends { min: u64, max: u64 },
    #[error("its buckets cannot have the sum {0}")]
    Sum(u128),
    #[error("a frame is larger than {0} bytes")]
    LargeFrame(usize),
    #[error("a part of {0} bytes")]
    LargePart(usize),
    #[error("part {part} of a message with {further_parts} further parts")]
    NoPart { part: u32, further_parts: u32 },
    #[error("message {message} has {now} and {before} parts")]
    Parts { message: u64, now: usize, before: usize },
}

impl Malformed {
    /// The same, in this place of the message.
    pub(crate) fn within(mut self, place: impl fmt::Display) -> Self {
        self.places.push(place.to_string());
        self
    }
}

impl From<Cause> for Malformed {
    fn from(cause: Cause) -> Self {
        Self { places: Vec::new(), cause }
    }
}

impl From<prost::DecodeError> for Malformed {
    fn from(error: prost::DecodeError) -> Self {
        Cause::Protobuf(error).into()
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a message of contract version {CONTRACT}: ")?;
        self.places.iter().rev().try_for_each(|place| write!(f, "{place}: "))?;
        write!(f, "{}", self.cause)
    }
}

impl std::error::Error for Malformed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}
