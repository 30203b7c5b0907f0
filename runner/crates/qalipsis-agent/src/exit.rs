//! How the process of a factory ends.

use crate::output::LastLine;
use std::time::Duration;
use tokio::process::Child;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// How long a factory may take to end once its campaign has ended.
const END_LIMIT: Duration = Duration::from_secs(2);

/// How long the rest of what an ended process has printed may take to be read.
const READ_LIMIT: Duration = Duration::from_millis(200);

/// How a process ended, once it has; `None` of one that was made to end.
#[derive(Debug, Clone)]
pub(crate) struct Exit(watch::Receiver<Option<String>>);

impl Exit {
    /// Waits for the end.
    pub(crate) async fn how(mut self) -> Option<String> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// A process that is watched until its end.
#[derive(Debug)]
pub(crate) struct Watched {
    end: oneshot::Sender<()>,
    watcher: JoinHandle<()>,
}

impl Watched {
    /// Watches a process, of which `copies` read what it prints.
    pub(crate) fn new(child: Child, last: LastLine, copies: Vec<JoinHandle<()>>) -> (Self, Exit) {
        let (end, ending) = oneshot::channel();
        let (ended, exit) = watch::channel(None);
        let watcher = tokio::spawn(watch(child, ending, ended, last, copies));
        (Self { end, watcher }, Exit(exit))
    }

    /// Waits until the process has ended by itself, or kills it after a while.
    pub(crate) async fn end(self) {
        // One that has ended before does not listen any more.
        let _ = self.end.send(());
        let _ = self.watcher.await;
    }
}

async fn watch(
    mut child: Child,
    ending: oneshot::Receiver<()>,
    ended: watch::Sender<Option<String>>,
    last: LastLine,
    copies: Vec<JoinHandle<()>>,
) {
    tokio::select! {
        status = child.wait() => {
            // Its last output may still be in the pipe; a grandchild may keep the pipe open for ever.
            let _ = tokio::time::timeout(READ_LIMIT, futures::future::join_all(copies)).await;
            let how = match status {
                Ok(status) => format!("its process ended with {status}"),
                Err(error) => format!("its process cannot be watched: {error}"),
            };
            ended.send_replace(Some(match last.take() {
                Some(line) => format!("{how}; its last output: {line}"),
                None => how,
            }));
        }
        _ = ending => {
            if tokio::time::timeout(END_LIMIT, child.wait()).await.is_err() {
                // What cannot be killed is gone already.
                let _ = child.kill().await;
            }
        }
    }
}
