//! The reports of an ended campaign, and their files here.

use crate::error::ClientError;
use crate::head::Head;
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// The largest file of an archive that is taken.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The reports of an ended campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    /// What the console of the head's machine would show.
    pub text: String,
    /// The content of the files, by name.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// Fetches the reports of an ended campaign.
    ///
    /// # Errors
    /// When they cannot be fetched, or there are none.
    pub async fn reports(&self, key: &str) -> Result<Reports, ClientError> {
        let text = self.report(key, "report", &[("format", "text")]).await?;
        let mut files = vec![
            ("summary.json".to_owned(), self.report(key, "summary", &[]).await?),
            ("report.html".to_owned(), self.report(key, "report", &[]).await?),
        ];
        let archive = self.report(key, "junit", &[]).await?;
        let unpacked = unpack(archive).map_err(|error| ClientError::Malformed {
            head: self.address(),
            why: format!("the archive of JUnit files: {error}"),
        })?;
        files.extend(unpacked);
        Ok(Reports { text: String::from_utf8_lossy(&text).into_owned(), files })
    }
}

/// What a job of GitHub shows of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// Its summary in Markdown.
    pub summary: String,
    /// Commands that annotate lines of the scenarios, and nothing else: a head must not give a job other commands.
    pub annotations: String,
}

impl Head {
    /// Fetches what a job of GitHub shows of an ended campaign.
    ///
    /// # Errors
    /// When it cannot be fetched, or there is nothing.
    pub async fn job_report(&self, key: &str) -> Result<JobReport, ClientError> {
        let text = async |format: &str| {
            let bytes = self.report(key, "report", &[("format", format)]).await?;
            Ok::<_, ClientError>(String::from_utf8_lossy(&bytes).into_owned())
        };
        let annotations = text("annotations").await?;
        Ok(JobReport { summary: text("markdown").await?, annotations: only_annotations(&annotations) })
    }
}

fn only_annotations(commands: &str) -> String {
    let known = |line: &&str| line.starts_with("::error ") || line.starts_with("::warning ");
    commands.lines().filter(known).map(|line| format!("{line}\n")).collect()
}

/// Files by name; a name that leads out of the folder is refused.
fn unpack(archive: Vec<u8>) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).map_err(io::Error::other)?;
    let mut files = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(io::Error::other)?;
        let name = file.name().to_owned();
        if !is_file_name(&name) {
            return Err(io::Error::other("a file has a path in place of a name"));
        }
        let mut content = Vec::new();
        if file.take(LARGEST + 1).read_to_end(&mut content)? as u64 > LARGEST {
            return Err(io::Error::other(format!("{name} is larger than {LARGEST} bytes")));
        }
        files.push((name, content));
    }
    Ok(files)
}

fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0'])
}

impl Reports {
    /// Writes the files to `<folder>/<campaign-key>`, as a campaign that runs here does, and gives that folder.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn save(&self, folder: &Path, key: &str) -> Result<PathBuf, ClientError> {
        if !is_file_name(key) {
            return Err(ClientError::Write(
                "the key of the campaign cannot be the name of a folder".to_owned(),
            ));
        }
        let folder = folder.join(key);
        let refused = |path: &Path, error: io::Error| {
            ClientError::Write(format!("reports cannot be written to {}: {error}", path.display()))
        };
        fs::create_dir_all(&folder).map_err(|error| refused(&folder, error))?;
        for (name, content) in &self.files {
            let path = folder.join(name);
            fs::write(&path, content).map_err(|error| refused(&path, error))?;
        }
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn archive(names: &[&str]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            archive.start_file(*name, SimpleFileOptions::default()).unwrap();
            archive.write_all(name.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn files_are_unpacked_by_name() {
        let files = unpack(archive(&["TEST-a.xml", "TEST-ü.xml"])).unwrap();
        assert_eq!(files[1], ("TEST-ü.xml".to_owned(), "TEST-ü.xml".as_bytes().to_vec()));
    }

    #[test]
    fn a_head_gives_a_job_annotations_and_no_other_command() {
        let commands =
            "::error file=a.rs,line=1::x\n::add-path::/evil\n ::warning title=y::z\n::warning title=y::z\n";
        assert_eq!(only_annotations(commands), "::error file=a.rs,line=1::x\n::warning title=y::z\n");
    }

    #[test]
    fn no_file_leaves_its_folder() {
        for name in ["../evil", "a/b.xml", "/etc/passwd", "..", "a\\b"] {
            assert!(unpack(archive(&[name])).is_err(), "{name}");
        }
        assert!(unpack(b"<html>".to_vec()).is_err());
        let folder = tempfile::tempdir().unwrap();
        let reports = Reports { text: String::new(), files: vec![("a.xml".to_owned(), b"<a/>".to_vec())] };
        assert!(reports.save(folder.path(), "../elsewhere").is_err());
        let saved = reports.save(folder.path(), "20261129-1").unwrap();
        assert_eq!(fs::read(saved.join("a.xml")).unwrap(), b"<a/>");
    }
}
