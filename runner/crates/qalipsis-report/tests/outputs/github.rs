//! What GitHub shows: readable, within its limits, and safe from what users put into names.

use crate::sample::{Campaign, hostile};
use insta::assert_snapshot;
use qalipsis_report::github::{ANNOTATIONS_LIMIT, SUMMARY_LIMIT, annotations, summary};

#[test]
fn the_summary_names_steps_causes_and_figures() {
    assert_snapshot!(summary(&Campaign::failing().report()));
}

#[test]
fn annotations_have_file_and_line() {
    assert_snapshot!(annotations(&Campaign::failing().report()));
    assert_eq!(annotations(&Campaign::healthy().report()), "");
}

#[test]
fn names_are_no_markup_and_no_commands() {
    let report = hostile("a|b\n::error::x\r\n`c` <script> @all *d* %0A");
    let shown = summary(&report);
    assert!(!shown.contains("<script>") && !shown.contains("@all") && !shown.contains("*d*"), "{shown}");
    let rows = shown.lines().filter(|line| line.starts_with("| "));
    assert!(rows.clone().all(|row| matches!(row.matches('|').count(), 4 | 8)), "{shown}");
    let commands = annotations(&report);
    assert!(
        commands.lines().all(|line| line.starts_with("::error file=a%7Cb") || line.starts_with("::error "))
    );
    assert_eq!(commands.matches("\n::error").count() + 1, commands.lines().count());
    assert!(commands.contains("%250A"), "{commands}");
}

#[test]
fn the_limits_of_github_are_kept() {
    let mut report = Campaign::failing().report();
    let reason = report.reasons[0].clone();
    report.reasons = vec![reason; 5_000];
    for reason in &mut report.reasons {
        reason.message = "x".repeat(5_000);
    }
    let shown = summary(&report);
    assert!(shown.len() <= SUMMARY_LIMIT && shown.contains("limit of this page"), "{}", shown.len());
    assert_eq!(annotations(&report).lines().count(), ANNOTATIONS_LIMIT);
}
