//! The files of a campaign: its summary, its page, its JUnit files, its configuration.

use crate::bytes::{compress, decompress};
use crate::value::{Row, Statement, UnexpectedValue};

/// Names of the files of a campaign.
pub mod names {
    /// Its summary.
    pub const SUMMARY: &str = "summary.json";
    /// Its page.
    pub const PAGE: &str = "report.html";
    /// Its report as a console shows it.
    pub const TEXT: &str = "report.txt";
    /// Its summary for a job of GitHub.
    pub const JOB_SUMMARY: &str = "job-summary.md";
    /// What the campaign was asked for with.
    pub const REQUEST: &str = "request.json";
    /// Its annotations for a job of GitHub.
    pub const ANNOTATIONS: &str = "annotations.txt";
    /// Its configuration.
    pub const CONFIGURATION: &str = "configuration.json";
    /// The folder of its JUnit files.
    pub const JUNIT: &str = "junit/";
}

/// A file of a campaign, with its content as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name, with slashes for folders: `summary.json`, `report.html`, `junit/checkout.xml`, `configuration.json`.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// A file of a campaign without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// The size of its content in bytes.
    pub size: u64,
}

pub(crate) fn write(campaign: &str, file: &StoredFile) -> Statement {
    Statement::new(
        "INSERT INTO files (campaign, name, size, content) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (campaign, name) DO UPDATE SET size = excluded.size, content = excluded.content",
        [
            campaign.into(),
            file.name.as_str().into(),
            (file.content.len() as u64).into(),
            compress(&file.content).into(),
        ],
    )
}

pub(crate) fn content(campaign: &str, name: &str) -> Statement {
    Statement::new(
        "SELECT content FROM files WHERE campaign = $1 AND name = $2",
        [campaign.into(), name.into()],
    )
}

pub(crate) fn read_content(mut row: Row) -> Result<Vec<u8>, UnexpectedValue> {
    decompress(&row.bytes()?)
        .map_err(|error| UnexpectedValue { expected: "compressed bytes", found: error.to_string() })
}

pub(crate) fn list(campaign: &str) -> Statement {
    Statement::new("SELECT name, size FROM files WHERE campaign = $1 ORDER BY name", [campaign.into()])
}

pub(crate) fn read_entry(mut row: Row) -> Result<FileEntry, UnexpectedValue> {
    Ok(FileEntry { name: row.text()?, size: row.unsigned()? })
}
