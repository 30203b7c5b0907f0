//! Records from files.

use super::{Records, records};
use crate::fault::chain;
use crate::setup::SetupError;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// The records of a CSV file, whose first line names the fields of `T`.
///
/// # Errors
/// A file that cannot be read, has no record, or has a line that is no `T`: file and line are named.
pub fn csv<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Records<T>, SetupError> {
    let path = path.as_ref();
    let mut reader = ::csv::ReaderBuilder::new().trim(::csv::Trim::All).from_reader(open(path)?);
    let mut read = Vec::new();
    let headers = reader.headers().map_err(|error| bad(path, 1, &error.to_string()))?.clone();
    let mut record = ::csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return of(path, read),
            Err(error) => {
                return Err(bad(path, error.position().map_or(line, ::csv::Position::line), &cause(&error)));
            }
        }
        let line = record.position().map_or(line, ::csv::Position::line);
        read.push(record.deserialize(Some(&headers)).map_err(|error| bad(path, line, &cause(&error)))?);
    }
}

/// The records of a file with one JSON value in each line; empty lines are skipped.
///
/// # Errors
/// A file that cannot be read, has no record, or has a line that is no `T`: file and line are named.
pub fn json_lines<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Records<T>, SetupError> {
    let path = path.as_ref();
    let mut read = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(open(path)?).lines()) {
        let line = line.map_err(|error| bad(path, number, &error.to_string()))?;
        if !line.trim().is_empty() {
            read.push(serde_json::from_str(&line).map_err(|error| {
                // It counts lines of its own, which are always 1.
                let text = error.to_string();
                let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
                bad(path, number, &format!("{text}, at column {}", error.column()))
            })?);
        }
    }
    of(path, read)
}

fn open(path: &Path) -> Result<File, SetupError> {
    File::open(path).map_err(|error| SetupError::new(format!("data file {}: {error}", path.display())))
}

fn of<T>(path: &Path, read: Vec<T>) -> Result<Records<T>, SetupError> {
    records(format!("data file {}", path.display()), read)
}

fn bad(path: &Path, line: u64, cause: &str) -> SetupError {
    SetupError::new(format!("data file {}:{line}: {cause}", path.display()))
}

/// What is wrong, without the place that the crate repeats in it.
fn cause(error: &::csv::Error) -> String {
    match error.kind() {
        ::csv::ErrorKind::Deserialize { err, .. } => match err.field() {
            Some(field) => format!("field {}: {}", field + 1, err.kind()),
            None => err.kind().to_string(),
        },
        ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("expected {expected_len} fields, observed {len}")
        }
        ::csv::ErrorKind::Utf8 { err, .. } => format!("field {} is no UTF-8", err.field() + 1),
        _ => chain(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Account {
        name: String,
        age: u8,
    }

    /// What comes of a file with this text; its folder is left out of errors.
    fn read(
        text: &str,
        read: impl FnOnce(std::path::PathBuf) -> Result<Records<Account>, SetupError>,
    ) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts");
        std::fs::write(&path, text).unwrap();
        let place = format!("{}/", folder.path().display());
        read(path).map(|records| records.count()).map_err(|error| error.to_string().replace(&place, ""))
    }

    fn error(result: Result<usize, String>) -> String {
        result.unwrap_err()
    }

    #[test]
    fn a_csv_file_is_read_and_a_bad_line_named() {
        assert_eq!(read("name,age\nAnn,1\n\"Bo\nb\", 2\n", csv), Ok(2));
        assert_eq!(error(read("", csv)), "data file accounts: has no record");
        assert_eq!(error(read("name,age\n", csv)), "data file accounts: has no record");
        assert_eq!(
            error(read("name,age\n\"A\nnn\",1\nBob,old\n", csv)),
            "data file accounts:4: field 2: invalid digit found in string"
        );
        assert_eq!(
            error(read("name,age\nAnn,1\nBob\n", csv)),
            "data file accounts:3: expected 2 fields, observed 1"
        );
        assert_eq!(error(read("name\nAnn\n", csv)), "data file accounts:2: missing field `age`");
    }

    #[test]
    fn a_file_of_json_lines_is_read_and_a_bad_line_named() {
        assert_eq!(read("{\"name\":\"Ann\",\"age\":1}\n\n{\"name\":\"Bob\",\"age\":2}", json_lines), Ok(2));
        assert_eq!(error(read("\n \n", json_lines)), "data file accounts: has no record");
        assert_eq!(
            error(read("{\"name\":\"Ann\",\"age\":1}\n{\"name\":\"Bob\",\"age\":\"old\"}\n", json_lines)),
            "data file accounts:2: invalid type: string \"old\", expected u8, at column 25"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = csv::<Account>("/nowhere/accounts.csv").unwrap_err().to_string();
        assert!(error.starts_with("data file /nowhere/accounts.csv: No such file"), "{error}");
    }
}
