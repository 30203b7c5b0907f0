//! Campaigns compared with earlier ones.

use crate::support::{TestContext, finish, flat};
use qalipsis_summary::{Status, Summary};
use qalipsis_testkit::Finished;
use roxmltree::{Document, Node};
use serde_json::Value;
use std::fs;

/// The scenario `timed` with more arguments; a busy machine is not the matter here.
fn timed(context: &TestContext, arguments: &[&str]) -> Finished {
    let mut all = vec!["-c", "campaign.limits.release-lag=1m"];
    all.extend(arguments);
    let _ = fs::remove_dir_all(context.path().join("test-results"));
    context.autostart("timed", &all)
}

/// A context with `base.json`, the baseline of a healthy run.
fn with_baseline() -> TestContext {
    let context = TestContext::new();
    let finished = timed(&context, &["--save-baseline", "base.json"]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert!(finished.stdout.contains("baseline  base.json\n"), "{finished}");
    context
}

fn case<'a>(document: &'a Document<'_>, name: &str) -> Node<'a, 'a> {
    let found = document.descendants().find(|n| n.attribute("name") == Some(name));
    found.unwrap_or_else(|| panic!("there is a test case `{name}`"))
}

fn failure<'a>(case: &Node<'a, 'a>) -> Option<Node<'a, 'a>> {
    case.children().find(|n| n.has_tag_name("failure"))
}

/// Changes the baseline by hand.
fn edit(context: &TestContext, to: &str, change: impl FnOnce(&mut Value)) {
    let text = fs::read(context.path().join("base.json")).unwrap();
    let mut value: Value = serde_json::from_slice(&text).unwrap();
    change(&mut value);
    context.write(to, &value.to_string());
}

#[test]
fn a_healthy_run_is_no_regression_from_its_own_baseline() {
    let context = with_baseline();
    let finished = timed(&context, &["--baseline", "base.json"]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    let shown = flat(&finished.stdout);
    assert!(shown.contains("✓ against 1 baseline none of 2 steps and sources is worse"), "{finished}");
    assert!(shown.contains("act response time 20"), "{finished}");
    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    let act = case(&document, "baseline: act");
    assert!(failure(&act).is_none(), "{junit}");
    let output = act.children().find(|n| n.has_tag_name("system-out")).unwrap();
    assert!(output.text().unwrap().contains("response time: baseline 20"), "{junit}");
    assert!(junit.contains("too short ones"), "what takes a microsecond is not compared: {junit}");
}

#[test]
fn only_the_comparison_fails_with_its_own_code_and_test_case() {
    let context = with_baseline();
    let finished = timed(&context, &["--baseline", "base.json", "-c", "properties.takes=1s"]);
    assert_eq!(finished.code(), Some(4), "{finished}");
    assert!(finished.stdout.starts_with("✗ FAILED (regression)  timed: "), "{finished}");
    let shown = flat(&finished.stdout);
    assert!(shown.contains("✗ timed › act regression response time "), "{finished}");
    assert!(shown.contains(" times the baseline's: p50 20"), "{finished}");
    assert!(shown.contains("✗ against 1 baseline 1 of 2 steps and sources is worse"), "{finished}");

    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    let failed: Vec<_> = document.descendants().filter(|n| n.has_tag_name("failure")).collect();
    assert_eq!(failed.len(), 1, "the step itself passed: {junit}");
    let act = case(&document, "baseline: act");
    let failed = failure(&act).unwrap();
    assert_eq!(failed.attribute("type"), Some("regression"));
    assert!(failed.attribute("message").unwrap().starts_with("response time "), "{junit}");
    assert_eq!(act.attribute("file"), Some("tests/cli/src/main.rs"));
    assert_eq!(case(&document, "status").attribute("value"), Some("FAILED (regression)"));

    let summary = Summary::read(&context.summary()).unwrap();
    assert_eq!(summary.status, Status::Failed);
    assert_eq!(summary.reasons[0].kind.as_deref(), Some("regression"));
    assert_eq!(summary.reasons[0].step.as_deref(), Some("act"));

    let finished = timed(&context, &["-q", "--baseline", "base.json", "-c", "properties.takes=1s"]);
    assert_eq!(finished.code(), Some(4), "{finished}");
    assert!(finished.stdout.contains("timed › act  regression"), "{finished}");
}

/// Red while the warning of the notification made it 3.
#[test]
fn a_notification_that_fails_does_not_change_the_code_of_a_regression() {
    let context = with_baseline();
    let arguments = [
        "--baseline",
        "base.json",
        "-c",
        "properties.takes=1s",
        "-c",
        "campaign.fail-on-warning=true",
        "-c",
        "report.export.slack.enabled=true",
        "-c",
        "report.export.slack.token=none",
        "-c",
        "report.export.slack.channel=#none",
        "-c",
        // Nobody listens there.
        "report.export.slack.url=http://127.0.0.1:1",
    ];
    let finished = timed(&context, &arguments);
    assert!(flat(&finished.stdout).contains("slack: Slack cannot be reached"), "{finished}");
    assert_eq!(finished.code(), Some(4), "{finished}");
}

#[test]
fn a_failure_besides_goes_first() {
    let context = with_baseline();
    let slow_and_wrong = ["-c", "properties.takes=1s", "-c", "properties.wrong=true"];
    let mut arguments = vec!["--baseline", "base.json", "--save-baseline", "kept.json"];
    arguments.extend(slow_and_wrong);
    let finished = timed(&context, &arguments);
    assert_eq!(finished.code(), Some(3), "{finished}");
    assert!(finished.stdout.starts_with("✗ FAILED  timed: "), "{finished}");
    let shown = flat(&finished.stdout);
    let (assertion, regression) = (shown.find("check assertion"), shown.find("act regression"));
    assert!(assertion.is_some() && assertion < regression, "{finished}");
    assert!(shown.contains("warning not saved as a baseline: the campaign is FAILED"), "{finished}");
    assert!(!context.path().join("kept.json").exists());
}

#[test]
fn getting_faster_is_reported_and_succeeds() {
    let context = TestContext::new();
    timed(&context, &["--save-baseline", "slow.json", "-c", "properties.takes=1s"]);
    let finished = timed(&context, &["--baseline", "slow.json"]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    let shown = flat(&finished.stdout);
    assert!(shown.contains("act response time (better)"), "{finished}");
    assert!(shown.contains("none of 2 steps and sources is worse, 1 is better"), "{finished}");
}

#[test]
fn a_directory_holds_several_baselines() {
    let context = with_baseline();
    fs::create_dir(context.path().join("kept")).unwrap();
    for _ in 0..2 {
        let finished = timed(&context, &["-q", "--save-baseline", "kept"]);
        assert_eq!(finished.code(), Some(0), "{finished}");
    }
    edit(&context, "kept/20260101-000000-failed.json", |v| v["status"] = "FAILED".into());
    edit(&context, "kept/20260102-000000-other.json", |v| v["scenarios"][0]["minions"] = 7.into());
    assert_eq!(fs::read_dir(context.path().join("kept")).unwrap().count(), 4);
    let finished = timed(&context, &["--baseline", "kept"]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    let shown = flat(&finished.stdout);
    assert!(shown.contains("against 2 baselines"), "{finished}");
    for note in [
        "kept/20260101-000000-failed.json is left out: its campaign is FAILED",
        "scenario timed is not compared with kept/20260102-000000-other.json: it had 7 minions",
    ] {
        assert!(shown.contains(note), "{note}: {finished}");
    }
}

#[test]
fn two_summaries_are_compared_without_running_anything() {
    let context = with_baseline();
    timed(&context, &["-c", "properties.takes=1s"]);
    fs::copy(context.summary(), context.path().join("now.json")).unwrap();

    let same = context.run(&["compare", "base.json", "base.json"]);
    assert_eq!((same.code(), same.stderr.as_str()), (Some(0), ""), "{same}");
    let worse = context.run(&["compare", "base.json", "now.json"]);
    assert_eq!(worse.code(), Some(4), "{worse}");
    assert!(worse.stdout.starts_with("✗ FAILED (regression)  now.json against 1 baseline: "), "{worse}");
    assert_eq!(context.run(&["compare", "base.json", "now.json"]).stdout, worse.stdout, "the same each time");

    let markdown = context.run(&["compare", "base.json", "now.json", "--format", "markdown"]);
    assert_eq!(markdown.code(), Some(4), "{markdown}");
    assert!(markdown.stdout.starts_with("## ❌ Worse than the baseline\n"), "{markdown}");
    assert!(markdown.stdout.contains("- ❌ **timed › act**: response time "), "{markdown}");

    let json = context.run(&["compare", "base.json", "now.json", "--format", "json"]);
    assert_eq!(json.code(), Some(4), "{json}");
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&document["schema_version"], &document["regressed"]), (&1.into(), &true.into()));
    let act = &document["scenarios"][0]["subjects"][0];
    assert_eq!((&act["name"], &act["verdict"]), (&"act".into(), &"regression".into()));
    let factor = act["changes"][0]["after"].as_f64().unwrap() / act["changes"][0]["before"].as_f64().unwrap();
    assert!((3.0..6.0).contains(&factor), "{json}");
}

#[test]
fn steps_that_are_new_or_gone_are_reported() {
    let context = with_baseline();
    edit(&context, "renamed.json", |v| v["scenarios"][0]["steps"][0]["name"] = "do".into());
    let finished = context.run(&["compare", "renamed.json", "base.json"]);
    // What is left takes a microsecond: nothing was compared, and that must not look like a success.
    assert_eq!(finished.code(), Some(2), "{finished}");
    assert!(finished.stderr.contains("nothing could be compared"), "{finished}");

    let finished = timed(&context, &["--baseline", "renamed.json"]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    let shown = flat(&finished.stdout);
    assert!(shown.starts_with("! WARNING timed"), "{finished}");
    for note in [
        "nothing was compared with the baseline",
        "step act is new: no baseline has it",
        "step do is gone: only baselines have it",
    ] {
        assert!(shown.contains(note), "{note}: {finished}");
    }
}

#[test]
fn a_baseline_that_is_none_is_refused_before_anything_starts() {
    let context = with_baseline();
    let _ = fs::remove_dir_all(context.path().join("test-results"));
    fs::create_dir(context.path().join("empty")).unwrap();
    context.write("torn.json", "{\"schema_version\": 1, \"key\": ");
    context.write("package.json", "{\"name\": \"shop\", \"version\": \"1.0.0\"}");
    context.write("foreign/package.json", "[]");
    edit(&context, "newer.json", |v| v["schema_version"] = 99.into());
    edit(&context, "aborted.json", |v| v["status"] = "ABORTED".into());
    edit(&context, "invalid.json", |v| v["status"] = "INVALID".into());
    edit(&context, "other-load.json", |v| v["scenarios"][0]["minions"] = 7.into());
    edit(&context, "other-profile.json", |v| v["scenarios"][0]["profile"] = "all at once".into());
    edit(&context, "other-scenario.json", |v| v["scenarios"][0]["name"] = "else".into());
    // An executable that leaves a trace when it is as much as asked what it has.
    let trace = context.script("trace", "touch started; exit 1");
    for (baseline, expected) in [
        ("nowhere.json", "failed to read the summary nowhere.json: No such file"),
        ("torn.json", "torn.json is not a summary.json of QALIPSIS: EOF"),
        ("package.json", "package.json is not a summary.json of QALIPSIS: missing field"),
        ("foreign", "foreign/package.json is not a summary.json of QALIPSIS: "),
        ("empty", "empty has no summary of a campaign that succeeded, write one with --save-baseline"),
        ("newer.json", "newer.json has version 99 of the format, this program reads up to 1"),
        ("aborted.json", "aborted.json cannot be compared: its campaign is ABORTED"),
        ("invalid.json", "invalid.json cannot be compared: its campaign is INVALID"),
    ] {
        let mut command = context.qalipsis(&["--autostart", "--baseline", baseline, "--executable"]);
        command.arg(&trace);
        let finished = finish(command);
        assert_refused(&finished, expected);
        assert!(!context.path().join("started").exists(), "{baseline}: {finished}");
        assert_refused(&context.run(&["compare", baseline, "base.json"]), expected);
        if !["foreign", "empty"].contains(&baseline) {
            assert_refused(&context.run(&["compare", "base.json", baseline]), expected);
        }
    }
    for (baseline, expected) in [
        ("other-load.json", "scenario timed cannot be compared with other-load.json: it had 7 minions "),
        ("other-profile.json", "it had 60 minions all at once there, and has 60 minions "),
        ("other-scenario.json", "nothing to compare: no baseline has scenario timed"),
    ] {
        assert_refused(&timed(&context, &["--baseline", baseline]), expected);
        assert!(context.junit_files().is_empty(), "{baseline}: nothing ran");
        assert_refused(&context.run(&["compare", baseline, "base.json"]), expected);
    }
    assert_refused(&context.run(&["--baseline", "base.json", "list"]), "--autostart");
}

#[track_caller]
fn assert_refused(finished: &Finished, expected: &str) {
    assert_eq!(finished.code(), Some(2), "{finished}");
    assert_eq!(finished.stdout, "", "{finished}");
    assert_eq!(finished.stderr.lines().count(), 1, "one line: {finished}");
    assert!(finished.stderr.contains(expected), "{expected}: {finished}");
}
