//! A database, as a scenario reaches it.

use crate::answer::Answer;
use crate::builder::PostgresBuilder;
use crate::connection::Connector;
use crate::count::Count;
use crate::parameter::{Parameter, Parameters};
use crate::poll::Poll;
use crate::save::Save;
use crate::statement::{Execute, Runner, Search};
use crate::target::Target;
use crate::transaction::{self, Isolation, Transaction};
use deadpool_postgres::Pool;
use futures::future::BoxFuture;
use qalipsis_core::fault::{Fault, IntoFault};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A PostgreSQL database. Clones, and whoever connects with the same options in the same factory, share
/// one pool of connections.
#[derive(Clone)]
pub struct Postgres(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) target: Target,
    pub(crate) pool: Pool,
    pub(crate) connector: Connector,
    pub(crate) pool_timeout: Duration,
    pub(crate) trace: bool,
    /// Whether statements are prepared on a connection before they are run.
    pub(crate) prepared: bool,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("target", &self.0.target).finish_non_exhaustive()
    }
}

impl Postgres {
    /// Connects to `postgres://user:password@host:port/database` with the defaults of
    /// [`builder`](Self::builder). For `World::open`.
    ///
    /// # Errors
    /// As [`PostgresBuilder::build`].
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, Fault> {
        Self::builder(url).build().await
    }

    /// Options for the database at `postgres://user:password@host:port/database`.
    pub fn builder(url: impl AsRef<str>) -> PostgresBuilder {
        PostgresBuilder::new(url.as_ref())
    }

    /// Reads what appears in the result of a statement, again and again. The statement is a `select` without
    /// parameters; its result has the columns that [`Poll::after`] names.
    pub fn poll(&self, statement: impl Into<String>) -> Poll {
        Poll::new(self, statement.into())
    }

    /// The rows of a statement, which may also change them (`insert ... returning`, `with ... delete`) or be none
    /// of SQL's queries (`show`, `explain`, `call`):
    /// `db.search("select quantity from orders where id = $1", &[&id]).row::<Order>()`.
    pub fn search(&self, statement: impl Into<String>, parameters: &[&dyn Parameter]) -> Search {
        Search::new(Runner::Pool(Arc::clone(&self.0)), statement.into(), Parameters::new(parameters))
    }

    /// A statement that gives no rows. It answers how many it changed.
    pub fn execute(&self, statement: impl Into<String>, parameters: &[&dyn Parameter]) -> Execute {
        Execute::new(Runner::Pool(Arc::clone(&self.0)), statement.into(), Parameters::new(parameters))
    }

    /// Inserts a value, or a slice of values, whose fields are columns of `table` (`name` or `schema.name`,
    /// exactly as the database has them).
    pub fn save<T: Serialize + ?Sized>(&self, table: impl Into<String>, values: &T) -> Save {
        Save::new(Runner::Pool(Arc::clone(&self.0)), table.into(), values)
    }

    /// Has `body` do several things or none: they are committed when it ends well and taken back when it
    /// fails, or when this action is dropped.
    ///
    /// A serialization failure is a [`Fault`] with code `40001`; nothing is tried again.
    ///
    /// # Errors
    /// That of `body`; no connection; a refused commit.
    pub fn transaction<F, Fut, T, E>(
        &self,
        isolation: Isolation,
        body: F,
    ) -> BoxFuture<'static, Result<Answer<T>, Fault>>
    where
        F: FnOnce(Transaction) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: IntoFault + Send + 'static,
    {
        Box::pin(transaction::run(Arc::clone(&self.0), isolation, body))
    }

    /// A probe that a statement computes: `db.count("select count(*) from outbox")`. One row with one column
    /// is the value; rows with two columns are the names and values of its parts.
    pub fn count(&self, statement: impl Into<String>) -> Count {
        Count::new(self, statement.into())
    }
}
