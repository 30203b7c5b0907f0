//! Texts for people.

use crate::evidence::HIDDEN;
pub(crate) use qalipsis_core::text::quote;
use qalipsis_core::text::{lowercase_first, names_secret, without_number};
use redis::{RedisError, ServerErrorKind, Value};

/// Values of an array or a map that a message shows.
const SHOWN: usize = 50;

/// An answer in one line, without the values of fields that hold secrets: they follow the name of the field, in a map as
/// in the flat lists of a hash and of an entry of a stream.
pub(crate) fn show(value: &Value) -> String {
    let list = |values: &[Value]| {
        let mut previous = None;
        let shown = values.iter().take(SHOWN).map(|value| {
            let is_secret = previous.replace(value).is_some_and(is_secret);
            if is_secret { HIDDEN.to_owned() } else { show(value) }
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::Nil => "nothing".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::BulkString(bytes) => quote(bytes),
        Value::SimpleString(text) => quote(text.as_bytes()),
        Value::Okay => "OK".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Array(values) | Value::Set(values) => format!("[{}]", list(values)),
        Value::Map(pairs) => {
            let pairs = pairs.iter().take(SHOWN).map(|(key, value)| {
                let key = show(key);
                let value = if names_secret(&key) { HIDDEN.to_owned() } else { show(value) };
                format!("{key}: {value}")
            });
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => quote(format!("{other:?}").as_bytes()),
    }
}

fn is_secret(name: &Value) -> bool {
    matches!(name, Value::BulkString(name) if names_secret(&String::from_utf8_lossy(name)))
}

/// An error in one line, without the words that only developers of the client need.
pub(crate) fn cause(error: &RedisError) -> String {
    if let Some(code) = error.code() {
        let detail = error.detail().unwrap_or_default();
        return match code {
            // The general one says nothing that its detail does not.
            "ERR" => quote(detail.as_bytes()),
            _ => quote(format!("{code} {detail}").trim().as_bytes()),
        };
    }
    if error.is_timeout() {
        return "no answer".to_owned();
    }
    let text = error.to_string();
    match without_number(&text) {
        // What the client calls a connection that the server closed.
        "broken pipe" | "Broken pipe" => "the connection was closed".to_owned(),
        text => lowercase_first(&quote(text.as_bytes())),
    }
}

/// The word to group an error by: `wrongtype`, `connection-lost`.
pub(crate) fn code(error: &RedisError) -> String {
    match error.code() {
        Some("WRONGPASS" | "NOAUTH") => "login".to_owned(),
        Some("ERR") => "refused".to_owned(),
        Some(code) => code.to_lowercase(),
        None if error.is_timeout() => "timeout".to_owned(),
        None if error.is_io_error() => "connection-lost".to_owned(),
        None => "client".to_owned(),
    }
}

/// Whether the server may do better in a while: it is gone, starting, or handing over to another.
pub(crate) fn is_outage(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_cluster_error()
        || matches!(error.code(), Some("LOADING" | "READONLY" | "MASTERDOWN" | "UNBLOCKED"))
        || error.kind() == redis::ErrorKind::ClusterConnectionNotFound
        || error.kind() == ServerErrorKind::TryAgain.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn errors_read_as_plain_fragments() {
        let closed = RedisError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(
            (cause(&closed).as_str(), code(&closed).as_str()),
            ("the connection was closed", "connection-lost")
        );
        let refused = RedisError::from(io::Error::from_raw_os_error(111));
        assert_eq!(cause(&refused), "connection refused");
        let typed = redis::make_extension_error("WRONGTYPE".into(), Some("Operation against".into()));
        assert_eq!(
            (cause(&typed).as_str(), code(&typed).as_str()),
            ("WRONGTYPE Operation against", "wrongtype")
        );
        assert!(is_outage(&closed) && !is_outage(&typed));
    }

    #[test]
    fn answers_are_shown_in_one_line() {
        let text = |text: &str| Value::BulkString(text.into());
        assert_eq!(show(&Value::Array(vec![text("a\nb"), Value::Int(1), Value::Nil])), "[a\\nb, 1, nothing]");
        let fields = vec![(text("k"), text("v")), (text("api-key"), text("hunter2"))];
        assert_eq!(show(&Value::Map(fields)), "{k: v, api-key: ***}");
        let entry = vec![text("k"), text("v"), text("api-key"), text("hunter2"), text("n"), text("7")];
        let entry = Value::Array(vec![text("1-0"), Value::Array(entry)]);
        assert_eq!(show(&entry), "[1-0, [k, v, api-key, ***, n, 7]]");
        assert!(quote("é".repeat(100_000).as_bytes()).ends_with("… (200000 bytes)"));
    }
}
