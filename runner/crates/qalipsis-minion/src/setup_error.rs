//! Why a world could not be opened.

use crate::fault::chain;
use std::error::Error;
use std::fmt;

/// Why a world could not be opened: names target and cause.
///
/// Any error converts into it, with the messages of its whole chain.
#[derive(Debug)]
pub struct SetupError {
    message: String,
}

impl SetupError {
    /// With this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for SetupError {
    fn from(error: E) -> Self {
        Self { message: chain(&error) }
    }
}
