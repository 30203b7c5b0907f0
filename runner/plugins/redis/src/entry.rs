//! Entries of streams.

use bytes::Bytes;
use redis::Value;
use std::fmt;
use std::str::FromStr;

/// The id of an entry: increasing within its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId {
    /// Usually the server's clock when the entry was added, in milliseconds since 1970.
    pub millis: u64,
    /// Distinguishes the entries of one millisecond.
    pub sequence: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.sequence)
    }
}

impl FromStr for EntryId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('-').and_then(|(millis, sequence)| {
            Some(Self { millis: millis.parse().ok()?, sequence: sequence.parse().ok()? })
        });
        parsed.ok_or_else(|| format!("'{text}' is not the id of an entry"))
    }
}

/// An entry of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// Its fields in order; names may repeat.
    pub fields: Vec<(String, Bytes)>,
}

impl Entry {
    /// The last field of this name.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().rev().find(|(field, _)| field == name).map(|(_, value)| &value[..])
    }

    /// The last field of this name as text, if there is one and it is UTF-8.
    pub fn field_text(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Bytes of names and values.
    pub(crate) fn size(&self) -> u64 {
        self.fields.iter().map(|(name, value)| (name.len() + value.len()) as u64).sum()
    }
}

/// What the server sends for an entry; no fields for one that was deleted while it was pending.
pub(crate) type Sent = (EntryId, Option<Entry>);

/// A list of entries.
pub(crate) fn entries(value: &Value) -> Result<Vec<Sent>, String> {
    let unexpected = || format!("unexpected answer {}", crate::text::show(value));
    if matches!(value, Value::Nil) {
        return Ok(Vec::new());
    }
    let list = value.as_sequence().ok_or_else(unexpected)?;
    let mut entries = Vec::with_capacity(list.len());
    for sent in list {
        let [id, fields] = sent.as_sequence().ok_or_else(unexpected)? else { return Err(unexpected()) };
        let id: EntryId = text(id).ok_or_else(unexpected)?.parse()?;
        let entry = match fields {
            Value::Nil => None,
            fields => {
                let fields = pairs(fields).ok_or_else(unexpected)?;
                let named = fields.into_iter().map(|(name, value)| Some((text(name)?, bytes(value)?)));
                Some(Entry { id, fields: named.collect::<Option<_>>().ok_or_else(unexpected)? })
            }
        };
        entries.push((id, entry));
    }
    Ok(entries)
}

/// The entries in the answer to XREAD and XREADGROUP for one stream.
pub(crate) fn read(value: &Value) -> Result<Vec<Sent>, String> {
    let unexpected = || format!("unexpected answer {}", crate::text::show(value));
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::Map(streams) => match streams.first() {
            Some((_, list)) => entries(list),
            None => Ok(Vec::new()),
        },
        Value::Array(streams) => match streams.first() {
            Some(stream) => match stream.as_sequence() {
                Some([_, list]) => entries(list),
                _ => Err(unexpected()),
            },
            None => Ok(Vec::new()),
        },
        _ => Err(unexpected()),
    }
}

/// A string of the server as text; what is not UTF-8 is replaced.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        Value::VerbatimString { text, .. } => Some(text.clone()),
        Value::Okay => Some("OK".to_owned()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

fn bytes(value: &Value) -> Option<Bytes> {
    match value {
        Value::BulkString(bytes) => Some(Bytes::copy_from_slice(bytes)),
        other => text(other).map(Bytes::from),
    }
}

/// Names and values, which come as a map or as a list in which they alternate.
pub(crate) fn pairs(value: &Value) -> Option<Vec<(&Value, &Value)>> {
    match value {
        Value::Map(pairs) => Some(pairs.iter().map(|(name, value)| (name, value)).collect()),
        Value::Array(list) if list.len() % 2 == 0 => {
            Some(list.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect())
        }
        _ => None,
    }
}

/// The value of this name in an answer of names and values.
pub(crate) fn named<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    pairs(value)?.into_iter().find(|(key, _)| text(key).as_deref() == Some(name)).map(|(_, value)| value)
}

/// The number of this name in an answer of names and values.
pub(crate) fn number(value: &Value, name: &str) -> Option<u64> {
    match named(value, name)? {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_and_read_back() {
        let id: EntryId = "1526919030474-55".parse().unwrap();
        assert_eq!(id.to_string(), "1526919030474-55");
        assert!(id < "1526919030475-0".parse().unwrap() && EntryId::default() < id);
        assert!("1526919030474".parse::<EntryId>().is_err() && "a-b".parse::<EntryId>().is_err());
    }

    #[test]
    fn both_protocols_are_read() {
        let string = |text: &str| Value::BulkString(text.into());
        let list = || {
            Value::Array(vec![
                Value::Array(vec![string("1-0"), Value::Array(vec![string("a"), string("1")])]),
                Value::Array(vec![string("1-1"), Value::Nil]),
            ])
        };
        let second = Value::Array(vec![Value::Array(vec![string("orders"), list()])]);
        let third = Value::Map(vec![(string("orders"), list())]);
        assert_eq!(read(&second), read(&third));
        let sent = read(&third).unwrap();
        assert_eq!(sent[0].1.as_ref().unwrap().field_text("a"), Some("1"));
        assert_eq!(sent[1], (EntryId { millis: 1, sequence: 1 }, None));
        assert_eq!(read(&Value::Nil), Ok(Vec::new()));
        assert!(read(&Value::Int(1)).is_err());
    }
}
