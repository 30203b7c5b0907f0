//! Text for HTML: escaped by maud, and on one line.

use crate::text::{lines, one_line};
use maud::{Markup, PreEscaped, Render, html};

/// Text from anywhere, shown on one line: `html! { p { (text(message)) } }`.
pub fn text(text: &str) -> impl Render {
    one_line(text)
}

/// Text from anywhere that keeps its line ends, for `pre`.
pub(crate) fn block(text: &str) -> impl Render {
    lines(text)
}

/// Markup that this crate wrote before, as a style sheet.
pub(crate) fn raw(markup: &str) -> PreEscaped<&str> {
    PreEscaped(markup)
}

/// A paragraph of one class; nothing when there is no text.
pub fn paragraph(class: &str, content: &str) -> Markup {
    let class = (!class.is_empty()).then_some(class);
    html! {
        @if !content.is_empty() { p class=[class] { (text(content)) } }
    }
}

/// A cell of a table with a number.
pub fn number(content: &str) -> Markup {
    html! { td.number { (text(content)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text_in_elements_and_attributes() {
        let hostile = "\"><script>alert(1)</script>&\u{1b}[2J\n";
        let shown = html! { p title=(text(hostile)) { (text(hostile)) } }.into_string();
        let escaped = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;\\u{1b}[2J\\n";
        assert_eq!(shown, format!("<p title=\"{escaped}\">{escaped}</p>"));
    }

    #[test]
    fn a_paragraph_without_text_is_left_out() {
        assert_eq!(paragraph("dim", "").into_string(), "");
        assert_eq!(paragraph("", "a < b").into_string(), "<p>a &lt; b</p>");
        assert_eq!(paragraph("dim", "x").into_string(), "<p class=\"dim\">x</p>");
    }
}
