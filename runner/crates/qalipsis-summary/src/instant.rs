//! Instants as RFC 3339 in UTC, to the nanosecond.

use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Writes it.
///
/// # Errors
/// When the year has more than four digits.
pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    jiff::Timestamp::from_nanosecond(i128::from(at.0))
        .map_err(serde::ser::Error::custom)?
        .to_string()
        .serialize(serializer)
}

/// Reads it.
///
/// # Errors
/// When it is no such instant.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let at: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
    u64::try_from(at.as_nanosecond()).map(Timestamp).map_err(de::Error::custom)
}

/// The same for an instant that may be missing.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(crate) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        #[derive(Deserialize)]
        struct Present(#[serde(with = "super")] Timestamp);
        Ok(Option::<Present>::deserialize(deserializer)?.map(|present| present.0))
    }
}
