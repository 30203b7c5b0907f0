//! Records from files.

use super::layout::Reader;
use super::pages::{Name, Open, Pages, Sizes};
use super::{Origin, Records};
use crate::setup::SetupError;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The records of a CSV file, whose first line names the fields of `T`.
///
/// The file is read once now, so that a line that does not fit is found before any load, and again in parts as
/// its records are dealt: at most those of about 16 MiB of it are in memory, however large it is. It must not
/// be changed until the campaign has ended.
///
/// # Errors
/// A file that cannot be read, has no record, or has a line that is no `T`: file and line are named.
pub fn csv<T>(path: impl AsRef<Path>) -> Result<Records<T>, SetupError>
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    read(path.as_ref(), Reader::csv)
}

/// The records of a file with one JSON value in each line; empty lines are skipped. It is read as [`csv()`] reads one.
///
/// # Errors
/// A file that cannot be read, has no record, or has a line that is no `T`: file and line are named.
pub fn json_lines<T>(path: impl AsRef<Path>) -> Result<Records<T>, SetupError>
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    read(path.as_ref(), Reader::json_lines)
}

fn read<T>(path: &Path, open: Open) -> Result<Records<T>, SetupError>
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    let name = format!("data file {}", path.display());
    let file = File::open(path).map_err(|error| SetupError::new(format!("{name}: {error}")))?;
    Records::of_text(Name { text: name, line: ":" }, file, open)
}

impl<T: DeserializeOwned + Send + Sync + 'static> Records<T> {
    pub(super) fn of_text(name: Name, file: File, open: Open) -> Result<Self, SetupError> {
        let text = name.text.clone();
        let pages = Pages::scan(name, file, open, Sizes::default()).map_err(SetupError::new)?;
        Self::of(text, Origin::Pages(Arc::new(pages)))
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
    ) -> Result<u64, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts");
        std::fs::write(&path, text).unwrap();
        let place = format!("{}/", folder.path().display());
        read(path).map(|records| records.count()).map_err(|error| error.to_string().replace(&place, ""))
    }

    fn error(result: Result<u64, String>) -> String {
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
        assert_eq!(
            error(read("name,age\r\n\"A\r\nnn\",1\r\nBob,old\r\n", csv)),
            "data file accounts:4: field 2: invalid digit found in string"
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
