//! One thing that is wrong with what the user gave.

use std::fmt;

/// Longest text of a problem, in characters; names and messages of others may be of any length.
const LONGEST: usize = 1_000;

/// What is wrong, where it was given, and what to do: always one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(String);

impl Problem {
    /// A problem at a `place`: a file and line, a flag, an environment variable, a scenario.
    pub fn at(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(format_args!("{place}: {what}"))
    }

    /// A problem that names its place by itself.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(one_line(&what.to_string()))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
        assert_eq!(one_line(&"é".repeat(3_000)).chars().count(), LONGEST + 3);
    }
}
