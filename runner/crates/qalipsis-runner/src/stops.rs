//! The user's requests to stop.

use crate::error::Error;
use qalipsis_cluster::StopSignals;
use qalipsis_head::Command;
use qalipsis_model::plan::Stop;
use std::io::{Write, stderr};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

/// Ctrl-C, SIGTERM and SIGHUP: once for a graceful stop, again for a hard one, and beyond the campaign for an end of
/// what is still awaited.
#[derive(Debug)]
pub struct Stops {
    requests: mpsc::Receiver<Command>,
    /// How often the user has asked.
    asked: watch::Receiver<u32>,
}

/// How long what is left to do may take once the user has asked for the second time.
const END_GRACE: Duration = Duration::from_secs(1);

/// How long the last line may take.
const PRINT_LIMIT: Duration = Duration::from_millis(200);

const LEFT_OUT: &str = "error: stopped by the user while reports were written, some may be missing";

/// A task that ends with this value.
#[derive(Debug)]
pub struct AbortOnDrop(AbortHandle);

impl AbortOnDrop {
    /// Ends this task with it.
    pub(crate) fn of<T>(task: &JoinHandle<T>) -> Self {
        Self(task.abort_handle())
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How often the user has asked since some time.
#[derive(Debug, Clone)]
pub struct Asked {
    asked: watch::Receiver<u32>,
    before: u32,
}

impl Stops {
    /// From now on signals do not end the process.
    ///
    /// # Errors
    /// When signals cannot be listened for.
    pub fn listen() -> Result<Self, Error> {
        let mut signals = StopSignals::listen()
            .map_err(|error| Error::Internal(format!("failed to listen for signals: {error}")))?;
        let (requests, received) = mpsc::channel(2);
        let (count, asked) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                signals.next().await;
                let stop = if *count.borrow() == 0 { Stop::Graceful } else { Stop::Hard };
                count.send_modify(|asked| *asked += 1);
                // Once the campaign has ended only the number counts.
                let _ = requests.try_send(Command::Stop(stop));
            }
        });
        Ok(Self { requests: received, asked })
    }

    /// Runs `work` until it is done or the user asks to stop.
    ///
    /// # Errors
    /// [`Error::Stopped`], or that of the work.
    pub async fn unless_asked<T>(
        &mut self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            Some(_) = self.requests.recv() => Err(Error::Stopped),
            outcome = work => outcome,
        }
    }

    /// The next request; none when signals are no longer listened for.
    pub async fn next(&mut self) -> Option<Command> {
        self.requests.recv().await
    }

    /// How often the user asks from now on.
    pub fn asked(&self) -> Asked {
        Asked { before: *self.asked.borrow(), asked: self.asked.clone() }
    }

    /// The requests, for the campaign, and how often there were any.
    pub fn into_parts(self) -> (mpsc::Receiver<Command>, Asked) {
        let asked = Asked { before: 0, asked: self.asked };
        (self.requests, asked)
    }
}

impl Asked {
    /// Counts from now on.
    pub fn from_now(&self) -> Self {
        Self { before: *self.asked.borrow(), asked: self.asked.clone() }
    }

    /// Ends the process with this code, a moment after the user has asked for the second time: by then whatever still
    /// goes on hangs, be it a disk or whoever should read standard output. Not once what this returns is dropped.
    pub fn end_process(&self, code: u8) -> AbortOnDrop {
        let mut asked = self.clone();
        let watching = tokio::spawn(async move {
            let before = asked.before;
            // Without a listener for signals nobody asks.
            if asked.asked.wait_for(|times| *times >= before + 2).await.is_ok() {
                tokio::time::sleep(END_GRACE).await;
                // Standard error may hang as well.
                std::thread::spawn(|| _ = writeln!(stderr(), "{LEFT_OUT}"));
                tokio::time::sleep(PRINT_LIMIT).await;
                std::process::exit(code.into());
            }
        });
        AbortOnDrop::of(&watching)
    }

    /// Returns once the user has asked since then.
    pub(crate) async fn once(&self) {
        let (mut asked, before) = (self.asked.clone(), self.before);
        if asked.wait_for(|times| *times > before).await.is_err() {
            // Without a listener for signals nobody asks.
            std::future::pending::<()>().await;
        }
    }

    /// How often the user has asked since then.
    pub fn times(&self) -> u32 {
        *self.asked.borrow() - self.before
    }
}
