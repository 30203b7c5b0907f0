//! Scenario executables as running factories.

use crate::error::Error;
use futures::FutureExt;
use futures::future::BoxFuture;
use qalipsis_cluster::Listener;
use qalipsis_head::{Link, Peer};
use qalipsis_model::plan::FactoryPlan;
use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// How long a process may take from its start to its connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a factory may take to end once its campaign has ended.
const END_LIMIT: Duration = Duration::from_secs(2);
/// Lines of a process that are remembered, to tell its last words.
const LAST_LINES: usize = 20;
/// The longest remembered line, in bytes.
const LINE_LIMIT: usize = 500;

/// The running factories of a campaign.
#[derive(Debug)]
pub struct Processes {
    folder: TempDir,
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    end: oneshot::Sender<()>,
    watcher: JoinHandle<()>,
}

impl Processes {
    /// None yet.
    ///
    /// # Errors
    /// When there is no place for sockets.
    pub fn new() -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("qalipsis-")
            .tempdir()
            .map_err(|e| Error::Internal(format!("failed to make a temporary folder: {e}")))?;
        Ok(Self { folder, running: Vec::new() })
    }

    /// Starts `executable` as the factory of `plan` and waits until it connects.
    ///
    /// What it prints goes to `lines`. A process that cannot be reached is a lost peer, not an error.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub async fn start(
        &mut self,
        executable: &Path,
        plan: FactoryPlan,
        lines: mpsc::Sender<String>,
    ) -> Result<Peer, Error> {
        let socket = self.folder.path().join(format!("{}.socket", self.running.len()));
        let listener = Listener::bind(&socket).map_err(|e| Error::Internal(e.to_string()))?;
        let mut command = Command::new(executable);
        command
            .args(["factory", "--name", &plan.factory, "--connect"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C is for the runner, which stops its factories in order.
            .process_group(0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let why = format!("failed to start {}: {error}", executable.display());
                return Ok(Peer { plan, link: Err(why), exit: std::future::pending().boxed() });
            }
        };
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let copies = [
            child.stdout.take().map(|out| tokio::spawn(copy(out, Arc::clone(&last), lines.clone()))),
            child.stderr.take().map(|err| tokio::spawn(copy(err, Arc::clone(&last), lines))),
        ];
        let (end, ending) = oneshot::channel();
        let (died, death) = oneshot::channel();
        let watcher = tokio::spawn(watch(child, ending, died, last, copies));
        self.running.push(Running { end, watcher });
        let mut exit: BoxFuture<'static, String> =
            death.map(|why| why.unwrap_or_else(|_| "its process is gone".to_owned())).boxed();
        let link = tokio::select! {
            accepted = listener.accept() => accepted
                .map(|(sender, receiver)| Link { sender, receiver })
                .map_err(|e| e.to_string()),
            why = &mut exit => Err(why),
            () = tokio::time::sleep(CONNECT_LIMIT) => {
                Err(format!("did not connect within {}", qalipsis_model::duration::human(CONNECT_LIMIT)))
            }
        };
        Ok(Peer { plan, link, exit })
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

/// Waits for the end of a process, or makes it end.
async fn watch(
    mut child: Child,
    ending: oneshot::Receiver<()>,
    died: oneshot::Sender<String>,
    last: Arc<Mutex<VecDeque<String>>>,
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
            let words = last.lock().unwrap_or_else(PoisonError::into_inner).back().cloned();
            let _ = died.send(words.map_or(how.clone(), |line| format!("{how}; its last words: {line}")));
        }
        _ = ending => {
            if tokio::time::timeout(END_LIMIT, child.wait()).await.is_err() {
                // What cannot be killed is gone already.
                let _ = child.kill().await;
            }
        }
    }
}

/// Passes on what a process prints, and remembers its last lines.
async fn copy(
    stream: impl AsyncRead + Unpin,
    last: Arc<Mutex<VecDeque<String>>>,
    lines: mpsc::Sender<String>,
) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            last.push_back(text[..text.floor_char_boundary(LINE_LIMIT)].to_owned());
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        }
        // Without anybody to show it to, it is still read: a full pipe would block the process.
        let _ = lines.send(text.to_owned()).await;
        line.clear();
    }
}
