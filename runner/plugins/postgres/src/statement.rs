//! Statements as actions.

use crate::answer::{Answer, Timings};
use crate::client::Inner;
use crate::error;
use crate::parameter::Parameters;
use crate::pool::Lease;
use crate::text::{open_ended, quote};
use crate::transaction::Open;
use crate::written::{self, Raw};
use deadpool_postgres::ClientWrapper;
use futures::future::BoxFuture;
use futures::{StreamExt, pin_mut};
use qalipsis_core::execution::{self, Exchanged};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, RowStream, Statement as Prepared};

/// Most rows that a search reads; more are a mistake that would fill the memory.
const MOST_ROWS: usize = 100_000;

/// Who runs a statement.
#[derive(Clone)]
pub(crate) enum Runner {
    /// The next free connection.
    Pool(Arc<Inner>),
    /// The connection of a transaction.
    Transaction(Arc<Open>),
}

impl Runner {
    fn inner(&self) -> &Arc<Inner> {
        match self {
            Self::Pool(inner) => inner,
            Self::Transaction(open) => &open.inner,
        }
    }
}

/// A statement to be run.
struct Statement {
    runner: Runner,
    /// As its author wrote it.
    text: String,
    parameters: Parameters,
}

/// What the server is asked for.
#[derive(Debug, Clone, Copy)]
enum Asked {
    /// The number of rows changed.
    Count,
    /// The rows, as JSON.
    Rows,
}

/// How many rows of a statement that runs as written are on their way to be shown as JSON.
const SHOWN_AT_ONCE: usize = 64;

impl Statement {
    /// Runs it; gives the rows, as JSON, and their number or that of the rows changed.
    async fn run(&self, asked: Asked) -> Result<(Vec<String>, u64, Timings), Fault> {
        let mut timings = Timings::default();
        let taken;
        let lease = match &self.runner {
            Runner::Pool(inner) => {
                (taken, timings.pool_wait) = Lease::take(inner).await?;
                &taken
            }
            Runner::Transaction(open) => open.lease()?,
        };
        let began = Instant::now();
        let work = lease.work();
        let result = self.query(lease, asked).await;
        work.ended();
        timings.query = began.elapsed();
        let exchange = Exchange {
            text: quote(&self.text),
            parameters: self.parameters.len(),
            timings,
            count: result.as_ref().ok().map(|(_, count)| *count),
            rows: result.as_ref().map(|(rows, _)| excerpt(rows)).unwrap_or_default(),
        };
        match result {
            Ok((rows, count)) => {
                execution::remember(Arc::new(exchange));
                Ok((rows, count, timings))
            }
            Err(fault) => Err(fault.input(exchange.to_string())),
        }
    }

    async fn query(&self, lease: &Lease, asked: Asked) -> Result<(Vec<String>, u64), Fault> {
        let inner = self.runner.inner();
        let client = lease.client();
        let failed = |problem: Error| error::failed(&inner.target, &self.text, &self.parameters, &problem);
        // Sent ahead of the statement without waiting for its answer, so it costs no round trip. That the
        // server may refuse it, in a transaction that has failed, is no concern of the statement.
        let trace = async {
            if let Some(trace) = execution::traceparent().filter(|_| inner.trace) {
                let _ = client.batch_execute(&format!("set application_name = '{trace}'")).await;
            }
        };
        let statement = async {
            match asked {
                Asked::Count => {
                    let changed = if inner.prepared {
                        let prepared = client.prepare_cached(&self.text).await.map_err(failed)?;
                        client.execute(&prepared, &self.parameters.as_refs()).await
                    } else {
                        client.execute_typed(&self.text, &self.parameters.typed()).await
                    };
                    Ok((Vec::new(), changed.map_err(failed)?))
                }
                Asked::Rows if written::can_be_wrapped(&self.text) => {
                    // A common table expression rather than a subselect, so that it may also change rows.
                    let text = format!(
                        "with qalipsis_row as ({}\n) select row_to_json(qalipsis_row)::text from qalipsis_row",
                        open_ended(&self.text)
                    );
                    let found = self.found(client, &text).await.map_err(failed)?;
                    let rows = self.collect(found, |row| row.try_get(0)).await?;
                    let count = rows.len() as u64;
                    Ok((rows, count))
                }
                Asked::Rows => {
                    let found = self.found(client, &self.text).await.map_err(failed)?;
                    let rows = self.collect(found, Ok).await?;
                    let rows = show(client, inner.prepared, &rows).await.map_err(failed)?;
                    let count = rows.len() as u64;
                    Ok((rows, count))
                }
            }
        };
        futures::join!(trace, statement).1
    }

    /// Has the server run `text` with the parameters of this statement.
    async fn found(&self, client: &ClientWrapper, text: &str) -> Result<RowStream, Error> {
        if self.runner.inner().prepared {
            let prepared = client.prepare_cached(text).await?;
            client.query_raw(&prepared, self.parameters.as_refs()).await
        } else {
            client.query_typed_raw(text, self.parameters.typed()).await
        }
    }

    async fn collect<T>(
        &self,
        found: RowStream,
        read: impl Fn(Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Fault> {
        let target = &self.runner.inner().target;
        let failed = |problem: Error| error::failed(target, &self.text, &self.parameters, &problem);
        pin_mut!(found);
        let mut rows = Vec::new();
        while let Some(row) = found.next().await {
            let row = row.map_err(failed)?;
            if rows.len() == MOST_ROWS {
                let problem = format!("more than {MOST_ROWS} rows, ask for fewer");
                return Err(error::local(target, &self.text, &problem, "rows"));
            }
            rows.push(read(row).map_err(failed)?);
        }
        Ok(rows)
    }
}

/// Rows of a statement that ran as written, as JSON.
async fn show(client: &ClientWrapper, prepared: bool, rows: &[Row]) -> Result<Vec<String>, Error> {
    let Some(first) = rows.first().filter(|row| !row.is_empty()) else { return Ok(Vec::new()) };
    let text = written::showing(first.columns());
    let statement = match prepared {
        true => Some(client.prepare_cached(&text).await?),
        false => None,
    };
    let mut shown = Vec::with_capacity(rows.len());
    for some in rows.chunks(SHOWN_AT_ONCE) {
        let rows = some.iter().map(|row| show_row(client, &text, statement.as_ref(), row));
        shown.extend(futures::future::try_join_all(rows).await?);
    }
    Ok(shown)
}

async fn show_row(
    client: &ClientWrapper,
    text: &str,
    prepared: Option<&Prepared>,
    row: &Row,
) -> Result<String, Error> {
    let values: Vec<Raw> = (0..row.len()).map(|column| row.try_get(column)).collect::<Result<_, _>>()?;
    let typed = values.iter().zip(row.columns());
    let shown = match prepared {
        Some(statement) => {
            let values: Vec<_> = typed.map(|(value, _)| value as &(dyn ToSql + Sync)).collect();
            client.query_one(statement, &values).await?
        }
        None => {
            let values: Vec<_> =
                typed.map(|(value, column)| (value as &(dyn ToSql + Sync), column.type_().clone())).collect();
            client.query_typed_one(text, &values).await?
        }
    };
    shown.try_get(0)
}

/// What was exchanged, formatted only if somebody has to see it.
struct Exchange {
    text: String,
    parameters: usize,
    timings: Timings,
    count: Option<u64>,
    /// The beginning of the rows that it gave, as JSON.
    rows: String,
}

/// Bytes of rows that are shown.
const EXCERPT: usize = 2048;

/// The first rows, one a line, as far as they are shown.
fn excerpt(rows: &[String]) -> String {
    let mut text = String::new();
    for row in rows {
        if text.len() >= EXCERPT {
            break;
        }
        text.push_str(row);
        text.push('\n');
    }
    text.truncate(text.floor_char_boundary(EXCERPT));
    text
}

impl Exchanged for Exchange {
    fn summary(&self) -> String {
        let statement = self.text.lines().next().unwrap_or_default();
        let time = human(self.timings.query);
        match self.count {
            Some(1) => format!("{statement} → 1 row in {time}"),
            Some(count) => format!("{statement} → {count} rows in {time}"),
            None => format!("{statement} → no answer after {time}"),
        }
    }

    fn details(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nparameters: {} (hidden)", self.text, self.parameters)?;
        write!(f, "\npool wait: {}", human(self.timings.pool_wait))?;
        write!(f, "\nquery: {}", human(self.timings.query))?;
        if let Some(count) = self.count {
            write!(f, "\nrows: {count}")?;
        }
        if self.rows.is_empty() { Ok(()) } else { write!(f, "\n\n{}", self.rows.trim_end()) }
    }
}

/// A statement whose rows are wanted: say as what, by [`rows`](Self::rows), [`row`](Self::row) or
/// [`optional_row`](Self::optional_row).
#[must_use = "say what the rows are: `.rows::<T>()`, `.row::<T>()` or `.optional_row::<T>()`"]
pub struct Search(Statement);

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("statement", &self.0.text).finish_non_exhaustive()
    }
}

impl Search {
    pub(crate) fn new(runner: Runner, text: String, parameters: Parameters) -> Self {
        Self(Statement { runner, text, parameters })
    }

    /// All rows, at most 100,000, each with its columns as the fields of a `T`.
    pub fn rows<T: DeserializeOwned + Send + 'static>(self) -> Fetch<Vec<T>> {
        self.fetch(Ok)
    }

    /// The only row. None or several are an error.
    pub fn row<T: DeserializeOwned + Send + 'static>(self) -> Fetch<T> {
        self.fetch(|mut rows: Vec<T>| match (rows.pop(), rows.len()) {
            (Some(row), 0) => Ok(row),
            (None, _) => Err("expected one row, observed none".to_owned()),
            (Some(_), others) => Err(format!("expected one row, observed {}", others + 1)),
        })
    }

    /// The only row, if there is one. Several are an error.
    pub fn optional_row<T: DeserializeOwned + Send + 'static>(self) -> Fetch<Option<T>> {
        self.fetch(|mut rows: Vec<T>| match (rows.pop(), rows.len()) {
            (row, 0) => Ok(row),
            (_, others) => Err(format!("expected at most one row, observed {}", others + 1)),
        })
    }

    fn fetch<T, R>(self, select: fn(Vec<T>) -> Result<R, String>) -> Fetch<R>
    where
        T: DeserializeOwned + Send + 'static,
        R: Send + 'static,
    {
        let Statement { runner, text, parameters } = self.0;
        let statement = Statement { runner, text, parameters };
        Fetch {
            statement,
            read: Box::new(move |rows| {
                let decoded: Result<Vec<T>, String> = rows
                    .iter()
                    .enumerate()
                    .map(|(index, row)| {
                        serde_json::from_str(row).map_err(|problem| {
                            format!("row {} can't be decoded: {problem}, row {}", index + 1, quote(row))
                        })
                    })
                    .collect();
                match decoded {
                    Ok(rows) => select(rows).map_err(|problem| ("rows", problem)),
                    Err(problem) => Err(("undecodable", problem)),
                }
            }),
        }
    }
}

type Read<R> = Box<dyn FnOnce(Vec<String>) -> Result<R, (&'static str, String)> + Send>;

/// A search, to be awaited as the action of a step. Dropped while it runs, it is cancelled at the server.
#[must_use = "it is run when it is awaited: `minion.step(Order::Stored, search)`"]
pub struct Fetch<R> {
    statement: Statement,
    read: Read<R>,
}

impl<R> fmt::Debug for Fetch<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch").field("statement", &self.statement.text).finish_non_exhaustive()
    }
}

impl<R: Send + 'static> IntoFuture for Fetch<R> {
    type Output = Result<Answer<R>, Fault>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { statement, read } = self;
            let (rows, _, timings) = statement.run(Asked::Rows).await?;
            let target = &statement.runner.inner().target;
            let value = read(rows)
                .map_err(|(code, problem)| error::local(target, &statement.text, &problem, code))?;
            Ok(Answer { value, timings })
        })
    }
}

/// A statement without rows, to be awaited as the action of a step; gives the number of rows it changed.
/// Dropped while it runs, it is cancelled at the server.
#[must_use = "it is run when it is awaited: `minion.step(Order::Cancel, statement)`"]
pub struct Execute(Statement);

impl fmt::Debug for Execute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execute").field("statement", &self.0.text).finish_non_exhaustive()
    }
}

impl Execute {
    pub(crate) fn new(runner: Runner, text: String, parameters: Parameters) -> Self {
        Self(Statement { runner, text, parameters })
    }
}

impl IntoFuture for Execute {
    type Output = Result<Answer<u64>, Fault>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (_, value, timings) = self.0.run(Asked::Count).await?;
            Ok(Answer { value, timings })
        })
    }
}
