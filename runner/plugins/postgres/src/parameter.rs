//! Values that go with a statement.

use std::fmt;
use tokio_postgres::types::ToSql;

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
}

impl<T: ToSql + Clone + Send + Sync + 'static> Parameter for T {
    fn owned(&self) -> Box<dyn ToSql + Send + Sync> {
        Box::new(self.clone())
    }
}

/// The parameters of one statement. They never show.
pub(crate) struct Parameters(Vec<Box<dyn ToSql + Send + Sync>>);

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (hidden)", self.0.len())
    }
}

impl Parameters {
    pub(crate) fn new(parameters: &[&dyn Parameter]) -> Self {
        Self(parameters.iter().map(|parameter| parameter.owned()).collect())
    }

    pub(crate) fn one(parameter: impl ToSql + Send + Sync + 'static) -> Self {
        Self(vec![Box::new(parameter)])
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn as_refs(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync)).collect()
    }

    /// `message` without the values that the server quotes in it.
    pub(crate) fn redact(&self, message: &str) -> String {
        self.0.iter().fold(message.to_owned(), |message, parameter| {
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
    /// As short as a value can be to be told from what happens to be the same.
    const TELLING: usize = 6;
    if value.is_empty() {
        return message.to_owned();
    }
    let message = message.replace(&format!("\"{value}\""), "\"***\"");
    if value.len() < TELLING { message } else { message.replace(value, "***") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_show() {
        let parameters = Parameters::new(&[&"hunter2", &Some("swordfish".to_owned()), &7_i64]);
        assert_eq!(format!("{parameters:?}"), "3 (hidden)");
        assert_eq!(
            parameters.redact("invalid input \"hunter2\", \"swordfish\" and \"7\" for type \"int8\""),
            "invalid input \"***\", \"***\" and \"***\" for type \"int8\""
        );
    }
}
