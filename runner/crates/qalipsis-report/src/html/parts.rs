//! The parts of a page that was rendered, for another page that shows them in its own frame.

use maud::PreEscaped;

/// The parts of a page. Markup of this crate, in which all text from outside is escaped.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The links to its sections, with room for the controls that the script adds.
    pub contents: PreEscaped<&'a str>,
    /// The verdict with its headline.
    pub verdict: PreEscaped<&'a str>,
    /// All that follows.
    pub details: PreEscaped<&'a str>,
}

const CONTENTS: (&str, &str) = ("<nav aria-label=\"Contents\">", "</nav>");
const VERDICT: (&str, &str) = ("<main><header", "</header>");

/// The parts of a page that [`render`](super::render) wrote, this version or another one; `None` for any other text.
pub fn parts(page: &str) -> Option<Parts<'_>> {
    let begin = page.find(CONTENTS.0)?;
    let end = begin + page[begin..].find(CONTENTS.1)? + CONTENTS.1.len();
    let contents = &page[begin..end];
    let main = page[end..].strip_prefix(VERDICT.0).map(|_| &page[end + "<main>".len()..])?;
    let (main, _) = main.rsplit_once("</main>")?;
    let end = main.find(VERDICT.1)? + VERDICT.1.len();
    let (verdict, details) = main.split_at(end);
    Some(Parts { contents: PreEscaped(contents), verdict: PreEscaped(verdict), details: PreEscaped(details) })
}
