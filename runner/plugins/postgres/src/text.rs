//! Texts for people.

use std::fmt::Write as _;

/// Characters of a statement or value that a message quotes.
const QUOTED: usize = 200;

/// The beginning of a text in one line, with runs of white space as one blank.
pub(crate) fn quote(text: &str) -> String {
    let mut line = String::new();
    let mut letters = 0;
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
            letters += 1;
        }
        for letter in word.chars() {
            if letters == QUOTED {
                let _ = write!(line, "… ({} bytes)", text.len());
                return line;
            }
            line.push(letter);
            letters += 1;
        }
    }
    line
}

/// A statement without what would end it, so that it can be put into another one.
pub(crate) fn open_ended(statement: &str) -> &str {
    statement.trim().trim_end_matches(|letter: char| letter == ';' || letter.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_one_line_and_short() {
        assert_eq!(quote("  select 1\n   from  x "), "select 1 from x");
        let long = quote(&"é ".repeat(1000));
        assert!(long.ends_with("… (3000 bytes)"), "{long}");
        assert!(long.chars().count() < 230, "{long}");
    }

    #[test]
    fn statements_can_be_put_into_others() {
        assert_eq!(open_ended(" select ';' ; \n"), "select ';'");
    }
}
