//! The final report for people, on a terminal or in a log.
//!
//! The verdict and its causes come first, then the figures of each scenario, then what to know to
//! repeat the run. Nothing is said twice.

mod causes;
mod comparison;
mod page;
mod replay;
mod scenario;
mod style;
mod table;

pub use replay::{conclusion, execution};
pub use style::Style;

use crate::controls;
use crate::digest;
use crate::text::fit;
use page::Page;
use qalipsis_compare::Comparison;
use qalipsis_judge::report::Report;
use qalipsis_model::verdict::Status;
use style::{Mark, Paint};

/// The report of a campaign as text that ends with a line end.
///
/// No line is wider than [`Style::width`], and without [`Style::color`] there is no escape code in it,
/// whatever names, messages and payloads hold.
pub fn render(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    verdict(&mut page, report);
    if report.status == Status::Warning {
        warnings(&mut page, report);
    }
    causes::show(&mut page, report);
    for scenario in &report.scenarios {
        scenario::show(&mut page, report, scenario);
    }
    if let Some(comparison) = &report.comparison {
        comparison::show(&mut page, comparison);
    }
    if report.status != Status::Warning {
        warnings(&mut page, report);
    }
    footer(&mut page, report);
    page.into_text()
}

/// Two or more summaries held against each other, as text that ends with a line end.
pub fn comparison(comparison: &Comparison, style: Style) -> String {
    comparison::whole(comparison, style)
}

/// Only the verdict and its causes, which for a warning are the warnings.
pub fn summary(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    verdict(&mut page, report);
    if report.status == Status::Warning {
        warnings(&mut page, report);
    }
    causes::show(&mut page, report);
    page.into_text()
}

/// A line in the form of the report's last ones, for what only the caller knows: `note("junit", path)`.
///
/// The value stays whole, so that it can be copied.
pub fn note(label: &str, value: &str, style: Style) -> String {
    let mut page = Page::new(style);
    page.labelled(label, value);
    page.into_text()
}

fn verdict(page: &mut Page, report: &Report) {
    let (mark, paint) = match report.status {
        Status::Successful => (Mark::Passed, Paint::Good),
        Status::Running => (Mark::None, Paint::Strong),
        Status::Warning => (Mark::Warned, Paint::Warning),
        Status::Failed | Status::Aborted | Status::Invalid => (Mark::Failed, Paint::Bad),
    };
    page.title(mark, &report.verdict(), paint, &digest::headline(report));
    if let Some(incomplete) = digest::incomplete(report) {
        page.detail(Paint::Plain, incomplete);
    }
}

fn warnings(page: &mut Page, report: &Report) {
    let warnings = digest::warnings(report);
    if warnings.is_empty() {
        return;
    }
    page.gap();
    for warning in warnings {
        page.marked(Mark::Warned, &warning);
    }
}

fn footer(page: &mut Page, report: &Report) {
    page.gap();
    let style = page.style();
    let part = |text: &str| fit(&style.text(text), style.columns(), style.ellipsis());
    let revision = report.git_revision.as_ref().map(|r| format!(", git {}", part(r))).unwrap_or_default();
    page.labelled_words(
        "campaign",
        &format!("{}, started {}{revision}", part(&report.key), report.started.rfc3339()),
    );
    for (label, value) in controls::lines(report, controls::SHOWN) {
        page.labelled_words(label, &style.text(&value));
    }
    page.labelled("repeat", &format!("--seed {}", report.seed));
}
