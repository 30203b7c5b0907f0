//! The rows of a statement as data that is dealt to minions.

use crate::client::Postgres;
use crate::connection::Own;
use crate::error;
use crate::parameter::{Parameter, Parameters};
use crate::text::{open_ended, quote};
use futures::StreamExt;
use qalipsis_core::data::Records;
use qalipsis_core::fault::Fault;
use qalipsis_core::setup::SetupError;
use serde::de::DeserializeOwned;
use std::sync::atomic::Ordering::Relaxed;
use tokio_postgres::Error;

impl Postgres {
    /// The rows of a `select`, to be dealt to minions: `db.records::<Account>("select * from accounts order by id", &[])`.
    /// For `World::open`.
    ///
    /// They are read once, before the load, over a connection of their own and as they come, into a file for the time of the
    /// campaign: see [`Records::from_stream`]. So there may be more of them than the memory holds.
    ///
    /// The statement has to say `order by` something that is unique, because every factory reads the rows for
    /// itself, and a replay reads them again: what a minion gets depends on their order, and on nobody changing
    /// them in between.
    ///
    /// # Errors
    /// No connection; a statement that fails, changes something or has no order; no row; a row that is no `T`.
    pub async fn records<T>(
        &self,
        statement: impl Into<String>,
        parameters: &[&dyn Parameter],
    ) -> Result<Records<T>, SetupError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let (statement, parameters) = (statement.into(), Parameters::new(parameters));
        let target = &self.0.target;
        if !is_ordered(&statement) {
            let problem = "there is no 'order by', which makes all factories and replays read the same";
            return Err(error::local(target, &statement, problem, "rows").into());
        }
        let connection = Own::open(&self.0.connector, target).await?;
        let client = connection.client();
        let failed = |problem: Error| error::failed(target, &statement, &parameters, &problem);
        client.batch_execute("begin read only").await.map_err(failed)?;
        let asked = format!(
            "with qalipsis_row as ({}\n) select row_to_json(qalipsis_row)::text from qalipsis_row",
            open_ended(&statement)
        );
        let prepared = client.prepare(&asked).await.map_err(failed)?;
        let rows = client.query_raw(&prepared, parameters.as_refs()).await.map_err(failed)?;
        let texts = rows.map(|row| {
            let text = row.and_then(|row| row.try_get::<_, String>(0));
            text.map_err(|problem| Fault::error(error::cause(target, &parameters, &problem)))
        });
        let records = Records::from_json(format!("rows of {} at {target}", quote(&statement)), texts).await?;
        connection.busy.store(false, Relaxed);
        Ok(records)
    }
}

/// Whether the statement says so somewhere: that it forgets to is caught, what it orders by is not looked at.
fn is_ordered(statement: &str) -> bool {
    let words: Vec<String> = statement.split_whitespace().map(str::to_lowercase).collect();
    words.windows(2).any(|two| matches!(two, [first, second] if first.ends_with("order") && second == "by"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_found() {
        assert!(is_ordered("select * from accounts\nORDER\n  BY id"));
        assert!(is_ordered("select * from (select 1)order by 1"));
        assert!(!is_ordered("select orders from by_day"));
    }
}
