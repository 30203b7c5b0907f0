//! Why the store could not do what it was asked for.

use std::fmt;
use std::path::Path;

/// What the store could not do, and where. It shows no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// The file, or the database and its server without the password.
    place: String,
    problem: StoreProblem,
}

/// What is wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreProblem {
    /// Its URL cannot be read.
    #[error("{0}")]
    Location(String),
    /// A folder on the way to the file is none, or cannot be created.
    #[error("the folder {folder} cannot be used: {reason}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system answered.
        reason: String,
    },
    /// The file or its folder cannot be written.
    #[error("it is read-only ({0})")]
    ReadOnly(String),
    /// There is no space left for what has to be stored.
    #[error("no space left on the disk")]
    Full,
    /// The file is no database, or damaged.
    #[error("{0}; restore the file from a backup, or move it away to begin with an empty one")]
    Corrupt(String),
    /// The database belongs to another program.
    #[error("it is a database of another program")]
    Foreign,
    /// A newer version of QALIPSIS has written it.
    #[error(
        "its format {found} is newer than {known}, which this version of QALIPSIS reads: use the newer version"
    )]
    Newer {
        /// The version of its schema.
        found: i64,
        /// The latest version that is known here.
        known: i64,
    },
    /// Another process writes it.
    #[error("{}", locked(*.0))]
    Locked(Option<u32>),
    /// The server cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The server does not let this user in.
    #[error("{0}")]
    Refused(String),
    /// More waits to be written than there is room for; this was not taken.
    #[error("too much waits to be written")]
    Overrun,
    /// It has not taken this yet.
    #[error("it does not answer; this is written once it does")]
    Slow,
    /// It was closed.
    #[error("it was closed")]
    Closed,
    /// A value in it has no meaning for this version.
    #[error("{0}")]
    Malformed(String),
    /// The database refused a statement for another reason.
    #[error("{0}")]
    Database(String),
}

fn locked(by: Option<u32>) -> String {
    match by {
        Some(process) => format!("process {process} uses it already; a file takes one head at a time"),
        None => "another process uses it already; a file takes one head at a time".to_owned(),
    }
}

impl StoreError {
    /// A problem with the store at this place.
    pub(crate) fn new(place: impl Into<String>, problem: StoreProblem) -> Self {
        Self { place: place.into(), problem }
    }

    /// A problem with the store in this file.
    pub(crate) fn of_file(file: &Path, problem: StoreProblem) -> Self {
        Self::new(file.display().to_string(), problem)
    }

    /// The same without what `redact` takes out of texts of others.
    pub(crate) fn map_text(mut self, redact: impl Fn(&str) -> String) -> Self {
        use StoreProblem::{Database, Refused, Unreachable};
        if let Database(text) | Refused(text) | Unreachable(text) = &mut self.problem {
            *text = redact(text);
        }
        self
    }

    /// What is wrong.
    pub fn problem(&self) -> &StoreProblem {
        &self.problem
    }
}

impl fmt::Display for StoreError {
    /// One line: messages of databases may have several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("store {}: {}", self.place, self.problem);
        let words: Vec<&str> = text.split_whitespace().collect();
        f.write_str(&words.join(" "))
    }
}

impl std::error::Error for StoreError {}
