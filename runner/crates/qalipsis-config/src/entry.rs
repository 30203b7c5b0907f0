//! One value as the user gave it, and where.

use std::fmt;

/// A value with its key and origin.
#[derive(Clone, PartialEq)]
pub(super) struct Entry {
    /// The key with dots, or the name of the environment variable, as the origin says.
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) value: Value,
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    File {
        path: String,
        line: u64,
        column: u64,
    },
    Environment,
    Flag,
    /// Another program gave it, at this place.
    Given {
        place: String,
    },
}

/// A value after `${ENV}` was expanded.
#[derive(Clone, PartialEq)]
pub(super) struct Value {
    /// The text, or why it could not be expanded.
    pub(super) text: Result<String, String>,
    /// Whether nothing was expanded. What came from the environment may be a secret and is never shown.
    pub(super) literal: bool,
}

impl Entry {
    pub(super) fn is_environment(&self) -> bool {
        self.origin == Origin::Environment
    }

    /// Where it was given, for errors.
    pub(super) fn place(&self) -> String {
        match &self.origin {
            Origin::File { path, line, column } => format!("{path}:{line}:{column}"),
            Origin::Environment => format!("environment variable {}", self.name),
            Origin::Flag => format!("-c {}", self.name),
            Origin::Given { place } => place.clone(),
        }
    }
}

// A value may be a secret.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.place())
    }
}
