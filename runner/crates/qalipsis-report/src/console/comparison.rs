//! A campaign held against a baseline.

use super::page::Page;
use super::style::{Mark, Paint, Style};
use super::table::{Column, Table};
use crate::comparison::outcome;
use crate::text::counted;
use qalipsis_compare::{
    Change, Comparison, DistributionPart, ScenarioComparison, SubjectComparison, Verdict,
};

/// The whole comparison as text that ends with a line end, for two summaries.
pub(super) fn whole(comparison: &Comparison, style: Style) -> String {
    let mut page = Page::new(style);
    let against = format!(
        "{} against {}: {}",
        comparison.current,
        counted(comparison.baselines.len() as u64, "baseline"),
        outcome(comparison)
    );
    if comparison.regressed() {
        page.title(Mark::Failed, "FAILED (regression)", Paint::Bad, &against);
    } else {
        page.title(Mark::Passed, "SUCCESSFUL", Paint::Good, &against);
    }
    let within = page.style().within();
    for (scenario, subject) in comparison.subjects() {
        if let Some(sentence) = subject.sentence(Verdict::Regression) {
            page.gap();
            page.headed(
                Mark::Failed,
                &format!("{} {within} {}", scenario.name, subject.name),
                Paint::Strong,
                "regression",
            );
            page.detail(Paint::Plain, &sentence);
        }
    }
    for scenario in &comparison.scenarios {
        page.gap();
        let title =
            format!("scenario {} against {}", scenario.name, counted(scenario.baselines as u64, "baseline"));
        page.headed(mark_of(scenario), &title, Paint::Strong, "");
        table(&mut page, scenario, |_| true);
    }
    notes(&mut page, comparison);
    page.into_text()
}

/// The section in the report of a campaign. What got worse is among the causes already.
pub(super) fn show(page: &mut Page, comparison: &Comparison) {
    page.gap();
    let mark = if comparison.regressed() { Mark::Failed } else { Mark::Passed };
    let against = counted(comparison.baselines.len() as u64, "baseline");
    page.headed(mark, &format!("against {against}"), Paint::Strong, &outcome(comparison));
    let several = comparison.scenarios.len() > 1;
    for scenario in &comparison.scenarios {
        if several {
            page.detail(Paint::Plain, &format!("scenario {}", scenario.name));
        }
        // What did not change is shown by the middle of its times alone.
        table(page, scenario, |change| {
            change.verdict != Verdict::Unchanged || change.part == Some(DistributionPart::Body)
        });
    }
    notes(page, comparison);
}

fn mark_of(scenario: &ScenarioComparison) -> Mark {
    if scenario.subjects.iter().any(|s| s.verdict() == Verdict::Regression) {
        Mark::Failed
    } else if scenario.subjects.iter().all(|s| s.changes.is_empty()) {
        Mark::Skipped
    } else {
        Mark::Passed
    }
}

fn table(page: &mut Page, scenario: &ScenarioComparison, wanted: impl Fn(&Change) -> bool) {
    let columns = vec![
        Column { title: "baseline", expendable: 0 },
        Column { title: "now", expendable: 0 },
        Column { title: "change", expendable: 1 },
        Column { title: "worse from", expendable: 2 },
    ];
    let mut table = Table::new("compared", columns);
    let mut filled = false;
    for subject in &scenario.subjects {
        for change in subject.changes.iter().filter(|c| wanted(c)) {
            filled = true;
            row(&mut table, subject, change);
        }
    }
    if filled {
        page.table(&table);
    }
}

fn row(table: &mut Table, subject: &SubjectComparison, change: &Change) {
    let (mark, paint) = match change.verdict {
        Verdict::Regression => (Mark::Failed, Paint::Bad),
        Verdict::Improvement => (Mark::Passed, Paint::Good),
        Verdict::Unchanged => (Mark::Passed, Paint::Plain),
    };
    let better = if change.verdict == Verdict::Improvement { " (better)" } else { "" };
    let cells = vec![
        (change.show(change.before), Paint::Plain),
        (change.show(change.after), paint),
        (change.change_text(), paint),
        (change.show(change.noticed_from), Paint::Dim),
    ];
    table.row(mark, format!("{} {}{better}", subject.name, change.what()), cells);
}

fn notes(page: &mut Page, comparison: &Comparison) {
    let notes: Vec<&String> =
        comparison.notes.iter().chain(comparison.scenarios.iter().flat_map(|s| &s.notes)).collect();
    if notes.is_empty() {
        return;
    }
    page.gap();
    for note in notes {
        page.marked(Mark::Warned, note);
    }
}
