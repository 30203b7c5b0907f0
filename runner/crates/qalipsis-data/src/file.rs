//! Records from files.

use super::encoding::{LOOKED_AT, foreign};
use super::layout::{Reader, TO_UTF8};
use super::pages::{Name, Open, Pages, Sizes};
use super::{Origin, Records, home};
use qalipsis_minion::setup_error::SetupError;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;
use std::sync::Arc;

/// The records of a CSV file, whose first line names the fields of `T`.
///
/// A relative path leads from the current folder or, when there is nothing at it, from the package of the scenario.
///
/// The text is UTF-8, with or without a byte order mark, and its lines end in `\n` or `\r\n`; blank lines are skipped.
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
    let failed = |error: io::Error| SetupError::new(format!("{name}: {error}"));
    let mut file = home::open(path).map_err(|error| SetupError::new(format!("{name}: {error}")))?;
    let mut first = Vec::new();
    (&file).take(LOOKED_AT).read_to_end(&mut first).and_then(|_| file.rewind()).map_err(failed)?;
    if let Some(encoding) = foreign(&first) {
        return Err(SetupError::new(format!(
            "{name}: is encoded in {encoding}, only UTF-8 is read; {TO_UTF8}, for example with iconv -f {encoding} -t UTF-8"
        )));
    }
    let digest = home::digest(&file).and_then(|digest| file.rewind().map(|()| digest)).map_err(failed)?;
    let records = Records::of_text(Name { text: name, line: ":" }, file, open)?;
    Ok(Records { digest: Some(digest), ..records })
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
        text: impl AsRef<[u8]>,
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
    fn d5_a_byte_order_mark_is_read_over() {
        let lines = "{\"name\":\"Ann\",\"age\":1}\r\n\r\n{\"name\":\"Bob\",\"age\":2}\r\n\r\n \r\n";
        assert_eq!(read(format!("\u{feff}{lines}"), json_lines), Ok(2));
        // Two exports that were put together.
        assert_eq!(read(format!("\u{feff}{lines}\u{feff}{lines}"), json_lines), Ok(4));
        assert_eq!(error(read("\u{feff}", json_lines)), "data file accounts: has no record");
        assert_eq!(error(read("\u{feff}\n", json_lines)), "data file accounts: has no record");
        assert_eq!(
            error(read("\u{feff}\n\u{feff}{\"name\":\"Bob\",\"age\":\"old\"}\n", json_lines)),
            "data file accounts:2: invalid type: string \"old\", expected u8, at column 25"
        );

        assert_eq!(read("\u{feff}name,age\r\nAnn,1\r\nBob,2\r\n\r\n", csv), Ok(2));
        assert_eq!(read("\u{feff}\"name\",\"age\"\n\"Ann\",1\n", csv), Ok(1));
        assert_eq!(error(read("\u{feff}", csv)), "data file accounts: has no record");
        assert_eq!(error(read("\u{feff}name,age\n", csv)), "data file accounts: has no record");
        assert_eq!(
            error(read("\u{feff}name,age\r\nAnn,1\r\nBob,old\r\n", csv)),
            "data file accounts:3: field 2: invalid digit found in string"
        );
    }

    #[test]
    fn d5_blank_lines_are_skipped() {
        assert_eq!(read("name,age\nAnn,1\n\n   \nBob,2\n\n \t\n", csv), Ok(2));
        assert_eq!(read("name,age\r\nAnn,1\r\n  \r\nBob,2\r\n\r\n \r\n", csv), Ok(2));
        assert_eq!(
            error(read("name,age\r\nAnn,1\r\n  \r\nBob,old\r\n", csv)),
            "data file accounts:4: field 2: invalid digit found in string"
        );
    }

    #[test]
    fn d5_another_encoding_is_one_line_with_file_and_encoding() {
        let utf_16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(bytes).collect()
        };
        let utf_32 = |text: &str, bytes: fn(u32) -> [u8; 4]| -> Vec<u8> {
            text.chars().flat_map(|c| bytes(c.into())).collect()
        };
        let texts = ["name,age\nAnn,1\n", "{\"name\":\"Ann\",\"age\":1}\n"];
        for text in texts.into_iter().flat_map(|text| [text.to_owned(), format!("\u{feff}{text}")]) {
            for (encoding, bytes) in [
                ("UTF-16LE", utf_16(&text, u16::to_le_bytes)),
                ("UTF-16BE", utf_16(&text, u16::to_be_bytes)),
                ("UTF-32LE", utf_32(&text, u32::to_le_bytes)),
                ("UTF-32BE", utf_32(&text, u32::to_be_bytes)),
            ] {
                let expected = format!(
                    "data file accounts: is encoded in {encoding}, only UTF-8 is read; convert the file to UTF-8, for \
                     example with iconv -f {encoding} -t UTF-8"
                );
                assert_eq!(error(read(&bytes, csv)), expected);
                assert_eq!(error(read(&bytes, json_lines)), expected);
            }
        }
        assert_eq!(
            error(read(b"{\"name\":\"Ann\",\"age\":1}\n{\"name\":\"J\xf6rg\",\"age\":2}\n", json_lines)),
            "data file accounts:2: the line is no UTF-8; convert the file to UTF-8"
        );
        assert_eq!(
            error(read(b"name,age\nAnn,1\nJ\xf6rg,2\n", csv)),
            "data file accounts:3: field 1 is no UTF-8; convert the file to UTF-8"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = csv::<Account>("/nowhere/accounts.csv").unwrap_err().to_string();
        assert!(error.starts_with("data file /nowhere/accounts.csv: No such file"), "{error}");
    }
}
