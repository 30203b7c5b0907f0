//! Ends what a test process started when that process is gone, however it went.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use rustix::process::Pid;

/// `read` returns when the pipe's other end, which only the test process has open, is closed by its death.
/// The second `rm` is for files that the dying process wrote while the first one ran.
const SCRIPT: &str = r#"
read -r _
if [ -n "$3" ]; then
    kill -s "$3" -- "-$1"
    tries=0
    while kill -s 0 -- "-$1" 2>/dev/null && [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
fi
kill -s KILL -- "-$1"
[ -z "$2" ] || rm -rf -- "$2" || { sleep 1; rm -rf -- "$2"; }
"#;

/// A shell that waits for the death of this process, then kills a process group and removes a directory.
///
/// The kernel's parent-death signal would not do: it needs `unsafe`, and comes when the *thread* that
/// started the child ends, which for a server shared by several tests is the end of the first of them.
/// Dropping the watchdog ends it without its doing anything.
#[derive(Debug)]
pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Watches over the process group `group` and, when given, the directory that belongs to it. `signal`,
    /// unless empty, asks the group to end before it is killed.
    pub(crate) fn start(group: Pid, directory: Option<&Path>, signal: &str) -> anyhow::Result<Self> {
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "testkit-watchdog"])
            .arg(group.as_raw_nonzero().to_string())
            .arg(directory.unwrap_or(Path::new("")))
            .arg(signal)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: Ctrl-C in the terminal ends the tests, and must leave the watchdog to
            // clean up after them.
            .process_group(0)
            .spawn()
            .context("failed to start `sh`, which watches over the servers of the tests")?;
        Ok(Self(child))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Kill before the pipe closes (which `wait` does), or it would do its work. Both fail only if it
        // is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
