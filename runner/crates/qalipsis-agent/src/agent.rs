//! Starting factories and relaying for them.

use crate::exit::{Exit, Watched};
use crate::output::{LastLine, Output, copy};
use futures::future::join_all;
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
        self.host_all([(factory, end)]).await
    }

    /// As [`Agent::host`], with all of them starting at the same time.
    ///
    /// # Errors
    /// When a socket cannot be made.
    pub async fn host_all(
        &mut self,
        factories: impl IntoIterator<Item = (Hosted, FactoryEnd)>,
    ) -> Result<(), HostError> {
        let connecting = factories.into_iter().map(|(factory, end)| self.begin(factory, end));
        let connecting: Vec<_> = connecting.collect::<Result<_, _>>()?;
        join_all(connecting).await;
        Ok(())
    }

    /// Starts a factory; what this returns waits until it connects.
    fn begin(
        &mut self,
        factory: Hosted,
        end: FactoryEnd,
    ) -> Result<impl Future<Output = ()> + use<>, HostError> {
        // Only until the connection stands, so that not even a killed agent leaves a folder behind.
        let folder = tempfile::Builder::new().prefix("qalipsis-").tempdir().map_err(HostError::Folder)?;
        let socket = folder.path().join("socket");
        let listener = Listener::bind(&socket)?;
        let exit = match start(&factory, &socket) {
            Ok(child) => Ok(self.watch(child, factory.output)),
            Err(error) => Err(format!("failed to start {}: {error}", factory.executable.display())),
        };
        Ok(async move {
            let connected = async {
                let exit = exit?;
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((sender, receiver)) => Ok((sender, receiver, exit)),
                        Err(error) => Err(error.to_string()),
                    },
                    Some(how) = exit.clone().how() => Err(how),
                    () = tokio::time::sleep(CONNECT_LIMIT) => {
                        Err(format!("did not connect within {}", human(CONNECT_LIMIT)))
                    }
                }
            };
            match connected.await {
                // The queue is empty, for nothing was sent before.
                Err(why) => _ = end.to_head.try_send(Arrival::Closed(Some(why))),
                Ok((sender, receiver, exit)) => {
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
            drop(folder);
        })
    }

    /// Ends all factories at the same time; one that does not end by itself is killed.
    pub async fn end(self) {
        join_all(self.factories.into_iter().map(Watched::end)).await;
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
