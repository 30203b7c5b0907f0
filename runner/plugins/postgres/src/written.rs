//! Statements that run as they are written, whose rows the server is asked to show as JSON afterwards.
//!
//! Most statements are put into a common table expression that gives JSON at once. `show`, `explain`, `call`,
//! and a `with` that changes rows cannot stand there. Their values come in PostgreSQL's binary format; the
//! same bytes go back with a second statement, so that rows look the same whichever way they came.

use crate::name;
use bytes::BytesMut;
use std::error::Error;
use tokio_postgres::Column;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// Statements that can stand in a common table expression, if nothing in them is against it.
const FIRST_WORDS: [&str; 6] = ["select", "values", "table", "insert", "update", "delete"];

/// Words that may mean that a statement cannot stand there. One of them in a text or a name does no harm:
/// the statement then runs as written.
const DOUBTS: [&str; 5] = ["insert", "update", "delete", "merge", "into"];

/// Whether a statement can be put into a common table expression.
pub(crate) fn can_be_wrapped(statement: &str) -> bool {
    let mut words = words(statement);
    let Some(first) = words.next() else { return false };
    let rest: Vec<String> = words.collect();
    let has = |word: &str| rest.iter().any(|other| other == word);
    match first.as_str() {
        "insert" | "update" | "delete" => has("returning") && !has("with"),
        // `for update` is a lock.
        "select" | "with" => !DOUBTS.iter().any(|word| has(word)) || only_locks(&rest),
        word => FIRST_WORDS.contains(&word),
    }
}

/// Whether the only doubtful word is the `update` of a trailing `for update`.
fn only_locks(words: &[String]) -> bool {
    words.iter().enumerate().all(|(index, word)| {
        !DOUBTS.contains(&word.as_str())
            || (word == "update" && index > 0 && ["for", "key"].contains(&words[index - 1].as_str()))
    })
}

/// The words of a statement in lower case, without its comments.
fn words(statement: &str) -> impl Iterator<Item = String> {
    let mut text = String::with_capacity(statement.len());
    let mut rest = statement;
    while let Some(at) = rest.find(['-', '/']) {
        let (before, comment) = rest.split_at(at);
        text.push_str(before);
        rest = if comment.starts_with("--") {
            text.push(' ');
            comment.find('\n').map_or("", |end| &comment[end..])
        } else if comment.starts_with("/*") {
            text.push(' ');
            comment.find("*/").map_or("", |end| &comment[end + 2..])
        } else {
            text.push_str(&comment[..1]);
            &comment[1..]
        };
    }
    text.push_str(rest);
    let words: Vec<String> = text
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.into_iter()
}

/// A value as the server sent it, to be sent back.
#[derive(Debug)]
pub(crate) struct Raw(Option<Vec<u8>>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Raw {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Ok(match &self.0 {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A statement that shows a row of these columns as JSON.
pub(crate) fn showing(columns: &[Column]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let sql_type = column.type_();
            let (schema, kind) = (name::column(sql_type.schema()), name::column(sql_type.name()));
            format!("cast(${} as {schema}.{kind}) as {}", index + 1, name::column(column.name()))
        })
        .collect();
    format!("select row_to_json(qalipsis_row)::text from (select {}) as qalipsis_row", columns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_cannot_stand_in_another_are_found() {
        for wrapped in [
            "select * from orders where id = $1",
            " (select 1) union (select 2)",
            "SELECT * FROM orders FOR UPDATE",
            "select * from orders for no key update skip locked",
            "values (1), (2)",
            "table orders",
            "insert into orders values (1) returning id",
            "-- all of them\nselect 1 /* insert */",
            "with recursive n as (select 1) select * from n",
        ] {
            assert!(can_be_wrapped(wrapped), "{wrapped}");
        }
        for written in [
            "with d as (delete from orders returning id) select * from d",
            "explain select 1",
            "show server_version",
            "call settle(1)",
            "execute plan(1)",
            "fetch 10 from c",
            "select 1 as a into copy",
            "insert into orders values (1)",
            "insert into orders with d as (select 1) select * from d returning id",
            "merge into orders using more on true when matched then do nothing",
            "",
        ] {
            assert!(!can_be_wrapped(written), "{written}");
        }
    }
}
