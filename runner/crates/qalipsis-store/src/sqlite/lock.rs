//! The lock that lets one process write a file.

use crate::error::{StoreError, StoreProblem};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

/// How often a lock that is taken is tried again, and how long is waited before: for half a second in all.
const ATTEMPTS: u32 = 25;
const PAUSE: Duration = Duration::from_millis(20);

/// An advisory lock on a file beside the database, which has the id of the process in it.
///
/// The system releases it when the process ends, however that happens, so there is nothing to clean up after a crash. It
/// is not taken on the database itself, whose locks are SQLite's. The file stays: removing it would let two processes lock
/// two files of the same name.
#[derive(Debug)]
pub(super) struct Lock {
    _locked: File,
}

impl Lock {
    /// Takes the lock of this database, and creates its folder, and an empty file, when there is none.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let problem = |problem| StoreError::of_file(database, problem);
        if database.is_dir() {
            let (folder, reason) = (database.display().to_string(), "it is given as a file".to_owned());
            return Err(problem(StoreProblem::Folder { folder, reason }));
        }
        let folder = database.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(|error| problem(in_folder(folder, &error)))?;
        // Whatever links lead to it, a file has one lock.
        let resolved = OpenOptions::new().append(true).create(true).mode(0o600).open(database);
        let resolved = resolved
            .and_then(|_| database.canonicalize())
            .map_err(|error| problem(in_folder(folder, &error)))?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path(&resolved))
            .map_err(|error| problem(in_folder(folder, &error)))?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // One that was just locked may have no number yet.
                let owner = file.read_to_string(&mut owner).ok().and_then(|_| owner.trim().parse().ok());
                return Err(problem(StoreProblem::Locked(owner)));
            }
            Err(TryLockError::Error(error)) => return Err(problem(in_folder(folder, &error))),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", process::id()))
            .map_err(|error| problem(in_folder(folder, &error)))?;
        Ok(Self { _locked: file })
    }
}

/// Takes the lock, and waits a moment for a process that is just ending: one that was killed, or a child that was forked
/// from a process which had the lock and has not begun its own program yet.
fn lock(file: &File) -> Result<(), TryLockError> {
    let mut waits = 0..ATTEMPTS;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if waits.next().is_some() => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

fn path(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".lock");
    path.into()
}

/// Why files cannot be made in a folder.
pub(super) fn in_folder(folder: &Path, error: &io::Error) -> StoreProblem {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreProblem::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            StoreProblem::ReadOnly(format!("folder {}: {error}", folder.display()))
        }
        _ => StoreProblem::Folder { folder: folder.display().to_string(), reason: error.to_string() },
    }
}
