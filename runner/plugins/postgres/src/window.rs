//! The statements of a poll.
//!
//! A scan reads everything from its bound on, in pages, in one snapshot. What is not visible in it was
//! committed after it began, by a transaction that had begun less than the overlap before (that is what
//! the overlap promises), so its key is above the next bound, or was given out after the values that had
//! been read that long ago.

use crate::name;
use crate::text::open_ended;
use std::time::Duration;
use tokio_postgres::types::Type;

/// From where on a scan reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bound {
    /// From the first row on.
    Everything,
    /// From the overlap before this value of the first column, and before this time of the server.
    Since { key: String, now: String },
    /// What comes after this key.
    After(Vec<String>),
}

/// A key column.
struct Column {
    /// How statements refer to it.
    reference: String,
    /// Its type, as statements name it.
    cast: String,
    /// Whether it can hold what no later value is above: infinity, or what is not a number.
    has_top: bool,
}

/// Types with a value that no later one is above.
const TOPPED: [Type; 6] =
    [Type::TIMESTAMPTZ, Type::TIMESTAMP, Type::DATE, Type::NUMERIC, Type::FLOAT8, Type::FLOAT4];

/// Whether the overlap is subtracted from the first column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// It is, at most from the server's clock: a value in the future must not hide what comes before it.
    WithZone,
    /// It is; the server's clock can't be compared with it.
    WithoutZone,
    /// It is no time.
    None,
}

/// What is read, as SQL.
pub(crate) struct Window {
    from: String,
    columns: Vec<Column>,
    clock: Clock,
    overlap: Duration,
    page: usize,
}

/// A statement whose parameters are all text.
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<String>,
}

/// The author's statement as something to select from.
fn from(statement: &str) -> String {
    format!("from ({}\n) as qalipsis_row", open_ended(statement))
}

fn reference(column: &str) -> String {
    format!("qalipsis_row.{}", name::column(column))
}

/// A statement whose result has the key columns only, to learn their types from.
pub(crate) fn describing(statement: &str, keys: &[String]) -> String {
    let columns: Vec<String> = keys.iter().map(|key| reference(key)).collect();
    format!("select {} {}", columns.join(", "), from(statement))
}

impl Window {
    pub(crate) fn new(
        statement: &str,
        keys: &[String],
        types: &[Type],
        overlap: Duration,
        page: usize,
    ) -> Self {
        let columns = keys.iter().zip(types).map(|(key, sql_type)| Column {
            reference: reference(key),
            cast: format!("{}.{}", name::column(sql_type.schema()), name::column(sql_type.name())),
            has_top: TOPPED.contains(sql_type),
        });
        let clock = match types.first() {
            Some(&Type::TIMESTAMPTZ) => Clock::WithZone,
            Some(&Type::TIMESTAMP) => Clock::WithoutZone,
            _ => Clock::None,
        };
        Self { from: from(statement), columns: columns.collect(), clock, overlap, page }
    }

    /// Whether the first column is a time.
    pub(crate) fn is_time(&self) -> bool {
        self.clock != Clock::None
    }

    pub(crate) fn page(&self) -> usize {
        self.page
    }

    /// The greatest key: whether it is above `high`, the server's time, then the key's columns.
    pub(crate) fn newest(&self, high: Option<&[String]>) -> Query {
        let mut parameters = Vec::new();
        let ahead = self.ahead(high, &mut parameters);
        let order: Vec<String> =
            self.columns.iter().map(|column| format!("{} desc", column.reference)).collect();
        let sql = format!(
            "select {ahead}, now()::text, {} {} where {} and {} order by {} limit 1",
            self.texts(),
            self.from,
            self.complete(),
            self.below_top(),
            order.join(", ")
        );
        Query { sql, parameters }
    }

    /// The rows after `bound`, one page of them: whether the key is above `high`, whether it is within
    /// `kept`, the row as JSON, then the key's columns.
    pub(crate) fn rows(&self, bound: &Bound, high: Option<&[String]>, kept: &Bound) -> Query {
        let mut parameters = Vec::new();
        let ahead = self.ahead(high, &mut parameters);
        let kept = self.within(kept, &mut parameters);
        let within = self.within(bound, &mut parameters);
        let order: Vec<&str> = self.columns.iter().map(|column| column.reference.as_str()).collect();
        let sql = format!(
            "select {ahead}, {kept}, row_to_json(qalipsis_row)::text, {} {} where {} and {within} \
             order by {} limit {}",
            self.texts(),
            self.from,
            self.complete(),
            order.join(", "),
            self.page
        );
        Query { sql, parameters }
    }

    fn texts(&self) -> String {
        let texts: Vec<String> =
            self.columns.iter().map(|column| format!("{}::text", column.reference)).collect();
        texts.join(", ")
    }

    fn complete(&self) -> String {
        let conditions: Vec<String> =
            self.columns.iter().map(|column| format!("{} is not null", column.reference)).collect();
        conditions.join(" and ")
    }

    /// A key that is above all later ones is never the greatest that was read: a row at `infinity` would hide
    /// all that come after it. Such rows are read again by each scan and known.
    fn below_top(&self) -> String {
        let conditions: Vec<String> = self
            .columns
            .iter()
            .filter(|column| column.has_top)
            .map(|column| format!("{}::text not in ('infinity', 'Infinity', 'NaN')", column.reference))
            .collect();
        if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") }
    }

    fn ahead(&self, high: Option<&[String]>, parameters: &mut Vec<String>) -> String {
        match high {
            Some(high) => format!("({} and {})", self.below_top(), self.above(high, parameters)),
            None => format!("({})", self.below_top()),
        }
    }

    /// Rows that no scan can read, because their key has no place in the order of all later ones: their number
    /// and one of them.
    pub(crate) fn unreadable(&self) -> String {
        let mut conditions: Vec<String> =
            self.columns.iter().map(|column| format!("{} is null", column.reference)).collect();
        if let Some(first) = self.columns.first().filter(|column| column.has_top) {
            conditions.push(format!("{}::text in ('-infinity', '-Infinity')", first.reference));
        }
        format!(
            "select count(*), min(row_to_json(qalipsis_row)::text) {} where {}",
            self.from,
            conditions.join(" or ")
        )
    }

    fn above(&self, key: &[String], parameters: &mut Vec<String>) -> String {
        let references: Vec<&str> = self.columns.iter().map(|column| column.reference.as_str()).collect();
        let values: Vec<String> =
            self.columns.iter().zip(key).map(|(column, value)| cast(column, value, parameters)).collect();
        format!("({}) > ({})", references.join(", "), values.join(", "))
    }

    fn within(&self, bound: &Bound, parameters: &mut Vec<String>) -> String {
        match bound {
            Bound::Everything => "true".to_owned(),
            Bound::After(key) => self.above(key, parameters),
            Bound::Since { key, now } => {
                let column = &self.columns[0];
                let mut start = cast(column, key, parameters);
                if self.clock == Clock::WithZone {
                    start = format!("least({start}, {})", cast(column, now, parameters));
                }
                let overlap = self.overlap.as_micros();
                format!("{} >= {start} - interval '{overlap} microseconds'", column.reference)
            }
        }
    }
}

/// A value of the column's type, sent as text.
fn cast(column: &Column, value: &str, parameters: &mut Vec<String>) -> String {
    parameters.push(value.to_owned());
    format!("cast(${}::text as {})", parameters.len(), column.cast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_go_around_that_of_the_author() {
        let keys = ["updated_at".to_owned(), "id".to_owned()];
        let types = [Type::TIMESTAMPTZ, Type::INT8];
        let window = Window::new("select * from orders;", &keys, &types, Duration::from_secs(2), 10);
        let bound = Bound::Since { key: "k".into(), now: "n".into() };
        let high = ["h".to_owned(), "7".to_owned()];
        let query = window.rows(&bound, Some(&high), &Bound::Everything);
        assert_eq!(query.parameters, ["h", "7", "k", "n"]);
        assert_eq!(
            query.sql,
            "select (qalipsis_row.\"updated_at\"::text not in ('infinity', 'Infinity', 'NaN') and \
             (qalipsis_row.\"updated_at\", qalipsis_row.\"id\") > \
             (cast($1::text as \"pg_catalog\".\"timestamptz\"), cast($2::text as \"pg_catalog\".\"int8\"))), true, \
             row_to_json(qalipsis_row)::text, qalipsis_row.\"updated_at\"::text, qalipsis_row.\"id\"::text \
             from (select * from orders\n) as qalipsis_row \
             where qalipsis_row.\"updated_at\" is not null and qalipsis_row.\"id\" is not null \
             and qalipsis_row.\"updated_at\" >= least(cast($3::text as \"pg_catalog\".\"timestamptz\"), \
             cast($4::text as \"pg_catalog\".\"timestamptz\")) - interval '2000000 microseconds' \
             order by qalipsis_row.\"updated_at\", qalipsis_row.\"id\" limit 10"
        );
    }
}
