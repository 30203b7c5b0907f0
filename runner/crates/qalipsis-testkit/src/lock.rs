//! Work that several test processes need, and only one of them may do.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Context;

/// Waits until no other process holds the lock on `path`, and holds it until the file is dropped. The
/// kernel gives it up when the holder dies, so it can't be left behind.
pub(crate) fn lock(path: &Path) -> anyhow::Result<File> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("failed to create {}", directory.display()))?;
    }
    let file = File::create(path).with_context(|| format!("failed to create {}", path.display()))?;
    file.lock().with_context(|| format!("failed to lock {}", path.display()))?;
    Ok(file)
}
