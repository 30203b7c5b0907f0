//! A number that a statement computes, watched during a campaign.

use crate::client::Postgres;
use crate::connection::Own;
use crate::error;
use crate::parameter::Parameters;
use crate::text::{open_ended, quote};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::probe::{Probe, Reading};
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio_postgres::SimpleQueryMessage;

/// A probe: `setup.watch("outbox", db.count("select count(*) from outbox"))`.
#[must_use = "a probe is read once it is watched: `setup.watch(name, probe)`"]
pub struct Count {
    postgres: Postgres,
    statement: String,
    period: Duration,
    unit: &'static str,
    connection: Option<Own>,
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Count")
            .field("postgres", &self.postgres)
            .field("statement", &self.statement)
            .finish_non_exhaustive()
    }
}

impl Count {
    pub(crate) fn new(postgres: &Postgres, statement: String) -> Self {
        Self {
            postgres: postgres.clone(),
            statement,
            period: Duration::from_secs(1),
            unit: "",
            connection: None,
        }
    }

    /// How often it is read. Default: every second.
    pub fn every(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// The unit of its value: `records`, `s`. Default: none.
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    fn fault(&self, problem: &str) -> Fault {
        error::local(&self.postgres.0.target, &self.statement, problem, "count")
    }

    async fn query(&mut self) -> Result<Reading, Fault> {
        let inner = &self.postgres.0;
        // Kept only if all went well: what is left of a reading that failed ends with its connection.
        let connection = match self.connection.take() {
            Some(connection) if !connection.client().is_closed() => connection,
            Some(_) | None => Own::open(&inner.connector, &inner.target).await?,
        };
        connection.busy.store(true, Relaxed);
        // One message, in a transaction that can't change anything.
        let sent = format!("begin read only; {}\n; commit", open_ended(&self.statement));
        let messages = connection.client().simple_query(&sent).await.map_err(|problem| {
            error::failed(&inner.target, &self.statement, &Parameters::new(&[]), &problem)
        })?;
        connection.busy.store(false, Relaxed);
        let reading = self.reading(&messages)?;
        self.connection = Some(connection);
        Ok(reading)
    }

    fn reading(&self, messages: &[SimpleQueryMessage]) -> Result<Reading, Fault> {
        let mut reading = Reading::default();
        let mut rows = 0;
        for message in messages {
            let SimpleQueryMessage::Row(row) = message else { continue };
            rows += 1;
            let number = |column: usize| {
                // No value at all, such as the age of the oldest row of none, is nothing.
                let text = row.get(column).unwrap_or("0");
                text.parse::<f64>()
                    .map_err(|_| self.fault(&format!("expected a number, observed '{}'", quote(text))))
            };
            match row.columns().len() {
                1 => reading.total += number(0)?,
                2 => {
                    let value = number(1)?;
                    reading.total += value;
                    reading.parts.push((row.get(0).unwrap_or("null").to_owned(), value));
                }
                columns => {
                    return Err(self.fault(&format!("expected one column, or two, observed {columns}")));
                }
            }
        }
        if rows > 1 && reading.parts.is_empty() {
            return Err(self.fault(&format!("expected one row of one column, observed {rows}")));
        }
        Ok(reading)
    }
}

impl Probe for Count {
    fn name(&self) -> String {
        format!("{} at {}", quote(&self.statement), self.postgres.0.target)
    }

    fn period(&self) -> Duration {
        self.period
    }

    fn unit(&self) -> &'static str {
        self.unit
    }

    async fn read(&mut self) -> Result<Reading, Fault> {
        let limit = self.period;
        match tokio::time::timeout(limit, self.query()).await {
            Ok(read) => read,
            Err(_) => {
                let mut fault = self.fault(&format!("no answer within {}", human(limit)));
                fault.kind = qalipsis_core::model::evidence::FailureKind::Timeout;
                Err(fault)
            }
        }
    }
}
