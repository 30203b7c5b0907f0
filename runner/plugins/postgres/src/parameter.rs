//! Values that go with a statement.

use std::fmt;
use tokio_postgres::types::{ToSql, Type};

/// Types that a parameter may have, the likeliest first, for statements that are not prepared: nobody says then
/// which type the server wants. The server chooses the type of a text itself.
const TYPES: [Type; 40] = [
    Type::UNKNOWN,
    Type::INT8,
    Type::INT4,
    Type::INT2,
    Type::CHAR,
    Type::OID,
    Type::BOOL,
    Type::FLOAT8,
    Type::FLOAT4,
    Type::UUID,
    Type::JSONB,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMP,
    Type::DATE,
    Type::TIME,
    Type::BYTEA,
    Type::INET,
    Type::MACADDR,
    Type::POINT,
    Type::BOX,
    Type::PATH,
    Type::BIT,
    Type::VARBIT,
    Type::NUMERIC,
    Type::INTERVAL,
    Type::TEXT_ARRAY,
    Type::INT8_ARRAY,
    Type::INT4_ARRAY,
    Type::INT2_ARRAY,
    Type::OID_ARRAY,
    Type::BOOL_ARRAY,
    Type::FLOAT8_ARRAY,
    Type::FLOAT4_ARRAY,
    Type::UUID_ARRAY,
    Type::JSONB_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    Type::TIMESTAMP_ARRAY,
    Type::DATE_ARRAY,
    Type::BYTEA_ARRAY,
    Type::INET_ARRAY,
];

/// A value for one of the places `$1`, `$2`, ... of a statement: whatever `tokio-postgres` can send, such
/// as `i32`, `i64`, `String`, `Uuid`, `serde_json::Value`, `Vec` and `Option` of those.
///
/// It is cloned, so that the action can outlive it. Its Rust type has to fit the type of the place, for
/// example `i64` for `bigint`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parameter of a statement",
    note = "it has to implement `tokio_postgres::types::ToSql` and `Clone`, and must not borrow; for a \
            borrowed `&str` use `.to_owned()`"
)]
pub trait Parameter: Send + Sync {
    /// The value as the action keeps it.
    fn owned(&self) -> Box<dyn ToSql + Send + Sync>;

    /// Its type where the statement is not prepared; for a text the one that the server finds to fit.
    fn sql_type(&self) -> Type;
}

impl<T: ToSql + Clone + Send + Sync + 'static> Parameter for T {
    fn owned(&self) -> Box<dyn ToSql + Send + Sync> {
        Box::new(self.clone())
    }

    fn sql_type(&self) -> Type {
        TYPES.into_iter().find(T::accepts).unwrap_or(Type::UNKNOWN)
    }
}

/// The parameters of one statement. They never show.
pub(crate) struct Parameters(Vec<(Box<dyn ToSql + Send + Sync>, Type)>);

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (hidden)", self.0.len())
    }
}

impl Parameters {
    pub(crate) fn new(parameters: &[&dyn Parameter]) -> Self {
        Self(parameters.iter().map(|parameter| (parameter.owned(), parameter.sql_type())).collect())
    }

    pub(crate) fn one(parameter: impl Parameter) -> Self {
        Self(vec![(parameter.owned(), parameter.sql_type())])
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn as_refs(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0.iter().map(|(parameter, _)| &**parameter as &(dyn ToSql + Sync)).collect()
    }

    /// With the types that are sent along where the statement is not prepared.
    pub(crate) fn typed(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.0
            .iter()
            .map(|(parameter, sql_type)| (&**parameter as &(dyn ToSql + Sync), sql_type.clone()))
            .collect()
    }

    /// `message` without the values that the server quotes in it.
    pub(crate) fn redact(&self, message: &str) -> String {
        self.0.iter().fold(message.to_owned(), |message, (parameter, _)| {
            // The value as Rust shows it is near enough to how PostgreSQL does: text, numbers, identifiers.
            let shown = format!("{parameter:?}");
            let shown = shown.strip_prefix("Some(").and_then(|s| s.strip_suffix(')')).unwrap_or(&shown);
            hide(&message, shown.trim_matches('"'))
        })
    }
}

/// `message` without this value: wherever the server quotes it and, unless it is so short that it may be
/// anything, where it does not.
pub(crate) fn hide(message: &str, value: &str) -> String {
    /// From this length on, a text that equals the value is taken for the value and not for a coincidence.
    const DISTINCTIVE: usize = 6;
    if value.is_empty() {
        return message.to_owned();
    }
    let message = message.replace(&format!("\"{value}\""), "\"***\"");
    if value.len() < DISTINCTIVE { message } else { message.replace(value, "***") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_show() {
        let parameters = Parameters::new(&[&"hunter2", &Some("swordfish".to_owned()), &7_i64]);
        assert_eq!(format!("{parameters:?}"), "3 (hidden)");
        let types: Vec<Type> = parameters.typed().into_iter().map(|(_, sql_type)| sql_type).collect();
        assert_eq!(types, [Type::UNKNOWN, Type::UNKNOWN, Type::INT8]);
        assert_eq!(
            parameters.redact("invalid input \"hunter2\", \"swordfish\" and \"7\" for type \"int8\""),
            "invalid input \"***\", \"***\" and \"***\" for type \"int8\""
        );
    }
}
