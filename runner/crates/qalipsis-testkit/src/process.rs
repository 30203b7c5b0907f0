//! A program under the control of a test.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::capture::Capture;
use crate::watchdog::Watchdog;

/// How long [`Process::wait`] waits, once the process has ended, for children of it that still hold its
/// output open.
const OUTPUT_GRACE: Duration = Duration::from_secs(2);

/// Most lines of each stream shown in an error.
const LINES_IN_ERRORS: usize = 30;

/// A running program whose output is kept in memory (the last 4 to 8 MiB of each stream).
///
/// It runs in a process group of its own. Dropping it kills the whole group, and so does the death of the
/// test process, whatever its cause.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    shared: Arc<Shared>,
    watchdog: Option<Watchdog>,
    waiter: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stdout: Capture,
    stderr: Capture,
    exit: Option<ExitStatus>,
}

/// What a process left when it ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// Standard output, invalid UTF-8 replaced.
    pub stdout: String,
    /// Standard error, invalid UTF-8 replaced.
    pub stderr: String,
}

impl Finished {
    /// The exit code; `None` if a signal ended the process.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n--- stdout\n{}\n--- stderr\n{}", self.status, tail(&self.stdout), tail(&self.stderr))
    }
}

impl Process {
    /// Starts `command` with both output streams captured and nothing on its standard input.
    ///
    /// # Errors
    ///
    /// When the program can't be started.
    pub fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        Self::spawn_with_directory(command, None)
    }

    /// As [`spawn`](Self::spawn). If the test process dies, `directory` is removed as well.
    pub(crate) fn spawn_with_directory(
        command: &mut Command,
        directory: Option<&Path>,
    ) -> anyhow::Result<Self> {
        Self::spawn_ended_by(command, directory, "")
    }

    /// As [`spawn_with_directory`](Self::spawn_with_directory). If the test process dies, `signal` (as `kill`
    /// names it) is sent some seconds before the process is killed, for servers that have to clean up.
    pub(crate) fn spawn_ended_by(
        command: &mut Command,
        directory: Option<&Path>,
        signal: &str,
    ) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("failed to start `{name}`"))?;
        let pid = Pid::from_child(&child);
        let watchdog = match Watchdog::start(pid, directory, signal) {
            Ok(watchdog) => Some(watchdog),
            Err(error) => {
                // Nothing must run that nobody watches over.
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        let shared = Arc::new(Shared::default());
        if let Some(stdout) = child.stdout.take() {
            keep(Arc::clone(&shared), stdout, |state| &mut state.stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            keep(Arc::clone(&shared), stderr, |state| &mut state.stderr);
        }
        let waiter = Some(wait_in_background(Arc::clone(&shared), pid));
        Ok(Self { name, child, pid, shared, watchdog, waiter })
    }

    /// The process id, which stays this process' own until the handle is dropped.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that is kept of standard output so far.
    pub fn stdout(&self) -> String {
        self.shared.state.lock().stdout.text()
    }

    /// All that is kept of standard error so far.
    pub fn stderr(&self) -> String {
        self.shared.state.lock().stderr.text()
    }

    /// How the process ended; `None` while it runs.
    pub fn status(&self) -> Option<ExitStatus> {
        self.shared.state.lock().exit
    }

    /// Waits until the process has ended, and gives its whole output.
    ///
    /// # Errors
    ///
    /// When it still runs after `within`; the message shows the end of its output. It is not killed: drop
    /// the handle for that.
    pub fn wait(&self, within: Duration) -> anyhow::Result<Finished> {
        let deadline = Instant::now() + within;
        let mut state = self.shared.state.lock();
        while state.exit.is_none() {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() && state.exit.is_none() {
                bail!("`{}` still runs after {within:?}{}", self.name, outputs(&state));
            }
        }
        let grace = Instant::now() + OUTPUT_GRACE;
        while !(state.stdout.is_closed() && state.stderr.is_closed()) {
            if self.shared.changed.wait_until(&mut state, grace).timed_out() {
                break;
            }
        }
        let status = state.exit.context("the process has no exit status")?;
        Ok(Finished { status, stdout: state.stdout.text(), stderr: state.stderr.text() })
    }

    /// Waits for the first line, of either stream, for which `wanted` holds. Lines written before the call
    /// count as well.
    ///
    /// # Errors
    ///
    /// When `within` is over, or the process has ended, without such a line; the message shows the end of
    /// its output.
    pub fn wait_for_line(&self, wanted: impl Fn(&str) -> bool, within: Duration) -> anyhow::Result<String> {
        let deadline = Instant::now() + within;
        let (mut in_stdout, mut in_stderr) = (0, 0);
        let mut state = self.shared.state.lock();
        loop {
            let found = state
                .stdout
                .find_line(&mut in_stdout, &wanted)
                .or_else(|| state.stderr.find_line(&mut in_stderr, &wanted));
            if let Some(line) = found {
                return Ok(line);
            }
            if state.stdout.is_closed() && state.stderr.is_closed() && state.exit.is_some() {
                let status = state.exit.map(|status| status.to_string()).unwrap_or_default();
                bail!("`{}` ended ({status}) without the awaited line{}", self.name, outputs(&state));
            }
            if Instant::now() >= deadline {
                bail!("`{}` did not write the awaited line within {within:?}{}", self.name, outputs(&state));
            }
            self.shared.changed.wait_until(&mut state, deadline);
        }
    }

    /// Sends SIGINT, as Ctrl-C does, to the process alone.
    ///
    /// # Errors
    ///
    /// When the signal can't be sent. A process that has ended already is no error.
    pub fn interrupt(&self) -> anyhow::Result<()> {
        self.signal(Signal::INT)
    }

    /// Sends SIGINT to the process and all its children, as a terminal does on Ctrl-C.
    ///
    /// # Errors
    ///
    /// When the signal can't be sent.
    pub fn interrupt_group(&self) -> anyhow::Result<()> {
        rustix::process::kill_process_group(self.pid, Signal::INT)
            .with_context(|| format!("failed to interrupt the process group of `{}`", self.name))
    }

    /// Sends SIGTERM to the process alone.
    ///
    /// # Errors
    ///
    /// When the signal can't be sent. A process that has ended already is no error.
    pub fn terminate(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Sends SIGKILL to the process alone; its children live on until the handle is dropped.
    ///
    /// # Errors
    ///
    /// When the signal can't be sent. A process that has ended already is no error.
    pub fn kill(&self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        rustix::process::kill_process(self.pid, signal)
            .with_context(|| format!("failed to send {signal:?} to `{}`", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process is reaped last: until then neither its id nor that of its group can be another's.
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
        drop(self.watchdog.take());
        let _ = self.child.wait();
    }
}

/// Reads `stream` to its end on a thread of its own. The thread is not joined: a grandchild that left the
/// group can hold the stream open for longer than the test lasts.
fn keep(shared: Arc<Shared>, mut stream: impl Read + Send + 'static, select: fn(&mut State) -> &mut Capture) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => select(&mut shared.state.lock()).append(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            }
            shared.changed.notify_all();
        }
        select(&mut shared.state.lock()).close();
        shared.changed.notify_all();
    });
}

/// Notes the end of the process without reaping it.
fn wait_in_background(shared: Arc<Shared>, pid: Pid) -> JoinHandle<()> {
    thread::spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(pid), options));
        let raw = match status {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => code << 8,
                (None, Some(signal)) => signal,
                (None, None) => return,
            },
            Ok(None) | Err(_) => return,
        };
        shared.state.lock().exit = Some(ExitStatus::from_raw(raw));
        shared.changed.notify_all();
    })
}

/// The end of both streams, for errors.
fn outputs(state: &State) -> String {
    format!("\n--- stdout\n{}\n--- stderr\n{}", tail(&state.stdout.text()), tail(&state.stderr.text()))
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES_IN_ERRORS)..].join("\n")
}
