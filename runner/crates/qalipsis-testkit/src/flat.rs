//! Text whatever its lines are.

/// A text with every white space as one blank: wrapped text as one line.
pub fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
