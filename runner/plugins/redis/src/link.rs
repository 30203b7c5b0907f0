//! The connection that all actions share.
//!
//! Its tasks, and those of each connection that follows it, run on the runtime that it was made on.
//! Workers have runtimes of their own, which must not own what the others need.

use crate::server::{ANSWER_LIMIT, Connection, Lost, Server};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use qalipsis_core::fault::Fault;
use redis::RedisError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::runtime::Handle;

pub(crate) struct Link {
    pub(crate) server: Arc<Server>,
    runtime: Handle,
    current: Mutex<Slot>,
}

/// A connection, from its first attempt to its loss.
#[derive(Clone)]
pub(crate) struct Slot {
    connecting: Shared<BoxFuture<'static, Result<Connection, Fault>>>,
    lost: Lost,
}

impl Link {
    /// Starts to connect, on the runtime of the caller.
    pub(crate) fn new(server: Server) -> Self {
        let (server, runtime) = (Arc::new(server), Handle::current());
        let current = Mutex::new(Slot::start(&server, &runtime));
        Self { server, runtime, current }
    }

    /// The connection, or a new one if it was lost. All who ask while it is being opened share it, and
    /// its failure; who asks later tries again.
    pub(crate) async fn connection(&self) -> Result<(Connection, Slot), Fault> {
        let slot = {
            let mut current = self.current.lock();
            if current.lost.load(Relaxed) {
                *current = Slot::start(&self.server, &self.runtime);
            }
            current.clone()
        };
        match slot.connecting.clone().await {
            Ok(connection) => Ok((connection, slot)),
            Err(fault) => {
                slot.lost.store(true, Relaxed);
                Err(fault)
            }
        }
    }
}

impl Slot {
    fn start(server: &Arc<Server>, runtime: &Handle) -> Self {
        let lost = Lost::new(AtomicBool::new(false));
        let (opener, opener_lost) = (Arc::clone(server), Arc::clone(&lost));
        let opening = runtime.spawn(async move {
            opener.open(ANSWER_LIMIT, opener_lost).await.map_err(|error| opener.unreachable(&error))
        });
        let place = format!("redis at {}", server.name);
        let connecting = async move {
            let gone =
                |_| Err(Fault::error(format!("{place}: the runtime that it was connected on has ended")));
            opening.await.unwrap_or_else(gone)
        };
        Self { connecting: connecting.boxed().shared(), lost }
    }

    /// After a failure: whether the connection is still of use to others.
    pub(crate) fn note(&self, error: &RedisError) {
        if error.is_io_error() {
            self.lost.store(true, Relaxed);
        }
    }
}
