//! Text that cannot become markup.

use crate::text::one_line;

/// A page that is being written.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Markup of our own.
    pub(super) fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text from anywhere, on one line.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.raw(&escape(&one_line(text)))
    }

    /// An element that holds only text; nothing for none.
    pub(super) fn element(&mut self, name: &str, class: &str, text: &str) {
        if text.is_empty() && name == "p" {
            return;
        }
        match class {
            "" => self.raw(&format!("<{name}>")),
            class => self.raw(&format!("<{name} class=\"{class}\">")),
        };
        self.text(text).raw(&format!("</{name}>"));
        if name != "td" && name != "th" {
            self.raw("\n");
        }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// `text` as the content of an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
