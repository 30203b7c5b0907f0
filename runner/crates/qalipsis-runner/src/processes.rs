//! Scenario executables as running factories.

use crate::error::Error;
use qalipsis_cluster::{Arrival, FactoryEnd, Listener, relay};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// How long a process may take from its start to its connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a factory may take to end once its campaign has ended.
const END_LIMIT: Duration = Duration::from_secs(2);
/// How long a line may wait until it is shown.
const SHOW_LIMIT: Duration = Duration::from_secs(1);
/// The longest remembered line, in bytes.
const LINE_LIMIT: usize = 500;
/// The longest line that is passed on whole, in bytes; the rest follows as lines of its own.
const LONGEST_LINE: u64 = 64 * 1024;
/// How lines begin that Rust itself adds to what a dying program says.
const NOISE: [&str; 3] = ["note: ", "stack backtrace:", "skipping backtrace printing"];

/// Where that goes which a factory prints.
#[derive(Debug, Clone)]
pub struct Printed {
    /// The way to whoever shows it.
    pub lines: mpsc::Sender<String>,
    /// What each line begins with, when several factories print.
    pub prefix: Option<String>,
    /// Lines that could not be shown.
    pub dropped: Arc<AtomicU64>,
}

impl Printed {
    /// Shows a line, unless nobody has taken any for a while: a factory must not wait for who reads its output.
    /// Returns whether the line was shown.
    async fn show(&self, line: String, limit: Duration) -> bool {
        let is_shown = matches!(tokio::time::timeout(limit, self.lines.send(line)).await, Ok(Ok(())));
        self.dropped.fetch_add(u64::from(!is_shown), Relaxed);
        is_shown
    }
}

/// The running factories of a campaign.
#[derive(Debug, Default)]
pub struct Processes {
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    end: oneshot::Sender<()>,
    watcher: JoinHandle<()>,
}

impl Processes {
    /// Starts `executable` as a factory of this name, waits until it connects, and relays between it and `end`.
    ///
    /// It logs what `log` says, in the form of `RUST_LOG`. A process that cannot be reached is a lost factory, not an
    /// error.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub async fn start(
        &mut self,
        executable: &Path,
        name: &str,
        end: FactoryEnd,
        printed: Printed,
        log: Option<String>,
    ) -> Result<(), Error> {
        // Only until the connection stands, so that not even a killed runner leaves a folder behind.
        let folder = tempfile::Builder::new()
            .prefix("qalipsis-")
            .tempdir()
            .map_err(|e| Error::Internal(format!("failed to make a temporary folder: {e}")))?;
        let socket = folder.path().join("socket");
        let listener = Listener::bind(&socket).map_err(|e| Error::Internal(e.to_string()))?;
        let mut command = Command::new(executable);
        command
            .args(["factory", "--name", name, "--connect"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C is for the runner, which stops its factories in order.
            .process_group(0);
        if let Some(log) = log {
            command.env("RUST_LOG", log);
        }
        let unreachable = |why: String| {
            // The queue is empty, for nothing was sent before.
            let _ = end.to_head.try_send(Arrival::Closed(Some(why)));
        };
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                unreachable(format!("failed to start {}: {error}", executable.display()));
                return Ok(());
            }
        };
        let last = Arc::new(Mutex::new(None));
        let copies = [
            child.stdout.take().map(|out| tokio::spawn(copy(out, Arc::clone(&last), printed.clone()))),
            child.stderr.take().map(|err| tokio::spawn(copy(err, Arc::clone(&last), printed))),
        ];
        let (ended, ending) = oneshot::channel();
        let (died, mut death) = watch::channel(None);
        let watcher = tokio::spawn(watch(child, ending, died, last, copies));
        self.running.push(Running { end: ended, watcher });
        let mut dead = death.clone();
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted.map_err(|e| e.to_string()),
            Some(why) = how(&mut dead) => Err(why),
            () = tokio::time::sleep(CONNECT_LIMIT) => {
                Err(format!("did not connect within {}", qalipsis_model::duration::human(CONNECT_LIMIT)))
            }
        };
        match accepted {
            Err(why) => unreachable(why),
            Ok((sender, receiver)) => {
                let to_head = end.to_head.clone();
                tokio::spawn(relay(end, sender, receiver));
                tokio::spawn(async move {
                    if let Some(how) = how(&mut death).await {
                        // A head that has gone does not ask.
                        let _ = to_head.send(Arrival::Exited(how)).await;
                    }
                });
            }
        }
        Ok(())
    }

    /// Ends all of them; one that does not end by itself is killed.
    pub async fn end(self) {
        for running in self.running {
            // One that has died before does not listen any more.
            let _ = running.end.send(());
            let _ = running.watcher.await;
        }
    }
}

/// How a process ended, once it has; `None` of one that was made to end.
async fn how(death: &mut watch::Receiver<Option<String>>) -> Option<String> {
    death.wait_for(Option::is_some).await.ok()?.clone()
}

/// Waits for the end of a process, or makes it end.
async fn watch(
    mut child: Child,
    ending: oneshot::Receiver<()>,
    died: watch::Sender<Option<String>>,
    last: Arc<Mutex<Option<String>>>,
    copies: [Option<JoinHandle<()>>; 2],
) {
    tokio::select! {
        status = child.wait() => {
            // Its last words may still be in the pipe; a grandchild may hold the pipe for ever.
            let read = futures::future::join_all(copies.into_iter().flatten());
            let _ = tokio::time::timeout(Duration::from_millis(200), read).await;
            let how = match status {
                Ok(status) => format!("its process ended with {status}"),
                Err(error) => format!("its process cannot be watched: {error}"),
            };
            let words = last.lock().unwrap_or_else(PoisonError::into_inner).take();
            died.send_replace(Some(words.map_or(how.clone(), |line| format!("{how}; its last output: {line}"))));
        }
        _ = ending => {
            if tokio::time::timeout(END_LIMIT, child.wait()).await.is_err() {
                // What cannot be killed is gone already.
                let _ = child.kill().await;
            }
        }
    }
}

/// Whether a line says nothing about the end of the process: what Rust adds, frames of a backtrace.
fn is_noise(line: &str) -> bool {
    let text = line.trim_start();
    let is_indented = text.len() < line.len();
    let is_frame = text.starts_with("at ")
        || text.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    (is_indented && is_frame) || NOISE.iter().any(|noise| text.starts_with(noise))
}

/// Passes on what a process prints, and remembers the last line that may tell why it died.
async fn copy(stream: impl AsyncRead + Unpin, last: Arc<Mutex<Option<String>>>, printed: Printed) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    let mut is_read = true;
    while let Ok(1..) = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() && !is_noise(text) {
            let words = text[..text.floor_char_boundary(LINE_LIMIT)].to_owned();
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
        }
        // Without anybody to show it to, it is still read: a full pipe would block the process.
        let shown = match &printed.prefix {
            Some(prefix) => format!("{prefix} | {text}"),
            None => text.to_owned(),
        };
        // Once one line was not taken, the next ones wait no longer, until one is.
        let limit = if is_read { SHOW_LIMIT } else { Duration::ZERO };
        is_read = printed.show(shown, limit).await;
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_factory_goes_on_printing_when_nobody_reads_it() {
        let (lines, mut shown) = mpsc::channel(1);
        let dropped = Arc::new(AtomicU64::new(0));
        let printed = Printed { lines, prefix: None, dropped: Arc::clone(&dropped) };
        let began = tokio::time::Instant::now();
        copy(&b"a\nb\nc\nd\n"[..], Arc::new(Mutex::new(None)), printed).await;
        assert_eq!((began.elapsed(), dropped.load(Relaxed)), (SHOW_LIMIT, 3));
        assert_eq!((shown.recv().await.as_deref(), shown.recv().await), (Some("a"), None));
    }

    #[test]
    fn what_rust_adds_to_last_words_is_no_word() {
        for noise in [
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
            "stack backtrace:",
            "   0: __rustc::rust_begin_unwind",
            "             at ./src/main.rs:12:5",
            "skipping backtrace printing to avoid potential recursion",
        ] {
            assert!(is_noise(noise), "{noise}");
        }
        for word in
            ["memory allocation of 16777216 bytes failed", "404: not found", "at the end", "  left: 1"]
        {
            assert!(!is_noise(word), "{word}");
        }
    }
}
