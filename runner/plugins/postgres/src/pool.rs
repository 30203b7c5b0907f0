//! Connections of the pool while they are in use.

use crate::client::Inner;
use crate::error;
use deadpool_postgres::{ClientWrapper, Object, PoolError, TimeoutType};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// A connection out of the pool. It goes back unless what it did was given up halfway.
pub(crate) struct Lease {
    /// `None` only once dropped.
    object: Option<Object>,
    inner: Arc<Inner>,
    given_up: AtomicBool,
}

impl Lease {
    /// The next free connection, and how long that took.
    pub(crate) async fn take(inner: &Arc<Inner>) -> Result<(Self, Duration), Fault> {
        let began = Instant::now();
        let object = inner.pool.get().await.map_err(|problem| inner.unavailable(&problem))?;
        let lease = Self { object: Some(object), inner: Arc::clone(inner), given_up: AtomicBool::new(false) };
        Ok((lease, began.elapsed()))
    }

    pub(crate) fn client(&self) -> &ClientWrapper {
        self.object.as_ref().expect("it is taken only when dropped")
    }

    /// Whether something on it was given up halfway.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Relaxed)
    }

    /// Marks that something runs on it from now on.
    pub(crate) fn work(&self) -> Work<'_> {
        Work(Some(self))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.object.take()
            && self.given_up.load(Relaxed)
        {
            let connection = Object::take(object);
            self.inner.connector.give_up(connection.cancel_token(), connection);
        }
    }
}

/// Something that runs on a connection. Dropped before its end, the connection does not go back.
pub(crate) struct Work<'a>(Option<&'a Lease>);

impl Work<'_> {
    pub(crate) fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        if let Some(lease) = self.0 {
            lease.given_up.store(true, Relaxed);
        }
    }
}

impl Inner {
    fn unavailable(&self, problem: &PoolError) -> Fault {
        let target = &self.target;
        match problem {
            PoolError::Backend(problem) => error::connecting(target, problem),
            PoolError::Timeout(TimeoutType::Wait) => Fault::timeout(format!(
                "{target}: no connection of the pool was free within {} (pool_size is {})",
                human(self.pool_timeout),
                self.pool.status().max_size
            ))
            .code("pool"),
            PoolError::Timeout(TimeoutType::Create) => error::silent(target),
            other => Fault::error(format!("{target}: {other}")).code("pool"),
        }
    }
}
