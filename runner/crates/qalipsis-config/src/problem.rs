//! One thing that is wrong with what the user gave.

use std::fmt;

/// Longest text of a problem, in characters; names and messages of others may be of any length.
const LONGEST: usize = 1_000;

/// What is wrong, where it was given, and what to do: always one line.
#[derive(Debug, Clone)]
pub struct Problem {
    text: String,
    /// Bytes of the text that name the place; zero when it names its place by itself.
    place: usize,
}

impl Problem {
    /// A problem at a `place`: a file and line, a flag, an environment variable, a scenario.
    pub fn at(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        let place = one_line(&place.to_string());
        let text = one_line(&format!("{place}: {what}"));
        // A very long text is cut, and a very long place leaves no room for what is wrong.
        let place = if text.len() > place.len() && text.starts_with(&place) { place.len() } else { 0 };
        Self { text, place }
    }

    /// A problem that names its place by itself.
    pub fn new(what: impl fmt::Display) -> Self {
        Self { text: one_line(&what.to_string()), place: 0 }
    }

    /// The place, when it is apart from what is wrong.
    pub fn place(&self) -> Option<&str> {
        (self.place > 0).then(|| &self.text[..self.place])
    }

    /// What is wrong, without the place.
    pub fn what(&self) -> &str {
        let what = &self.text[self.place..];
        what.strip_prefix(": ").unwrap_or(what)
    }
}

impl PartialEq for Problem {
    /// Whether users read the same.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `text` without line breaks and other control characters, shortened when it is very long.
///
/// Names come from users and messages from other programs: neither may break a line in two or
/// send escape codes to a terminal.
pub fn one_line(text: &str) -> String {
    let words = text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_short_line() {
        assert_eq!(Problem::at("a\nb", "bad\r\n  \x1b[31mthing").to_string(), "a b: bad [31mthing");
        let problem = Problem::at("/seed", "it is: wrong");
        assert_eq!((problem.place(), problem.what()), (Some("/seed"), "it is: wrong"));
        let problem = Problem::new("it is: wrong");
        assert_eq!((problem.place(), problem.what()), (None, "it is: wrong"));
        let problem = Problem::at("x".repeat(2 * LONGEST), "wrong");
        assert_eq!((problem.place(), problem.what()), (None, &*problem.to_string()));
        assert_eq!(one_line(&"é".repeat(3_000)).chars().count(), LONGEST + 3);
    }
}
