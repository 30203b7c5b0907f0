//! Lines under construction, none wider than the place of output.

use super::style::{Mark, Paint, Style};
use super::table::Table;
use crate::text::{fit, width, wrap};

/// The most lines that one message takes.
const MESSAGE_LINES: usize = 5;

pub(super) struct Page {
    style: Style,
    text: String,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self { style, text: String::new() }
    }

    pub(super) fn style(&self) -> Style {
        self.style
    }

    /// Columns before the text that belongs to a marked line.
    pub(super) fn inset(&self) -> usize {
        self.style.mark_columns() + 1
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// As [`Page::headed`], but without a mark that is a word, for `head` is one already.
    pub(super) fn title(&mut self, mark: Mark, head: &str, paint: Paint, rest: &str) {
        if self.style.unicode {
            self.headed(mark, head, paint, rest);
        } else {
            self.heading(0, head, paint, rest);
        }
    }

    /// A marked line whose first words, `head`, are painted: `✗ FAILED  rest`.
    pub(super) fn headed(&mut self, mark: Mark, head: &str, paint: Paint, rest: &str) {
        self.mark(mark);
        self.heading(self.inset(), head, paint, rest);
    }

    fn heading(&mut self, inset: usize, head: &str, paint: Paint, rest: &str) {
        let room = self.style.columns() - inset;
        let head = fit(&self.style.text(head), room, self.style.ellipsis());
        // The rest begins beside the head when there is room for some of it, else below.
        let beside = width(&head) + 2;
        self.text.push_str(&self.style.paint(paint, &head));
        let rest = self.style.text(rest);
        if rest.is_empty() {
            self.text.push('\n');
        } else if beside + 20 <= room {
            self.text.push_str("  ");
            self.wrapped(&rest, inset + beside, Paint::Plain);
        } else {
            self.text.push('\n');
            self.indent(inset);
            self.wrapped(&rest, inset, Paint::Plain);
        }
    }

    /// A marked message.
    pub(super) fn marked(&mut self, mark: Mark, text: &str) {
        let inset = self.inset();
        self.mark(mark);
        self.wrapped(&self.style.text(text), inset, Paint::Plain);
    }

    /// A message that belongs to the marked line above.
    pub(super) fn detail(&mut self, paint: Paint, text: &str) {
        let inset = self.inset();
        self.indent(inset);
        self.wrapped(&self.style.text(text), inset, paint);
    }

    /// Lines that belong to the marked line above, whole.
    pub(super) fn quoted(&mut self, text: &str) {
        let inset = self.inset() + 2;
        for line in text.lines() {
            let line = self.style.text(line);
            if !line.is_empty() {
                self.indent(inset);
                self.text.push_str(line.trim_end());
            }
            self.text.push('\n');
        }
    }

    /// As [`Page::detail`], cut to one line.
    pub(super) fn detail_line(&mut self, paint: Paint, text: &str) {
        let inset = self.inset();
        self.indent(inset);
        let room = self.style.columns() - inset;
        let text = fit(&self.style.text(text), room, self.style.ellipsis());
        self.text.push_str(&self.style.paint(paint, &text));
        self.text.push('\n');
    }

    /// `label     value`, the value whole.
    pub(super) fn labelled(&mut self, label: &str, value: &str) {
        let label = format!("{label:<9}");
        self.text.push_str(&self.style.paint(Paint::Dim, &label));
        self.text.push(' ');
        self.text.push_str(&self.style.text(value));
        self.text.push('\n');
    }

    /// As [`Page::labelled`], broken between words where the line ends.
    pub(super) fn labelled_words(&mut self, label: &str, value: &str) {
        let label = format!("{label:<9}");
        self.text.push_str(&self.style.paint(Paint::Dim, &label));
        self.text.push(' ');
        self.wrapped(&self.style.text(value), label.len() + 1, Paint::Plain);
    }

    pub(super) fn table(&mut self, table: &Table) {
        let text = table.render(self.style, self.inset());
        self.text.push_str(&text);
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn mark(&mut self, mark: Mark) {
        let sign = format!("{:<1$}", self.style.mark(mark), self.style.mark_columns());
        self.text.push_str(&self.style.paint(mark.paint(), &sign));
        self.text.push(' ');
    }

    fn indent(&mut self, columns: usize) {
        self.text.push_str(&" ".repeat(columns));
    }

    /// Continues the current line, which is `inset` columns long, and ends it.
    fn wrapped(&mut self, text: &str, inset: usize, paint: Paint) {
        let room = self.style.columns().saturating_sub(inset).max(1);
        let text = fit(text, room * MESSAGE_LINES, self.style.ellipsis());
        for (i, line) in wrap(&text, room).iter().enumerate() {
            if i > 0 {
                self.indent(inset);
            }
            self.text.push_str(&self.style.paint(paint, line.trim_end()));
            self.text.push('\n');
        }
    }
}
