//! Which topics are read.

use regex_lite::Regex;
use std::fmt;

/// Topics by name, or a pattern on names.
#[derive(Debug, Clone)]
pub struct Topics(pub(crate) Selection);

#[derive(Debug, Clone)]
pub(crate) enum Selection {
    Named(Vec<String>),
    Matching(String),
}

impl From<&str> for Topics {
    fn from(name: &str) -> Self {
        Self(Selection::Named(vec![name.to_owned()]))
    }
}

impl From<String> for Topics {
    fn from(name: String) -> Self {
        Self(Selection::Named(vec![name]))
    }
}

impl From<&String> for Topics {
    fn from(name: &String) -> Self {
        name.as_str().into()
    }
}

impl<S: AsRef<str>> From<&[S]> for Topics {
    fn from(names: &[S]) -> Self {
        Self(Selection::Named(names.iter().map(|name| name.as_ref().to_owned()).collect()))
    }
}

impl<S: AsRef<str>, const N: usize> From<[S; N]> for Topics {
    fn from(names: [S; N]) -> Self {
        names.as_slice().into()
    }
}

impl<S: AsRef<str>> From<Vec<S>> for Topics {
    fn from(names: Vec<S>) -> Self {
        names.as_slice().into()
    }
}

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Selection::Named(names) if names.len() == 1 => write!(f, "kafka topic {}", names[0]),
            Selection::Named(names) => write!(f, "kafka topics {}", names.join(",")),
            Selection::Matching(pattern) => write!(f, "kafka topics matching {pattern}"),
        }
    }
}

/// Why a selection selects nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unselected {
    /// It can never select anything.
    Invalid(String),
    /// This topic, or a match of this pattern, does not exist yet.
    Absent(String),
}

impl Topics {
    /// The selected ones among those that exist.
    pub(crate) fn select(&self, existing: &[&str]) -> Result<Vec<String>, Unselected> {
        match &self.0 {
            Selection::Named(names) if names.iter().all(|name| name.is_empty()) => {
                Err(Unselected::Invalid("no topic was named".to_owned()))
            }
            Selection::Named(names) => {
                let mut selected = names.clone();
                selected.sort_unstable();
                selected.dedup();
                match selected.iter().find(|name| !existing.contains(&name.as_str())) {
                    Some(absent) => Err(Unselected::Absent(absent.clone())),
                    None => Ok(selected),
                }
            }
            Selection::Matching(pattern) => {
                let expression = Regex::new(pattern)
                    .map_err(|error| Unselected::Invalid(format!("'{pattern}' is not a pattern: {error}")))?;
                // Names that begin so are Kafka's own.
                let own = pattern.trim_start_matches('^').starts_with("__");
                let matches = |name: &&&str| expression.is_match(name) && (own || !name.starts_with("__"));
                let selected: Vec<String> =
                    existing.iter().filter(matches).map(|name| (*name).to_owned()).collect();
                if selected.is_empty() { Err(Unselected::Absent(pattern.clone())) } else { Ok(selected) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXISTING: [&str; 4] = ["orders.placed", "orders.fulfilled", "refunds", "__consumer_offsets"];

    #[test]
    fn names_must_exist_and_patterns_must_match() {
        assert_eq!(Topics::from(["refunds", "refunds"]).select(&EXISTING), Ok(vec!["refunds".to_owned()]));
        assert_eq!(Topics::from("refund").select(&EXISTING), Err(Unselected::Absent("refund".to_owned())));
        let matching = |pattern: &str| Topics(Selection::Matching(pattern.to_owned())).select(&EXISTING);
        assert_eq!(matching("^orders\\..*").map(|names| names.len()), Ok(2));
        assert_eq!(matching(".*").map(|names| names.len()), Ok(3));
        assert_eq!(matching("^__cons").map(|names| names.len()), Ok(1));
        assert_eq!(matching("^nothing"), Err(Unselected::Absent("^nothing".to_owned())));
        assert!(matches!(matching("("), Err(Unselected::Invalid(_))));
        assert!(matches!(Topics::from([""; 0]).select(&EXISTING), Err(Unselected::Invalid(_))));
    }

    #[test]
    fn they_are_named_in_reports() {
        assert_eq!(Topics::from("a").to_string(), "kafka topic a");
        assert_eq!(Topics::from(vec!["a", "b"]).to_string(), "kafka topics a,b");
        assert_eq!(Topics(Selection::Matching("^a".into())).to_string(), "kafka topics matching ^a");
    }
}
