//! Text in the length that it takes once written, and names that are unique.

use crate::text::one_line;
use qalipsis_summary::file_name::short_hash;
use quick_junit::{TestCase, XmlString};
use std::collections::HashSet;

const MARK: &str = "…";

/// Bytes that a character takes in XML.
fn cost(c: char) -> usize {
    match c {
        '<' | '>' => 4,
        '&' => 5,
        '"' | '\'' => 6,
        c => c.len_utf8(),
    }
}

/// Bytes that `text` takes in XML.
pub(super) fn written(text: &str) -> usize {
    text.chars().map(cost).sum()
}

/// The beginning of `text` in at most `limit` bytes as written; what is cut ends with `…`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit && text.chars().map(cost).sum::<usize>() <= limit {
        return text.to_owned();
    }
    let mut room = limit.saturating_sub(MARK.len());
    let mut kept = String::new();
    for c in text.chars() {
        let Some(left) = room.checked_sub(cost(c)) else { break };
        room = left;
        kept.push(c);
    }
    if limit >= MARK.len() {
        kept.push_str(MARK);
    }
    kept
}

/// [`one_line`] of `text` in at most `limit` bytes as written.
pub(super) fn line(text: &str, limit: usize) -> String {
    // Written out, no character takes less than before: what follows this is cut anyway.
    cut(&one_line(&text[..text.floor_char_boundary(limit + 4)]), limit)
}

/// As [`line`], but different texts stay different.
pub(super) fn name(text: &str, limit: usize) -> String {
    let whole = line(text, limit);
    if !whole.ends_with(MARK) {
        return whole;
    }
    let hash = short_hash(text);
    format!("{}{hash}", line(text, limit.saturating_sub(hash.len())))
}

/// The test case under a name that no other one of its suite has.
pub(super) fn named_once(mut case: TestCase, taken: &mut HashSet<String>) -> TestCase {
    // Blanks around a name are lost on some readers, to which two names would then be one.
    let name = case.name.trim();
    let name = if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() };
    let mut unique = name.clone();
    let mut n = 2;
    while !taken.insert(unique.clone()) {
        unique = format!("{name} ({n})");
        n += 1;
    }
    case.name = XmlString::new(unique);
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cut_text_takes_no_more_than_asked(text in any::<String>(), limit in 0_usize..60) {
            let written: usize = cut(&text, limit).chars().map(cost).sum();
            prop_assert!(written <= limit);
        }
    }

    #[test]
    fn names_that_only_differ_at_their_end_stay_different() {
        let (a, b) = (format!("{}a", "x".repeat(400)), format!("{}b", "x".repeat(400)));
        assert_ne!(name(&a, 100), name(&b, 100));
        assert!(name(&a, 100).len() <= 100);
    }
}
