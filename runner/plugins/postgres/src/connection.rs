//! Connections, which belong to the runtime that they were first asked for on.
//!
//! Minions run on runtimes of their own, one per thread, and any of them may come to use a connection
//! that another one was the first to need. So sockets, timers and tasks of all connections belong to the
//! runtime on which the world was opened, which outlives the minions.

use crate::error;
use crate::target::Target;
use deadpool_postgres::Connect;
use futures::future::BoxFuture;
use qalipsis_core::fault::Fault;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::context::TokioContext;

/// How long the server may take to hear that nobody waits for a statement any more.
const CANCEL_WITHIN: Duration = Duration::from_secs(2);

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) runtime: Handle,
    pub(crate) tls: MakeRustlsConnect,
}

impl Connect for Connector {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let config = config.clone();
        Box::pin(async move {
            let connecting = async { config.connect(self.tls.clone()).await };
            let (client, connection) = TokioContext::new(connecting, self.runtime.clone()).await?;
            let task = self.runtime.spawn(async {
                // The client reports the end of the connection to whoever uses it.
                let _ = connection.await;
            });
            Ok((client, task))
        })
    }
}

impl Connector {
    /// Asks the server to give up what it does for a connection that is no longer wanted, then drops that.
    pub(crate) fn give_up<T: Send + 'static>(&self, token: CancelToken, connection: T) {
        let tls = self.tls.clone();
        self.runtime.spawn(async move {
            let _ = tokio::time::timeout(CANCEL_WITHIN, token.cancel_query(tls)).await;
            drop(connection);
        });
    }
}

/// A connection beside the pool, for what must not wait for minions: polls and probes.
pub(crate) struct Own {
    /// `None` only once dropped.
    open: Option<(Client, Task)>,
    connector: Connector,
    /// Whether a statement may be running: true from the beginning, until it is cleared.
    pub(crate) busy: AtomicBool,
}

/// The task of a connection, which ends with this.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Own {
    pub(crate) async fn open(connector: &Connector, target: &Target) -> Result<Self, Fault> {
        let (client, task) =
            tokio::time::timeout(target.connect_timeout(), connector.connect(&target.config))
                .await
                .map_err(|_| error::silent(target))?
                .map_err(|problem| error::connecting(target, &problem))?;
        let open = Some((client, Task(task)));
        Ok(Self { open, connector: connector.clone(), busy: AtomicBool::new(true) })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.open.as_ref().expect("it is taken only when dropped").0
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some((client, task)) = self.open.take()
            && self.busy.load(Relaxed)
        {
            self.connector.give_up(client.cancel_token(), (client, task));
        }
    }
}
