//! Several statements that happen together or not at all.

use crate::answer::{Answer, Timings};
use crate::client::Inner;
use crate::error;
use crate::parameter::{Parameter, Parameters};
use crate::pool::Lease;
use crate::save::Save;
use crate::statement::{Execute, Runner, Search};
use qalipsis_core::fault::{Fault, IntoFault};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::time::Instant;

/// What a transaction sees of others: <https://www.postgresql.org/docs/current/transaction-iso.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    #[default]
    ReadCommitted,
    /// All statements see what was committed before the first.
    RepeatableRead,
    /// As if transactions ran one after the other.
    Serializable,
}

impl Isolation {
    fn begin(self) -> &'static str {
        match self {
            Self::ReadCommitted => "begin isolation level read committed",
            Self::RepeatableRead => "begin isolation level repeatable read",
            Self::Serializable => "begin isolation level serializable",
        }
    }
}

/// A transaction that is open. Its actions are those of [`Postgres`](crate::Postgres).
#[derive(Clone)]
pub struct Transaction(Arc<Open>);

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("target", &self.0.inner.target).finish_non_exhaustive()
    }
}

/// What the handles of one transaction share.
pub(crate) struct Open {
    pub(crate) inner: Arc<Inner>,
    lease: Lease,
    ended: AtomicBool,
}

impl Open {
    /// Its connection, unless it has ended.
    pub(crate) fn lease(&self) -> Result<&Lease, Fault> {
        if self.ended.load(Relaxed) {
            return Err(
                Fault::error(format!("{}: the transaction has ended", self.inner.target)).code("transaction")
            );
        }
        Ok(&self.lease)
    }
}

impl Transaction {
    /// As [`Postgres::search`](crate::Postgres::search).
    pub fn search(&self, statement: impl Into<String>, parameters: &[&dyn Parameter]) -> Search {
        Search::new(self.runner(), statement.into(), Parameters::new(parameters))
    }

    /// As [`Postgres::execute`](crate::Postgres::execute).
    pub fn execute(&self, statement: impl Into<String>, parameters: &[&dyn Parameter]) -> Execute {
        Execute::new(self.runner(), statement.into(), Parameters::new(parameters))
    }

    /// As [`Postgres::save`](crate::Postgres::save).
    pub fn save<T: Serialize + ?Sized>(&self, table: impl Into<String>, values: &T) -> Save {
        Save::new(self.runner(), table.into(), values)
    }

    fn runner(&self) -> Runner {
        Runner::Transaction(Arc::clone(&self.0))
    }
}

pub(crate) async fn run<F, Fut, T, E>(
    inner: Arc<Inner>,
    isolation: Isolation,
    body: F,
) -> Result<Answer<T>, Fault>
where
    F: FnOnce(Transaction) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: IntoFault,
{
    let (lease, pool_wait) = Lease::take(&inner).await?;
    let began = Instant::now();
    let open = Arc::new(Open { inner, lease, ended: AtomicBool::new(false) });
    // Until it is marked as ended, dropping this drops the connection, at which the server rolls back.
    let work = open.lease.work();
    send(&open, isolation.begin()).await?;
    let result = body(Transaction(Arc::clone(&open))).await.map_err(IntoFault::into_fault);
    open.ended.store(true, Relaxed);
    let value = match result {
        Ok(_) if open.lease.is_given_up() => {
            // A statement was dropped halfway, perhaps by a timeout: nobody knows whether it was run.
            let message = format!(
                "{}: not committed, because a statement of the transaction was given up",
                open.inner.target
            );
            return Err(Fault::error(message).code("transaction"));
        }
        Ok(value) => {
            send(&open, "commit").await?;
            value
        }
        Err(fault) => {
            // If the rollback can't be sent, the connection is lost or dropped, which does the same.
            send(&open, "rollback").await.map_err(|_| fault.clone())?;
            work.ended();
            return Err(fault);
        }
    };
    work.ended();
    Ok(Answer { value, timings: Timings { pool_wait, query: began.elapsed() } })
}

async fn send(open: &Open, statement: &str) -> Result<(), Fault> {
    let sent = open.lease.client().batch_execute(statement).await;
    sent.map_err(|problem| error::failed(&open.inner.target, statement, &Parameters::new(&[]), &problem))
}
