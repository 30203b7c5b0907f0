//! JUnit files as their readers see them: two that run here, and the rules of those that cannot.

use crate::sample::{ACCEPTED, Campaign, FULFILLED, REFUND, at, exchange, hostile};
use qalipsis_judge::judge::Ending;
use qalipsis_judge::report::{Report, ScenarioReport, StepReport};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::snapshot::StepFigures;
use qalipsis_report::junit::{self, SIZE_LIMIT};
use qalipsis_testkit::junit::{assert_readable, broken_rules};
use std::path::Path;
use std::process::Command;

/// Campaigns that end in every way, with names and payloads of every kind.
fn campaigns() -> Vec<(String, Report)> {
    let mut campaigns = vec![
        ("healthy".to_owned(), Campaign::healthy().report()),
        ("failing".to_owned(), Campaign::failing().report()),
        ("not ready".to_owned(), Campaign::not_ready().report()),
    ];
    let mut never_executed = Campaign::healthy();
    never_executed.described.scenario.steps[REFUND as usize].optional = false;
    never_executed.figures.steps.remove(&FULFILLED);
    campaigns.push(("never executed".to_owned(), never_executed.report()));
    for (name, ending) in [
        ("interrupted", Ending::Interrupted),
        ("lost", Ending::Lost("factory factory-1 was killed by signal 9 (SIGKILL)".into())),
    ] {
        let mut aborted = Campaign::failing();
        aborted.figures.released = 612;
        aborted.step(ACCEPTED).cancelled = 40;
        aborted.ending = ending;
        campaigns.push((name.to_owned(), aborted.report()));
    }
    let mut nothing = Campaign::healthy();
    nothing.figures = Default::default();
    nothing.ending = Ending::Interrupted;
    campaigns.push(("interrupted before anything".to_owned(), nothing.report()));
    let mut invalid = Campaign::healthy();
    invalid.figures.release_lag.record_n(3_000_000_000, 20);
    campaigns.push(("invalid".to_owned(), invalid.report()));
    for kind in FailureKind::ALL {
        let mut failing = Campaign::healthy();
        failing.step(ACCEPTED).record_failure(kind, at(1.0));
        failing.step(ACCEPTED).failed_minions = 1;
        campaigns.push((format!("one {kind}"), failing.report()));
    }
    for text in [
        "",
        " ",
        " same ",
        "same",
        "\u{0}",
        "quotes \" ' ]]> <&> \u{1b}[31m \u{0} \u{fffe} é 🎉",
        "]]><!-- & --> </testsuite>",
        "a\r\nb\tc\n\n",
        "&#0; &#x1F; &lt;",
        "../../../etc/passwd",
        "[[ATTACHMENT|/etc/passwd]]",
        "日本 \u{202e}desrever",
    ] {
        campaigns.push((format!("hostile {text:?}"), hostile(text)));
    }
    campaigns.push(("long names".to_owned(), hostile(&"long & \"line\" ".repeat(10_000))));
    let mut several = Campaign::failing().report();
    let one = several.scenarios.remove(0);
    several.scenarios = (0..3)
        .map(|n| ScenarioReport { name: format!("{}{n}", "alike ".repeat(100)), ..one.clone() })
        .collect();
    campaigns.push(("names that differ at their end".to_owned(), several));
    campaigns
}

#[test]
fn jenkins_gitlab_gradle_and_the_test_reporters_take_every_file() {
    for (name, report) in campaigns() {
        let broken = broken_rules(&junit::files(&report).unwrap());
        assert!(broken.is_empty(), "{name}: {}", broken.join("\n"));
    }
}

/// A campaign of `scenarios`, each with `steps` failing steps of which everything is as long as `text`.
fn fat(scenarios: usize, steps: usize, text: &str) -> Report {
    let mut report = Campaign::failing().report();
    let mut one = report.scenarios.remove(0);
    let mut failing = one.steps[ACCEPTED as usize].clone();
    // Without figures, whose merging would be what this test spends its time on.
    failing.figures = StepFigures::default();
    failing.headline = Some(text.to_owned());
    failing.failures[0].evidence[0].exchanges = vec![exchange(text)];
    one.steps = (0..steps).map(|n| StepReport { name: format!("step-{n}"), ..failing.clone() }).collect();
    report.scenarios =
        (0..scenarios).map(|n| ScenarioReport { name: format!("scenario-{n}"), ..one.clone() }).collect();
    report
}

#[test]
fn whatever_a_campaign_holds_its_files_are_small_enough_and_say_what_was_cut() {
    let text = "<\"&'> fat evidence ".repeat(60);
    for (scenarios, steps, shortened, left_out) in
        [(1, 100, false, false), (4, 500, true, false), (16, 900, true, true)]
    {
        let report = fat(scenarios, steps, &text);
        let files = junit::files(&report).unwrap();
        assert_eq!(files.len(), scenarios);
        assert_readable(&files);
        let size: usize = files.iter().map(|(_, text)| text.len()).sum();
        // Cut no further than needed.
        let least = if shortened { SIZE_LIMIT / 8 } else { 0 };
        assert!((least..=SIZE_LIMIT).contains(&size), "{scenarios} of {steps} steps: {size}");
        for (name, text) in &files {
            let says = |what: &str| text.contains(&format!("<property name=\"{what}\""));
            assert_eq!((says("shortened"), says("test-cases-left-out")), (shortened, left_out), "{name}");
        }
        if left_out {
            // Each step failed, of three criteria one, and the warnings pass.
            assert_left_out(&files[0].1, steps + 4, steps + 1);
        }
    }
}

/// What is not there is counted, and failures come first.
#[track_caller]
fn assert_left_out(text: &str, cases: usize, failed: usize) {
    let document = roxmltree::Document::parse(text).unwrap();
    let property = document.descendants().find(|n| n.attribute("name") == Some("test-cases-left-out"));
    let read = property.and_then(|n| n.attribute("value")).unwrap();
    let count = |tag| document.descendants().filter(|n| n.has_tag_name(tag)).count();
    let (shown, shown_failed) = (count("testcase"), count("failure"));
    assert_eq!(shown, shown_failed);
    assert_eq!(read, format!("{}, of which {} did not pass", cases - shown, failed - shown_failed));
}

/// Tests, failures, errors, skipped, and whether all names are unique.
const JUNITPARSER: &str = r#"
import sys, junitparser
suites = junitparser.JUnitXml.fromfile(sys.argv[1])
suite = next(iter(suites))
cases = list(suite)
kinds = [type(r).__name__ for case in cases for r in case.result]
names = {(case.classname, case.name) for case in cases}
print(suite.tests, *[kinds.count(kind) for kind in ("Failure", "Error", "Skipped")], len(names) == len(cases))
assert (suite.failures, suite.errors) == (kinds.count("Failure"), kinds.count("Error"))
"#;

/// Tests, failures and errors, skipped of junit2html's own counting, and whether its page shows each message.
const JUNIT2HTML: &str = r#"
import sys, html
from junit2htmlreport import parser, runner
report = parser.Junit(sys.argv[1])
suite, = report.suites
assert len(suite.passed()) + len(suite.failed()) + len(suite.skipped()) == len(suite.all())
print(len(suite.all()), len(suite.failed()), len(suite.skipped()), end=" ")
runner.run([sys.argv[1], sys.argv[1] + ".html"])
page = html.unescape(open(sys.argv[1] + ".html", encoding="utf-8").read())
print(all(case.failure_msg in page or case.error_msg in page for case in suite.failed()))
"#;

/// What a program reads of the first file of a campaign.
#[track_caller]
fn read_by(python: &Path, program: &str, report: &Report, missing: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let files = junit::write(report, folder.path()).unwrap();
    let read = Command::new(python).args(["-c", program]).arg(&files[0]).output().expect(missing);
    let complaint = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{missing}: {complaint}");
    String::from_utf8_lossy(&read.stdout).trim().to_owned()
}

#[track_caller]
fn junitparser(report: &Report) -> String {
    let missing = "Debian's package python3-junitparser is installed";
    read_by(Path::new("/usr/bin/python3"), JUNITPARSER, report, missing)
}

#[track_caller]
fn junit2html(report: &Report) -> String {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/junit-readers/bin/python");
    read_by(
        &python,
        JUNIT2HTML,
        report,
        "run `sh runner/crates/qalipsis-report/tests/readers/fetch.sh` first",
    )
}

#[test]
fn junitparser_counts_what_was_judged() {
    assert_eq!(
        junitparser(&Campaign::healthy().report()),
        "7 0 0 1 True",
        "four steps, of which one is optional"
    );
    assert_eq!(junitparser(&Campaign::failing().report()), "8 3 0 1 True");
}

#[test]
fn junit2html_counts_and_shows_what_was_judged() {
    assert_eq!(junit2html(&Campaign::healthy().report()), "7 0 1 True");
    assert_eq!(junit2html(&Campaign::failing().report()), "8 3 1 True");
    // The warm-up is the test that failed; nothing was executed, so nothing else was judged.
    assert_eq!(junit2html(&Campaign::not_ready().report()), "8 1 7 True");
}

#[test]
fn both_read_names_of_any_kind_and_each_once() {
    for text in ["same", " same ", "quotes \" ' ]]> <&> \u{1b}[31m \u{0} \u{fffe} é 🎉", "a\nb"] {
        let report = hostile(text);
        let read = junitparser(&report);
        assert!(read.ends_with(" True"), "{text}: {read}");
        let read = junit2html(&report);
        assert!(read.ends_with(" True"), "{text}: {read}");
    }
}
