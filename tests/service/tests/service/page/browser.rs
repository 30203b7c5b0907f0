//! A browser at the page of a head.

use crate::head::Head;
use qalipsis_testkit::Page;
use serde_json::{Value, json};

/// A browser that looks at a head, and at nothing else.
pub(super) struct Browser {
    pub(super) page: Page,
    origin: String,
}

impl Browser {
    /// Opens a path in a window of this width.
    pub(super) fn open(head: &Head, path: &str, width: u32) -> Self {
        let origin = format!("http://{}", head.address);
        Self { page: Page::visit(&format!("{origin}{path}"), width, 900), origin }
    }

    pub(super) fn go(&mut self, path: &str) {
        self.page.go(&format!("{}{path}", self.origin));
    }

    /// The path and query of the page.
    pub(super) fn path(&mut self) -> String {
        let path = self.page.value("location.pathname + location.search");
        path.as_str().unwrap().to_owned()
    }

    /// The text of all elements of a selector.
    pub(super) fn texts(&mut self, selector: &str) -> Vec<String> {
        let selector = json!(selector);
        let texts = self
            .page
            .value(&format!("[...document.querySelectorAll({selector})].map((one) => one.textContent)"));
        serde_json::from_value(texts).unwrap()
    }

    /// All text that is seen.
    pub(super) fn text(&mut self) -> String {
        self.page.value("document.body.innerText").as_str().unwrap().to_owned()
    }

    /// Waits until the page shows a text.
    pub(super) fn until_shown(&mut self, text: &str) {
        self.page.until(&format!("Boolean(document.body?.innerText.includes({}))", json!(text)));
    }

    /// Clicks on the link or button with this text.
    pub(super) fn click(&mut self, text: &str) {
        let wanted = json!(text);
        let clicked = self.page.value(&format!(
            "(() => {{ const one = [...document.querySelectorAll('a, button, summary')].find((one) => one.textContent.trim() === {wanted});
            one?.click(); return Boolean(one); }})()"
        ));
        assert_eq!(clicked, true, "{text}: {}", self.text());
    }

    /// Clicks on what leads to another page, and waits for that.
    pub(super) fn follow(&mut self, text: &str) {
        self.page.value("window.before = true");
        self.click(text);
        self.page.until("window.before === undefined && document.readyState === 'complete'");
    }

    /// Types into a field.
    pub(super) fn fill(&mut self, selector: &str, text: &str) {
        let selector = json!(selector);
        self.page.value(&format!(
            "(() => {{ const one = document.querySelector({selector}); one.focus(); one.select?.(); }})()"
        ));
        self.page.write(text);
    }

    pub(super) fn value(&mut self, expression: &str) -> Value {
        self.page.value(expression)
    }

    /// Whether nothing but the head was asked, nothing was complained about, and nothing is wider than the window.
    pub(super) fn is_fine(&mut self) {
        self.is_narrow();
        assert_eq!(self.page.complaints(), [""; 0]);
        for request in self.page.requests() {
            assert!(request.starts_with(&self.origin), "{request}");
        }
    }

    pub(super) fn is_narrow(&mut self) {
        let wide =
            self.page.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(wide, 0, "the page scrolls sideways: {}", self.path());
    }
}
