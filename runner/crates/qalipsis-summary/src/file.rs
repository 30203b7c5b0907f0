//! Files that are whole or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes that a folder must have room for before a campaign starts.
const PROBE: usize = 64 * 1024;

/// Writes a file, and makes its folder when there is none. It is written under a temporary name beside it and renamed
/// once it is complete: no reader ever sees half of it, and a full disk leaves nothing behind.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let part = part(path);
    fill(&part, content).and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
        // What cannot be removed either could not be made.
        let _ = fs::remove_file(&part);
    })
}

/// The temporary name of a file, in the same folder.
pub fn part(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// Whether files can be written to `folder`, which need not exist yet. It leaves no trace.
///
/// # Errors
/// Why they cannot.
pub fn probe(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists()).collect();
    let file = folder.join(format!(".qalipsis-{}.part", std::process::id()));
    let outcome = fs::create_dir_all(folder).and_then(|()| fill(&file, &[b' '; PROBE]));
    // What is there is removed; what is not was not made.
    let _ = fs::remove_file(&file);
    for folder in missing {
        let _ = fs::remove_dir(folder);
    }
    outcome
}

/// Some file systems notice only at the end that there is no room.
fn fill(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn c4_a_file_is_complete_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/report.html");
        write(&path, b"whole").unwrap();
        write(&path, b"again").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"again");
        assert_eq!(names(path.parent().unwrap()), ["report.html"]);
        // A folder of that name stands in the way of the rename, at the very end.
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        assert!(write(&taken, b"whole").is_err());
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, ["new", "taken"], "nothing is left of it");
    }

    #[test]
    fn c4_a_probe_leaves_no_trace_and_says_why_nothing_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        probe(&folder.path().join("a/b/c")).unwrap();
        probe(folder.path()).unwrap();
        assert!(names(folder.path()).is_empty());
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(probe(&folder.path().join("file")).is_err());
        assert!(probe(&folder.path().join("file/below")).is_err());
        assert_eq!(names(folder.path()), ["file"]);
    }
}
