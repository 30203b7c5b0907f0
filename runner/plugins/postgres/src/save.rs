//! Inserting values.

use crate::answer::{Answer, Timings};
use crate::name;
use crate::parameter::{Parameters, hide};
use crate::statement::{Execute, Runner};
use futures::future::BoxFuture;
use qalipsis_core::fault::Fault;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// Values to be inserted by one statement, to be awaited as the action of a step; gives the number of
/// rows inserted.
#[must_use = "values are saved when it is awaited: `minion.step(Order::Prepare, db.save(\"orders\", &order))`"]
pub struct Save {
    runner: Runner,
    table: String,
    values: Result<Vec<Value>, String>,
}

impl fmt::Debug for Save {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Save {
    pub(crate) fn new<T: Serialize + ?Sized>(runner: Runner, table: String, values: &T) -> Self {
        let values = match serde_json::to_value(values) {
            Ok(Value::Array(values)) => Ok(values),
            Ok(value) => Ok(vec![value]),
            Err(problem) => Err(format!("the values can't be JSON: {problem}")),
        };
        Self { runner, table, values }
    }

    fn statement(&self) -> Result<Option<(String, String)>, String> {
        let values = self.values.as_ref().map_err(Clone::clone)?;
        if values.is_empty() {
            return Ok(None);
        }
        let mut columns = BTreeSet::new();
        for value in values {
            let Value::Object(fields) = value else {
                return Err("expected values with fields, which are the columns".to_owned());
            };
            columns.extend(fields.keys().map(|field| name::column(field)));
        }
        let columns: Vec<String> = columns.into_iter().collect();
        let (columns, table) = (columns.join(", "), name::table(&self.table));
        let statement = if columns.is_empty() {
            // A row of nothing but defaults for each value.
            if values.len() > 1 {
                return Err("expected values with fields, which are the columns".to_owned());
            }
            format!("insert into {table} select where $1::text is not null")
        } else {
            format!(
                "insert into {table} ({columns}) \
                 select {columns} from json_populate_recordset(null::{table}, $1::text::json)"
            )
        };
        let json = serde_json::to_string(values).map_err(|problem| problem.to_string())?;
        Ok(Some((statement, json)))
    }
}

impl IntoFuture for Save {
    type Output = Result<Answer<u64>, Fault>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            match self.statement() {
                Ok(Some((statement, json))) => {
                    let saved = Execute::new(self.runner, statement, Parameters::one(json)).await;
                    saved.map_err(|mut fault| {
                        for value in self.values.iter().flatten() {
                            fault.message = hide_all(fault.message.clone(), value);
                        }
                        fault
                    })
                }
                Ok(None) => Ok(Answer { value: 0, timings: Timings::default() }),
                Err(problem) => {
                    let message = format!("postgres table {}: {problem}", self.table);
                    Err(Fault::error(message).code("json"))
                }
            }
        })
    }
}

/// `message` without any of the values inside of this one.
fn hide_all(message: String, value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => message,
        Value::Number(number) => hide(&message, &number.to_string()),
        Value::String(text) => hide(&message, text),
        Value::Array(values) => values.iter().fold(message, hide_all),
        Value::Object(fields) => fields.values().fold(message, hide_all),
    }
}
