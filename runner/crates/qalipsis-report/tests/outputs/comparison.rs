//! Campaigns held against a baseline, as people and programs see them.

use crate::sample::Campaign;
use insta::assert_snapshot;
use qalipsis_compare::{Comparison, Measure, Run, ScenarioRun, Share, Subject, SubjectKind, compare};
use qalipsis_model::histogram::Histogram;
use qalipsis_report::comparison;
use qalipsis_report::console::{self, Style};
use qalipsis_report::junit;
use std::time::Duration;

/// Everything that terminals and Markdown may trip over.
const HOSTILE_TEXT: &str =
    "a | b \u{1b}[31m \r\n## <script> [x](http://e.example) `c` **d** @all \u{202e} é 🎉";

/// 1000 executions between `from` and twice as much.
fn times(from_ms: u64) -> Histogram {
    let mut histogram = Histogram::default();
    (0..1_000).for_each(|i| histogram.record(from_ms * 1_000 * (1_000 + i)));
    histogram
}

fn step(name: &str, from_ms: u64, failed: u64) -> Subject {
    Subject {
        kind: SubjectKind::Step,
        name: name.into(),
        count: 1_000,
        times: vec![(Measure::ResponseTime, times(from_ms)), (Measure::ServiceTime, times(from_ms))],
        shares: vec![(Measure::ErrorRate, Share { hits: failed, of: 1_000 })],
    }
}

fn run(label: &str, subjects: Vec<Subject>) -> Run {
    let scenario = ScenarioRun {
        name: "checkout".into(),
        load: "1000 minions 1 every 100 ms".into(),
        duration: Duration::from_secs(100),
        release_lag: Histogram::default(),
        subjects,
    };
    Run { label: label.into(), scenarios: vec![scenario] }
}

/// Placing got slower, accepting faster, fulfilment loses records, refunds are new, stock is gone.
fn mixed() -> Comparison {
    let awaited = |missing: u64| Subject {
        kind: SubjectKind::Step,
        name: "fulfilled".into(),
        count: 1_000,
        times: vec![(Measure::Latency, times(80))],
        shares: vec![(Measure::Missing, Share { hits: missing, of: 1_000 })],
    };
    let before = |label: &str, off: u64| {
        let steps =
            vec![step("place-order", 40 + off, 0), step("accepted", 30, 0), awaited(1), step("stock", 9, 0)];
        run(label, steps)
    };
    let baselines: Vec<Run> = (0..5).map(|i| before(&format!("baselines/{i}.json"), i % 2)).collect();
    let after = vec![step("place-order", 90, 0), step("accepted", 15, 0), awaited(60), step("refund", 50, 0)];
    compare(&baselines, &run("now.json", after))
}

#[test]
fn what_got_worse_comes_first_then_every_figure() {
    assert_snapshot!(console::comparison(&mixed(), Style::default()));
}

#[test]
fn a_narrow_terminal_without_unicode_gets_what_matters() {
    let style = Style { color: false, unicode: false, width: 60 };
    let text = console::comparison(&mixed(), style);
    assert!(text.is_ascii(), "{text}");
    assert!(text.lines().all(|line| line.len() <= 60), "{text}");
    assert_snapshot!(text);
}

#[test]
fn markdown_is_a_list_of_what_changed_and_a_table() {
    assert_snapshot!(comparison::markdown(&mixed()));
}

#[test]
fn programs_get_every_figure() {
    let json: serde_json::Value = serde_json::from_str(&comparison::json(&mixed())).unwrap();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["regressed"], true);
    let place = &json["scenarios"][0]["subjects"][0];
    assert_eq!(
        (&place["kind"], &place["name"], &place["verdict"]),
        (&"step".into(), &"place-order".into(), &"regression".into())
    );
    let change = &place["changes"][0];
    assert_eq!(
        (&change["measure"], &change["part"], &change["unit"]),
        (&"response time".into(), &"p10-p90".into(), &"nanoseconds".into())
    );
    let number = |name: &str| change[name].as_f64().unwrap();
    assert!(
        number("before") < number("noticed_from") && number("noticed_from") < number("after"),
        "{json:#}"
    );
    assert!(number("chance") < 0.01, "{json:#}");
}

#[test]
fn an_unchanged_run_is_good_news_in_few_lines() {
    let runs: Vec<Run> =
        (0..2).map(|i| run(&format!("{i}.json"), vec![step("place-order", 40, 0)])).collect();
    let comparison = compare(&runs[..1], &runs[1]);
    assert_snapshot!(console::comparison(&comparison, Style::default()));
    assert!(comparison::markdown(&comparison).starts_with("## ✅ No worse than the baseline\n"));
}

#[test]
fn the_report_of_a_campaign_shows_the_comparison_as_cause_and_as_section() {
    let mut report = Campaign::healthy().report();
    report.apply_comparison(mixed());
    assert_eq!((report.verdict().as_str(), report.exit_code(false)), ("FAILED (regression)", 4));
    assert_snapshot!(console::render(&report, Style::default()));

    let folder = tempfile::tempdir().unwrap();
    let files = junit::write(&report, folder.path()).unwrap();
    let text = std::fs::read_to_string(&files[0]).unwrap();
    let cases: Vec<&str> =
        text.split("<testcase ").filter(|case| case.contains("name=\"baseline: ")).collect();
    assert_snapshot!(cases.concat());
}

#[test]
fn a_failure_or_a_warning_that_fails_goes_before_a_regression() {
    let mut failed = Campaign::failing().report();
    failed.apply_comparison(mixed());
    assert_eq!((failed.verdict().as_str(), failed.exit_code(false)), ("FAILED", 3));
    let kinds: Vec<_> = failed.reasons.iter().map(|r| r.kind.map(|k| k.name())).collect();
    assert_eq!(kinds.last(), Some(&Some("regression")), "{kinds:?}");

    let mut warned = Campaign::healthy().report();
    warned.warnings.push("something".into());
    warned.apply_comparison(mixed());
    assert_eq!((warned.exit_code(false), warned.exit_code(true)), (4, 3));
}

#[test]
fn a_comparison_of_nothing_is_a_warning() {
    let mut report = Campaign::healthy().report();
    report.apply_comparison(compare(&[run("a", Vec::new())], &run("b", Vec::new())));
    assert_eq!(report.verdict(), "WARNING");
    assert!(report.warnings.iter().any(|w| w.starts_with("nothing was compared")), "{:?}", report.warnings);
}

#[test]
fn hostile_names_stay_text() {
    let before = run(HOSTILE_TEXT, vec![step(HOSTILE_TEXT, 40, 0)]);
    let after = run(HOSTILE_TEXT, vec![step(HOSTILE_TEXT, 400, 0)]);
    let comparison = compare(&[before], &after);
    for text in [console::comparison(&comparison, Style::default()), comparison::markdown(&comparison)] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
    let markdown = comparison::markdown(&comparison);
    assert!(!markdown.contains("<script>") && !markdown.contains("[x]("), "{markdown}");
    let rows = markdown.lines().filter(|line| line.starts_with("| "));
    for row in rows {
        let cells = row.replace("\\|", "").matches('|').count();
        assert_eq!(cells, 8, "{row}");
    }
    serde_json::from_str::<serde_json::Value>(&comparison::json(&comparison)).unwrap();
}
