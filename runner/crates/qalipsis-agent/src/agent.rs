//! Starting factories and relaying for them.

use crate::exit::{Exit, Watched};
use crate::output::{LastLine, Output, copy};
use qalipsis_cluster::{Arrival, ConnectError, FactoryEnd, Listener, relay};
use qalipsis_model::duration::human;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// How long a process may take from its start to its connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// One factory that an agent hosts.
#[derive(Debug)]
pub struct Hosted {
    /// Its scenario executable.
    pub executable: PathBuf,
    /// Its name in messages to people.
    pub name: String,
    /// What it logs, in the form of `RUST_LOG`; `None` for what the environment says.
    pub log: Option<String>,
    /// Where the lines go that it prints.
    pub output: Output,
}

/// Why a factory cannot even be started.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No place for its socket.
    #[error("failed to make a temporary folder: {0}")]
    Folder(#[source] io::Error),
    /// No socket.
    #[error(transparent)]
    Socket(#[from] ConnectError),
}

/// Hosts the factories of one machine.
#[derive(Debug, Default)]
pub struct Agent {
    factories: Vec<Watched>,
}

impl Agent {
    /// Starts a factory, waits until it connects, and relays between it and its end of the transport.
    ///
    /// A process that cannot be reached is a lost factory, which the head gets to know, and no error.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub async fn host(&mut self, factory: Hosted, end: FactoryEnd) -> Result<(), HostError> {
        // Only until the connection stands, so that not even a killed agent leaves a folder behind.
        let folder = tempfile::Builder::new().prefix("qalipsis-").tempdir().map_err(HostError::Folder)?;
        let socket = folder.path().join("socket");
        let listener = Listener::bind(&socket)?;
        let unreachable = |why: String| {
            // The queue is empty, for nothing was sent before.
            let _ = end.to_head.try_send(Arrival::Closed(Some(why)));
        };
        let child = match start(&factory, &socket) {
            Ok(child) => child,
            Err(error) => {
                unreachable(format!("failed to start {}: {error}", factory.executable.display()));
                return Ok(());
            }
        };
        let exit = self.watch(child, factory.output);
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted.map_err(|error| error.to_string()),
            Some(how) = exit.clone().how() => Err(how),
            () = tokio::time::sleep(CONNECT_LIMIT) => {
                Err(format!("did not connect within {}", human(CONNECT_LIMIT)))
            }
        };
        match accepted {
            Err(why) => unreachable(why),
            Ok((sender, receiver)) => {
                let to_head = end.to_head.clone();
                tokio::spawn(relay(end, sender, receiver));
                tokio::spawn(async move {
                    if let Some(how) = exit.how().await {
                        // A head that has gone does not ask.
                        let _ = to_head.send(Arrival::Exited(how)).await;
                    }
                });
            }
        }
        Ok(())
    }

    /// Ends all factories; one that does not end by itself is killed.
    pub async fn end(self) {
        for factory in self.factories {
            factory.end().await;
        }
    }

    fn watch(&mut self, mut child: Child, output: Output) -> Exit {
        let last = LastLine::default();
        let out = child.stdout.take().map(|out| tokio::spawn(copy(out, last.clone(), output.clone())));
        let err = child.stderr.take().map(|err| tokio::spawn(copy(err, last.clone(), output)));
        let (watched, exit) = Watched::new(child, last, out.into_iter().chain(err).collect());
        self.factories.push(watched);
        exit
    }
}

fn start(factory: &Hosted, socket: &Path) -> io::Result<Child> {
    let mut command = Command::new(&factory.executable);
    command
        .args(["factory", "--name", &factory.name, "--connect"])
        .arg(socket)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // Ctrl-C is for the runner, which stops its factories in order.
        .process_group(0);
    if let Some(log) = &factory.log {
        command.env("RUST_LOG", log);
    }
    command.spawn()
}

#[cfg(test)]
mod tests;
