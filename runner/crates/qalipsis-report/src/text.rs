//! Text from outside made harmless and short enough to show.

pub use qalipsis_model::number::number;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// `text` on one line, with everything that could move a cursor or hide something written out.
///
/// Line ends, control characters and what reverses the direction of writing become `\n`, `\u{1b}` and
/// so on, so that a payload can neither redraw a terminal nor end a line of the report.
pub fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => shown.push(' '),
            c if is_hidden(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// As [`one_line`], but line ends stay.
pub fn lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (i, line) in text.lines().enumerate() {
        if i > 0 {
            shown.push('\n');
        }
        shown.push_str(&one_line(line));
    }
    shown
}

/// Controls, what reverses the direction of writing, other line ends, and what XML 1.0 does not allow.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Columns that `text` takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of `text` in at most `columns` columns; what is cut ends with `mark`.
pub fn fit(text: &str, columns: usize, mark: &str) -> String {
    if beginning(text, columns) == text.len() {
        return text.to_owned();
    }
    let mark = &mark[..beginning(mark, columns)];
    let kept = &text[..beginning(text, columns - width(mark))];
    format!("{}{mark}", kept.trim_end())
}

/// `text` broken at spaces into lines of at most `columns` columns; a longer word is broken anywhere.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    // A wide character needs two.
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    for mut word in words(text) {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        while width(word) > columns {
            let (beginning, rest) = word.split_at(beginning(word, columns));
            lines.push(beginning.to_owned());
            word = rest;
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Units that belong to the number before them.
const UNITS: [&str; 8] = ["ns", "µs", "us", "ms", "s", "min", "h", "%"];

/// What is between spaces, but a number and its unit are one.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (end, space) in text.match_indices(' ').chain([(text.len(), "")]) {
        let next = text[end + space.len()..].split(' ').next().unwrap_or_default();
        let unit = UNITS.contains(&next.trim_end_matches([',', ';', '.', ')']));
        if unit && text[start..end].ends_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        words.push(&text[start..end]);
        start = end + space.len();
    }
    words
}

/// Length in bytes of the longest beginning of `text` that takes at most `columns` columns.
fn beginning(text: &str, columns: usize) -> usize {
    let mut room = columns;
    // Combining characters take no column: without a bound in bytes a name could hide megabytes in one.
    let bound = text.floor_char_boundary(columns.saturating_mul(16));
    let mut end = 0;
    for (start, c) in text[..bound].char_indices() {
        let Some(left) = room.checked_sub(c.width().unwrap_or(0)) else { break };
        room = left;
        end = start + c.len_utf8();
    }
    // Some sequences are wider than the sum of their characters.
    while width(&text[..end]) > columns {
        end = text.floor_char_boundary(end - 1);
    }
    end
}

/// `1 minion`, `12,345 minions`.
pub fn counted(value: u64, one: &str) -> String {
    let plural = match one {
        _ if value == 1 => one.to_owned(),
        "pass" => "passes".to_owned(),
        one if one.ends_with('y') => format!("{}ies", &one[..one.len() - 1]),
        one => format!("{one}s"),
    };
    format!("{} {plural}", number(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        assert_eq!(one_line("a\u{1b}[2Jb\r\nc\td\u{9b}e\u{202e}f"), r"a\u{1b}[2Jb\r\nc d\u{9b}e\u{202e}f");
        assert_eq!(lines("a\r\nb\u{7}\n"), "a\nb\\u{7}");
        assert_eq!(one_line("日本 👩‍👩‍👧 é"), "日本 👩‍👩‍👧 é");
    }

    #[test]
    fn cut_text_says_so() {
        assert_eq!(fit("place-order", 11, "…"), "place-order");
        assert_eq!(fit("place-order", 8, "…"), "place-o…");
        assert_eq!(fit("place-order", 8, "..."), "place...");
        assert_eq!(fit("日本語です", 6, "…"), "日本…");
        assert_eq!(fit("abc", 1, "..."), ".");
    }

    #[test]
    fn a_number_and_its_unit_stay_together() {
        assert_eq!(wrap("release lag p99 3.88 ms; done", 18), ["release lag p99", "3.88 ms; done"]);
        assert_eq!(wrap("over 10 min 00 s", 12), ["over 10 min", "00 s"]);
        assert_eq!(wrap("a b  c ", 40), ["a b  c "]);
    }

    #[test]
    fn numbers_have_separators_from_five_digits() {
        assert_eq!([0, 9999, 12345, 1234567].map(number), ["0", "9999", "12,345", "1,234,567"]);
        assert_eq!(counted(1, "pass"), "1 pass");
        assert_eq!(counted(2, "factory"), "2 factories");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked(text in any::<String>(), columns in 2_usize..40) {
            let text = one_line(&text);
            prop_assert!(width(&fit(&text, columns, "…")) <= columns);
            for line in wrap(&text, columns) {
                prop_assert!(width(&line) <= columns, "{line:?}");
            }
        }

        #[test]
        fn wrapping_loses_nothing(text in "[a-z é日 ]{0,80}", columns in 2_usize..40) {
            let kept: String = wrap(&text, columns).concat().replace(' ', "");
            prop_assert_eq!(kept, text.replace(' ', ""));
        }
    }
}
