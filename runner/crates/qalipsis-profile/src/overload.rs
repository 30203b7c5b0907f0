//! What happens to releases while too many minions are active.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a scenario does while its minions do not end as fast as they are released.
///
/// Limits count the minions that were released and have not ended. Of several factories each has its part of the limit, and
/// at least one. A dropped minion never
/// starts; released and dropped ones are always all that were planned, unless the campaign is stopped by something
/// else.
///
/// As text, in configuration and descriptions: `queue`, `drop:100`, `abort:100`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Overload {
    /// Releases all the same; the system under test, or the machine, queues them.
    #[default]
    Queue,
    /// Drops what is to be released while so many are active, and counts it.
    Drop(u32),
    /// Stops the campaign when one is to be released while so many are active; the rest counts as dropped.
    Abort(u32),
}

impl Overload {
    /// Whether a minion must not be released while `active` others are.
    pub fn exceeded(self, active: u64) -> bool {
        match self {
            Self::Queue => false,
            Self::Drop(limit) | Self::Abort(limit) => active >= u64::from(limit),
        }
    }
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue => f.write_str("queue"),
            Self::Drop(limit) => write!(f, "drop:{limit}"),
            Self::Abort(limit) => write!(f, "abort:{limit}"),
        }
    }
}

/// The text is no overload policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoOverload;

impl NoOverload {
    /// What it must be, to follow "must be".
    pub const EXPECTED: &'static str =
        "queue, drop:<minions> or abort:<minions>, for example drop:100, with at least 1 minion";
}

impl fmt::Display for NoOverload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an overload policy must be {}", Self::EXPECTED)
    }
}

impl std::error::Error for NoOverload {}

impl FromStr for Overload {
    type Err = NoOverload;

    fn from_str(text: &str) -> Result<Self, NoOverload> {
        if text == "queue" {
            return Ok(Self::Queue);
        }
        let (policy, limit) = text.split_once(':').ok_or(NoOverload)?;
        let limit = limit.parse().ok().ok_or(NoOverload)?;
        match policy {
            "drop" => Ok(Self::Drop(limit)),
            "abort" => Ok(Self::Abort(limit)),
            _ => Err(NoOverload),
        }
    }
}

impl From<Overload> for String {
    fn from(overload: Overload) -> Self {
        overload.to_string()
    }
}

impl TryFrom<String> for Overload {
    type Error = NoOverload;

    fn try_from(text: String) -> Result<Self, NoOverload> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_written_as_they_are_read() {
        for (policy, text) in
            [(Overload::Queue, "queue"), (Overload::Drop(100), "drop:100"), (Overload::Abort(1), "abort:1")]
        {
            assert_eq!(policy.to_string(), text);
            assert_eq!(text.parse(), Ok(policy));
            let json = serde_json::to_string(&policy).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Overload>(&json).unwrap(), policy);
        }
        for text in
            ["", "drop", "drop:", "drop:-1", "drop: 5", "drop:5.5", "drop:9999999999", "queue:5", "Drop:5"]
        {
            assert_eq!(text.parse::<Overload>(), Err(NoOverload), "{text}");
        }
    }
}
