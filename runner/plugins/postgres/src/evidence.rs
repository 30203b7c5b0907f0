//! Rows as evidence shows them.

use qalipsis_core::execution::Exchanged;
use std::sync::Arc;

/// Bytes of a row that are shown.
const EXCERPT: usize = 2048;

/// What is shown of a row that was read.
pub(crate) struct Read {
    source: Arc<Source>,
    key: String,
    row: String,
}

/// What all rows of a source have in common.
pub(crate) struct Source {
    /// Which database.
    pub(crate) place: String,
    pub(crate) statement: String,
    /// The key columns.
    pub(crate) keys: String,
}

impl Read {
    pub(crate) fn new(source: &Arc<Source>, key: &[String], row: &str) -> Self {
        let row = row[..row.floor_char_boundary(EXCERPT)].to_owned();
        Self { source: Arc::clone(source), key: key.join(", "), row }
    }
}

impl Exchanged for Read {
    fn summary(&self) -> String {
        format!("row ({}) = ({}) of {}", self.source.keys, self.key, self.source.place)
    }

    fn details(&self) -> String {
        format!("{}\n\n{}\n\n{}", self.summary(), self.row, self.source.statement)
    }
}
