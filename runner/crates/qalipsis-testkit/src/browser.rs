//! A page as a browser shows it.

use crate::process::{Finished, Process};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long a browser may take, on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(90);

/// Opens a file in headless Chromium. The console of the page is on standard error, in lines
/// with `:CONSOLE`.
///
/// # Panics
/// When Chromium cannot be started, or does not end in time.
pub fn browse(arguments: &[&str], page: &Path) -> Finished {
    let profile = tempfile::tempdir().expect("a folder for temporary files");
    let mut command = Command::new("chromium");
    command.env("TMPDIR", profile.path());
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--enable-logging=stderr", "--v=0"]).args(arguments);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("file://{}", page.canonicalize().expect("the page is there").display()));
    let process = Process::spawn(&mut command).expect("Debian's package chromium is installed");
    process.wait(LIMIT).expect("the browser ends")
}
