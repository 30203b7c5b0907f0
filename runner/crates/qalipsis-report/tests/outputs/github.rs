//! What GitHub shows: readable, within its limits, and safe from what users put into names.

use crate::sample::{Campaign, hostile};
use insta::assert_snapshot;
use qalipsis_report::github::{ANNOTATIONS_LIMIT, SUMMARY_LIMIT, annotations, summary};

#[test]
fn the_summary_names_steps_causes_and_figures() {
    assert_snapshot!(summary(&Campaign::failing().report(), &[]));
}

#[test]
fn annotations_have_file_and_line() {
    assert_snapshot!(annotations(&Campaign::failing().report()));
    assert_eq!(annotations(&Campaign::healthy().report()), "");
}

#[test]
fn names_are_no_markup_and_no_commands() {
    let report = hostile("a|b\n::error::x\r\n`c` <script> @all *d* %0A");
    let shown = summary(&report, &[]);
    assert!(!shown.contains("<script>") && !shown.contains("@all") && !shown.contains("*d*"), "{shown}");
    // Of each table, all rows have the columns of its head.
    for table in shown.split("\n\n").filter(|part| part.starts_with("| ")) {
        let columns = |row: &str| row.matches('|').count();
        assert!(table.lines().all(|row| columns(row) == columns(table.lines().next().unwrap())), "{table}");
    }
    let commands = annotations(&report);
    let is_command = |line: &str| line.starts_with("::error ") || line.starts_with("::warning ");
    assert!(commands.lines().all(is_command), "{commands}");
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
    let shown = summary(&report, &[]);
    assert!(shown.len() <= SUMMARY_LIMIT && shown.contains("limit of this page"), "{}", shown.len());
    report.warnings = vec!["a warning".to_owned(); 50];
    let commands = annotations(&report);
    for level in ["::error ", "::warning "] {
        assert_eq!(commands.lines().filter(|line| line.starts_with(level)).count(), ANNOTATIONS_LIMIT);
    }
}

#[test]
fn b6_warnings_are_annotations() {
    let mut campaign = Campaign::healthy();
    let join = campaign.figures.joins.get_mut(&0).unwrap();
    (join.duplicates, join.records) = (3, join.records + 3);
    let mut report = campaign.report();
    report.warnings.push("slack: refused".to_owned());
    let commands = annotations(&report);
    let lines: Vec<&str> = commands.lines().collect();
    assert!(
        lines[0].starts_with(
            "::warning file=scenarios/checkout/src/lib.rs,line=31,col=9,title=checkout%3A warning::checkout: kafka \
             topic orders.fulfilled: 3 duplicate records"
        ),
        "{commands}"
    );
    assert_eq!(lines[1..], ["::warning title=campaign%3A warning::slack: refused"]);
}

#[test]
fn c8_the_summary_leads_with_what_the_product_is_about() {
    let links = [
        ("run", "https://github.com/us/shop/actions/runs/1".to_owned()),
        ("re(port", "http://x/a b)".into()),
    ];
    let shown = summary(&Campaign::failing().report(), &links);
    let order = [
        "## ❌ FAILED",
        "[run](https://github.com/us/shop/actions/runs/1) · [re(port](http://x/a%20b%29)",
        "### checkout › order-accepted · assertion",
        "<code>qalipsis replay --campaign summary.json --minion 13</code>",
        "| awaited records | awaited | matched | late | missing | abandoned |",
        "| criterion | limit | observed | outcome |",
        "| place-order response time p95 | below 130 ms | 1.04 s | breached |",
        "| order-fulfilled latency p95 | below 2 s | 1.25 s | met |",
        "| step | executions | failed | time | p50 | p95 | p99 | max |",
    ];
    let places: Vec<Option<usize>> = order.into_iter().map(|part| shown.find(part)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{shown}");
}
