//! Statements, their parameters and the rows that answer them, the same for every database.

/// A value in the database. Numbers without a sign are kept as numbers of the same 64 bits with one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(value as i64)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        // PostgreSQL has no such character in texts.
        Self::Text(value.replace('\0', "\u{fffd}"))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        value.as_str().into()
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A statement that both databases understand, with its parameters.
///
/// Parameters are written `$1`, `$2`, ... and first appear in this order: SQLite numbers such names as they appear.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(sql: impl Into<String>, parameters: impl IntoIterator<Item = Value>) -> Self {
        Self { sql: sql.into(), parameters: parameters.into_iter().collect() }
    }
}

/// The values of one row, which are taken from its first column on.
#[derive(Debug)]
pub(crate) struct Row(std::vec::IntoIter<Value>);

/// Why a row has not what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a row with {found} where {expected} is expected")]
pub(crate) struct UnexpectedValue {
    pub(crate) expected: &'static str,
    pub(crate) found: String,
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    fn take<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<T, UnexpectedValue> {
        let value = self.0.next().unwrap_or(Value::Null);
        read(value).map_err(|value| {
            let found = match value {
                Value::Null => "nothing".to_owned(),
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => format!("'{text}'"),
                Value::Blob(bytes) => format!("{} bytes", bytes.len()),
            };
            UnexpectedValue { expected, found }
        })
    }

    pub(crate) fn integer(&mut self) -> Result<i64, UnexpectedValue> {
        self.take("a number", |value| match value {
            Value::Integer(number) => Ok(number),
            other => Err(other),
        })
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, UnexpectedValue> {
        self.integer().map(|number| number as u64)
    }

    pub(crate) fn optional(&mut self) -> Result<Option<u64>, UnexpectedValue> {
        self.take("a number or nothing", |value| match value {
            Value::Integer(number) => Ok(Some(number as u64)),
            Value::Null => Ok(None),
            other => Err(other),
        })
    }

    pub(crate) fn text(&mut self) -> Result<String, UnexpectedValue> {
        self.take("a text", |value| match value {
            Value::Text(text) => Ok(text),
            other => Err(other),
        })
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, UnexpectedValue> {
        self.take("a text or nothing", |value| match value {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            other => Err(other),
        })
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, UnexpectedValue> {
        self.take("bytes", |value| match value {
            Value::Blob(bytes) => Ok(bytes),
            other => Err(other),
        })
    }
}
