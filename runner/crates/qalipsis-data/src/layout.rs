//! How records lie in text, and reading them one after the other.

use csv::{Position, ReaderBuilder, StringRecord, Trim};
use qalipsis_minion::fault::chain;
use serde::de::DeserializeOwned;
use std::io::{BufRead as _, BufReader, ErrorKind, Read};
use std::sync::Arc;

/// What some editors and exports put before UTF-8 text. The crate for CSV leaves it out by itself.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What to do with a text in another encoding.
pub(super) const TO_UTF8: &str = "convert the file to UTF-8";

/// What a text looks like.
#[derive(Debug, Clone)]
pub(super) enum Layout {
    /// Lines of fields with names.
    Csv(Fields),
    /// One JSON value in each line; empty lines are skipped.
    JsonLines,
}

/// The first line of a CSV text.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    names: Arc<StringRecord>,
    /// How many lines a record is behind where reading it begins: one when lines end in `\r\n`, for what is
    /// before a record then is the `\n` of the line before.
    behind: u64,
}

/// A place in a text, from which on it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) byte: u64,
    /// From 1.
    pub(super) line: u64,
}

impl Place {
    pub(super) const START: Self = Self { byte: 0, line: 1 };
}

/// What does not fit, and its line.
#[derive(Debug)]
pub(super) struct Bad {
    pub(super) line: u64,
    pub(super) cause: String,
}

/// Reads the records of a text.
pub(super) enum Reader<R> {
    Csv { csv: csv::Reader<R>, fields: Fields, record: StringRecord, base: Place },
    JsonLines { input: BufReader<R>, line: String, place: Place },
}

impl<R: Read> Reader<R> {
    /// Of a text whose first line names the fields.
    pub(super) fn csv(input: R) -> Result<Self, Bad> {
        let mut csv = builder().has_headers(true).from_reader(input);
        let names = csv.headers().map_err(|error| Bad { line: 1, cause: cause(&error) })?.clone();
        let lines = 1 + names.as_slice().matches('\n').count() as u64;
        let behind = lines.saturating_sub(csv.position().line() - 1).min(1);
        let fields = Fields { names: Arc::new(names), behind };
        Ok(Self::Csv { csv, fields, record: StringRecord::new(), base: Place::START })
    }

    /// Of a text of JSON lines.
    #[expect(clippy::unnecessary_wraps, reason = "it stands beside `csv`, which reads names first")]
    pub(super) fn json_lines(input: R) -> Result<Self, Bad> {
        Ok(Self::part(&Layout::JsonLines, input, Place::START))
    }

    /// Of a part of a text that begins at `place`.
    pub(super) fn part(layout: &Layout, input: R, place: Place) -> Self {
        match layout {
            Layout::Csv(fields) => Self::Csv {
                csv: builder().has_headers(false).from_reader(input),
                fields: fields.clone(),
                record: StringRecord::new(),
                base: place,
            },
            Layout::JsonLines => Self::JsonLines { input: BufReader::new(input), line: String::new(), place },
        }
    }

    /// What other parts of the same text look like.
    pub(super) fn layout(&self) -> Layout {
        match self {
            Self::Csv { fields, .. } => Layout::Csv(fields.clone()),
            Self::JsonLines { .. } => Layout::JsonLines,
        }
    }

    /// Where what was not read yet begins.
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Csv { csv, base, .. } => absolute(csv.position(), *base),
            Self::JsonLines { place, .. } => *place,
        }
    }

    /// The next record; `None` at the end.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Bad> {
        match self {
            Self::Csv { csv, fields: Fields { names, behind }, record, base } => {
                let mut before;
                loop {
                    before = csv.position().clone();
                    let read = csv.read_record(record).map_err(|error| {
                        let place = absolute(error.position().unwrap_or(&before), *base);
                        Bad { line: place.line + *behind, cause: cause(&error) }
                    })?;
                    if !read {
                        return Ok(None);
                    }
                    // Only lines without any character are skipped by the crate, and editors leave blanks.
                    let blank = names.len() > 1 && record.len() == 1 && record[0].is_empty();
                    if !blank {
                        break;
                    }
                }
                let line = absolute(record.position().unwrap_or(&before), *base).line + *behind;
                let (expected, observed) = (names.len(), record.len());
                if expected != observed {
                    let cause = format!("expected {expected} fields, observed {observed}");
                    return Err(Bad { line, cause });
                }
                record.deserialize(Some(names)).map(Some).map_err(|error| Bad { line, cause: cause(&error) })
            }
            Self::JsonLines { input, line, place } => loop {
                line.clear();
                let number = place.line;
                let bad = |cause: String| Bad { line: number, cause };
                let read = input.read_line(line).map_err(|error| match error.kind() {
                    ErrorKind::InvalidData => bad(format!("the line is no UTF-8; {TO_UTF8}")),
                    _ => bad(error.to_string()),
                })?;
                if read == 0 {
                    return Ok(None);
                }
                *place = Place { byte: place.byte + read as u64, line: number + 1 };
                // At the beginning of the text, or of each part when texts with marks were put together.
                let value = line.trim_start_matches(BYTE_ORDER_MARK);
                if !value.trim().is_empty() {
                    return serde_json::from_str(value).map(Some).map_err(|error| {
                        // It counts lines of its own, which are always 1.
                        let text = error.to_string();
                        let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
                        bad(format!("{text}, at column {}", error.column()))
                    });
                }
            },
        }
    }
}

fn builder() -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    // The number of fields is compared with that of their names, which a part of a text does not begin with.
    builder.trim(Trim::All).flexible(true);
    builder
}

fn absolute(position: &Position, base: Place) -> Place {
    Place { byte: base.byte + position.byte(), line: base.line + position.line() - 1 }
}

/// What is wrong, without the place that the crate repeats in it.
fn cause(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => match err.field() {
            Some(field) => format!("field {}: {}", field + 1, err.kind()),
            None => err.kind().to_string(),
        },
        csv::ErrorKind::Utf8 { err, .. } => format!("field {} is no UTF-8; {TO_UTF8}", err.field() + 1),
        _ => chain(error),
    }
}
