//! What somebody entered into a form.

use serde_json::{Value, json};

/// The fields of a form.
#[derive(Debug, Default)]
pub(crate) struct Entered(Vec<(String, String)>);

impl Entered {
    pub(crate) fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The text of a field; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// A number as such, and anything else as text, which the API then refuses at its place.
pub(crate) fn number(text: &str) -> Value {
    let text = text.trim();
    match (text.parse::<u64>(), text.parse::<f64>()) {
        (Ok(number), _) => json!(number),
        (_, Ok(number)) if number.is_finite() => json!(number),
        _ => json!(text),
    }
}
