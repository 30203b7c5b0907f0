//! Reads for checks.

use crate::call::{Call, Command};
use crate::client::Redis;
use crate::entry::{Entry, entries, pairs};
use bytes::Bytes;
use qalipsis_core::text::names_secret;
use redis::Value;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeBounds};
use std::time::Duration;

/// How long a key lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// There is no such key.
    Missing,
    /// It does not expire.
    Never,
    /// It expires after this time, with millisecond resolution.
    After(Duration),
}

impl Redis {
    /// The value of a key as text; `None` without such a key.
    pub fn get(&self, key: impl Into<String>) -> Call<Option<String>> {
        Call::new(self, Command::about("GET", key), |value| optional(value, utf8))
    }

    /// The fields of a hash, as text; none without such a key.
    pub fn hash(&self, key: impl Into<String>) -> Call<BTreeMap<String, String>> {
        Call::new(self, Command::about("HGETALL", key), |value| {
            let pairs = pairs(value).ok_or("not a hash")?;
            pairs.into_iter().map(|(name, value)| Ok((utf8(name)?, utf8(value)?))).collect()
        })
    }

    /// One field of a hash, as text; `None` without such a key or field.
    pub fn hash_field(&self, key: impl Into<String>, field: impl Into<String>) -> Call<Option<String>> {
        let (key, field) = (key.into(), field.into());
        let mut command = Command::about("HGET", key).arg(&field);
        command.shown = format!("{} {}", command.shown, crate::text::quote(field.as_bytes()));
        command.answers_secret = names_secret(&field);
        Call::new(self, command, |value| optional(value, utf8))
    }

    /// The members of a set, as text; none without such a key.
    pub fn set_members(&self, key: impl Into<String>) -> Call<BTreeSet<String>> {
        Call::new(self, Command::about("SMEMBERS", key), |value| sequence(value)?.iter().map(utf8).collect())
    }

    /// Values of a list by position, as text: `0..10` are the first ten, `-3..` the last three, `..` all.
    pub fn list(&self, key: impl Into<String>, positions: impl RangeBounds<i64>) -> Call<Vec<String>> {
        let (first, last) = positions_of(&positions);
        let command = Command::about("LRANGE", key).arg(first).arg(last);
        Call::new(self, command, |value| sequence(value)?.iter().map(utf8).collect())
    }

    /// The entries of a stream between two ids, both included: `-` is the first, `+` the last, and
    /// `(1526919030474-55` leaves that one out. All of them, unless [`count`](Call::count) limits it.
    pub fn stream_range(
        &self,
        stream: impl Into<String>,
        first: impl Into<String>,
        last: impl Into<String>,
    ) -> Call<Vec<Entry>> {
        let command = Command::about("XRANGE", stream).arg(first.into()).arg(last.into());
        Call::new(self, command, |value| {
            Ok(entries(value)?.into_iter().filter_map(|(_, entry)| entry).collect())
        })
    }

    /// Whether there is such a key.
    pub fn exists(&self, key: impl Into<String>) -> Call<bool> {
        Call::new(self, Command::about("EXISTS", key), |value| Ok(integer(value)? > 0))
    }

    /// How long a key still lives.
    pub fn ttl(&self, key: impl Into<String>) -> Call<Expiry> {
        Call::new(self, Command::about("PTTL", key), |value| {
            Ok(match integer(value)? {
                -2 => Expiry::Missing,
                -1 => Expiry::Never,
                millis => Expiry::After(Duration::from_millis(u64::try_from(millis).unwrap_or_default())),
            })
        })
    }
}

impl Call<Option<String>> {
    /// The value is JSON. What can't be decoded fails the step with the beginning of the value.
    pub fn json<V: DeserializeOwned>(self) -> Call<Option<V>> {
        Call::new(&self.redis, self.command, |value| {
            optional(value, |value| serde_json::from_slice(string(value)?).map_err(|error| error.to_string()))
        })
    }

    /// The value is bytes.
    pub fn bytes(self) -> Call<Option<Bytes>> {
        Call::new(&self.redis, self.command, |value| {
            optional(value, |value| Ok(Bytes::copy_from_slice(string(value)?)))
        })
    }
}

impl Call<Vec<Entry>> {
    /// At most so many. Default: all.
    pub fn count(mut self, most: u64) -> Self {
        self.command = self.command.arg("COUNT").arg(most);
        self
    }
}

fn optional<T>(value: &Value, decode: impl FnOnce(&Value) -> Result<T, String>) -> Result<Option<T>, String> {
    match value {
        Value::Nil => Ok(None),
        value => decode(value).map(Some),
    }
}

fn string(value: &Value) -> Result<&[u8], String> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.as_bytes()),
        _ => Err("not a string".to_owned()),
    }
}

fn utf8(value: &Value) -> Result<String, String> {
    std::str::from_utf8(string(value)?).map(str::to_owned).map_err(|error| error.to_string())
}

fn sequence(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::Array(values) | Value::Set(values) => Ok(values),
        _ => Err("not a list".to_owned()),
    }
}

pub(crate) fn integer(value: &Value) -> Result<i64, String> {
    match value {
        Value::Int(number) => Ok(*number),
        Value::Boolean(truth) => Ok(i64::from(*truth)),
        _ => Err("not a number".to_owned()),
    }
}

/// First and last position of a range, both included, as Redis wants them.
fn positions_of(range: &impl RangeBounds<i64>) -> (i64, i64) {
    // Redis has no range for nothing but one whose end comes first.
    const NOTHING: (i64, i64) = (1, 0);
    let first = match range.start_bound() {
        Bound::Included(first) => *first,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    match range.end_bound().cloned() {
        Bound::Unbounded => (first, -1),
        Bound::Included(last) => (first, last),
        // Before the first one is nothing, while Redis takes -1 for the last one.
        Bound::Excluded(0 | i64::MIN) => NOTHING,
        Bound::Excluded(end) => (first, end - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_positions_are_those_of_rust() {
        assert_eq!(positions_of(&(0..10)), (0, 9));
        assert_eq!(positions_of(&(0..=10)), (0, 10));
        assert_eq!(positions_of(&(..)), (0, -1));
        assert_eq!(positions_of(&(-3..)), (-3, -1));
        assert_eq!(positions_of(&(-3..-1)), (-3, -2));
        assert_eq!(positions_of(&(0..0)), (1, 0));
    }
}
