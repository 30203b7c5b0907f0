//! What the place of output can show.

/// Bytes of a text that are looked at: more than any place of output shows of one text.
const LONGEST: usize = 64 * 1024;

/// What the place of output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether escape codes for colors are understood; false for files.
    pub color: bool,
    /// Whether characters beyond ASCII are shown right.
    pub unicode: bool,
    /// Columns of a line; less than 60 counts as 60.
    pub width: u16,
}

impl Default for Style {
    /// For a file: no colors, Unicode, 100 columns.
    fn default() -> Self {
        Self { color: false, unicode: true, width: 100 }
    }
}

/// How something ended, at the beginning of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Passed,
    Failed,
    Skipped,
    Warned,
    None,
}

/// What a text means, for its color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Good,
    Bad,
    Warning,
    Strong,
    Dim,
    Plain,
}

impl Style {
    pub(super) fn columns(self) -> usize {
        usize::from(self.width).max(60)
    }

    pub(super) fn mark(self, mark: Mark) -> &'static str {
        match (mark, self.unicode) {
            (Mark::Passed, true) => "✓",
            (Mark::Passed, false) => "ok",
            (Mark::Failed, true) => "✗",
            (Mark::Failed, false) => "FAIL",
            (Mark::Skipped, true) => "–",
            (Mark::Skipped, false) => "skip",
            (Mark::Warned, true) => "!",
            (Mark::Warned, false) => "warn",
            (Mark::None, _) => "",
        }
    }

    /// Columns of the widest mark.
    pub(super) fn mark_columns(self) -> usize {
        if self.unicode { 1 } else { 4 }
    }

    /// What ends a cut text.
    pub(super) fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// What is between a scenario and its step.
    pub(super) fn within(self) -> &'static str {
        if self.unicode { "›" } else { ">" }
    }

    pub(super) fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            _ if !self.color || text.is_empty() => return text.to_owned(),
            Paint::Good => "1;32",
            Paint::Bad => "1;31",
            Paint::Warning => "1;33",
            Paint::Strong => "1",
            Paint::Dim => "2",
            Paint::Plain => return text.to_owned(),
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// `text` on one line, without commands to the terminal and, where it must be, without the signs of our own
    /// that are not ASCII.
    pub(super) fn text(self, text: &str) -> String {
        // No line shows that much, and what comes after is cut with a mark.
        let text = crate::text::one_line(&text[..text.floor_char_boundary(LONGEST)]);
        if self.unicode {
            return text;
        }
        let replaced = [("µ", "u"), ("…", "..."), ("–", "-"), ("→", "->"), ("·", "-")];
        replaced.into_iter().fold(text, |text, (sign, instead)| text.replace(sign, instead))
    }
}

impl Style {
    /// As [`Style::text`], but line ends stay.
    pub(super) fn text_of_lines(self, text: &str) -> String {
        let text = &text[..text.floor_char_boundary(LONGEST)];
        text.lines().map(|line| self.text(line)).collect::<Vec<_>>().join("\n")
    }
}

impl Mark {
    pub(super) fn paint(self) -> Paint {
        match self {
            Self::Passed => Paint::Good,
            Self::Failed => Paint::Bad,
            Self::Skipped => Paint::Dim,
            Self::Warned => Paint::Warning,
            Self::None => Paint::Plain,
        }
    }
}
