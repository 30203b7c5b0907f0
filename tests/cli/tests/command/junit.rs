//! JUnit of the main outcomes.

use crate::support::{TestContext, place_of};
use roxmltree::{Document, Node};

fn case<'a>(document: &'a Document<'_>, name: &str) -> Node<'a, 'a> {
    let mut found =
        document.descendants().filter(|n| n.has_tag_name("testcase") && n.attribute("name") == Some(name));
    let case = found.next().unwrap_or_else(|| panic!("there is a test case `{name}`"));
    assert!(found.next().is_none(), "names are unique");
    case
}

fn result<'a>(case: &Node<'a, 'a>) -> Option<Node<'a, 'a>> {
    case.children().find(|n| ["failure", "error", "skipped"].contains(&n.tag_name().name()))
}

#[track_caller]
fn assert_at(case: &Node<'_, '_>, text: &str) {
    let (file, line) = place_of(text);
    assert_eq!(case.attribute("file"), Some(&*file));
    assert_eq!(case.attribute("line"), Some(&*line.to_string()));
}

fn property<'a>(document: &'a Document<'_>, name: &str) -> Option<&'a str> {
    let found =
        document.descendants().find(|n| n.has_tag_name("property") && n.attribute("name") == Some(name));
    found.and_then(|n| n.attribute("value"))
}

#[test]
fn a_failed_verification_is_a_failed_case_with_all_evidence() {
    let context = TestContext::new();
    context.autostart("red", &["-c", "factory.zone=here"]);
    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    let suite = document.descendants().find(|n| n.has_tag_name("testsuite")).unwrap();
    for (name, value) in
        [("name", "red"), ("tests", "2"), ("failures", "1"), ("errors", "0"), ("skipped", "0")]
    {
        assert_eq!(suite.attribute(name), Some(value), "{name}");
    }
    let timestamp = suite.attribute("timestamp").unwrap();
    assert!(timestamp.starts_with("20") && timestamp.ends_with("+00:00"), "{timestamp}");

    let act = case(&document, "act");
    assert!(result(&act).is_none(), "passing steps are there");
    assert_eq!(act.attribute("classname"), Some("cli-tests.red"));
    assert!(act.attribute("time").unwrap().parse::<f64>().is_ok());

    let check = case(&document, "check");
    let status_line = "v.equal(\"status\", status, 202)";
    assert_at(&check, status_line);
    let failure = result(&check).unwrap();
    assert_eq!((failure.tag_name().name(), failure.attribute("type")), ("failure", Some("assertion")));
    assert_eq!(failure.attribute("message"), Some("37 of 1000 minions: expected status 202, observed 503"));
    let body = failure.text().unwrap();
    assert!(body.len() <= 4096, "{} bytes", body.len());
    let time_of = |label: &str| {
        let line = body
            .lines()
            .find_map(|line| line.strip_prefix(label))
            .unwrap_or_else(|| panic!("{label} in {body}"));
        line.trim().to_owned()
    };
    let (first, last) = (time_of("first:"), time_of("last:"));
    assert!(first <= last && first.starts_with("20") && last.ends_with('Z'), "{first} {last}");
    assert!(body.contains("expected: 202") && body.contains("observed: 503"), "{body}");
    assert!(body.contains("zone here"), "{body}");
    let (file, line) = place_of(status_line);
    let end = body.trim_end().lines().last().unwrap();
    assert!(end.starts_with(&format!("{file}:{line}:")), "{end}");
    assert_eq!(body.matches("minion ").count(), 5, "the first five are kept: {body}");

    for (name, value) in [
        ("campaign-name", "red"),
        ("seed", "7"),
        ("minions", "1000"),
        ("zones", "here"),
        ("status", "FAILED"),
    ] {
        assert_eq!(property(&document, name), Some(value), "{name}");
    }
    assert!(property(&document, "profile").unwrap().contains("500 ms"));
    let key = property(&document, "campaign-key").unwrap();
    assert!(context.junit_files()[0].ends_with(format!("test-results/{key}/TEST-red.xml")));
}

#[test]
fn a_criterion_is_a_case_of_its_own() {
    let context = TestContext::new();
    context.autostart("slow", &[]);
    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    let criterion = case(&document, "act service time p95");
    assert_at(&criterion, "below(millis(10))");
    let failure = result(&criterion).unwrap();
    assert_eq!((failure.tag_name().name(), failure.attribute("type")), ("failure", Some("latency")));
    let message = failure.attribute("message").unwrap();
    assert!(message.starts_with("expected service time p95 below 10 ms, observed "), "{message}");
    assert!(result(&case(&document, "act")).is_none(), "the step itself passed");
    let mean: f64 = case(&document, "act").attribute("time").unwrap().parse().unwrap();
    assert!((0.1..5.0).contains(&mean), "seconds: {mean}");
}

#[test]
fn never_executed_fails_and_optional_is_skipped() {
    let context = TestContext::new();
    context.autostart("skips", &[]);
    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    let check = result(&case(&document, "check")).unwrap();
    assert_eq!((check.tag_name().name(), check.attribute("type")), ("failure", Some("never-executed")));
    assert_at(&case(&document, "check"), "Scenario::new(\"skips\"");

    let context = TestContext::new();
    context.autostart("optional", &[]);
    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    assert_eq!(result(&case(&document, "rare")).unwrap().tag_name().name(), "skipped");
    let suite = document.descendants().find(|n| n.has_tag_name("testsuite")).unwrap();
    assert_eq!((suite.attribute("skipped"), suite.attribute("failures")), (Some("1"), Some("0")));
}

#[test]
fn panics_and_timeouts_have_their_own_type() {
    let context = TestContext::new();
    context.autostart("panics", &[]);
    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    let act = case(&document, "act");
    assert_at(&act, "panic!(\"the scenario is broken\")");
    let failed = result(&act).unwrap();
    assert_eq!(failed.attribute("type"), Some("panic"));
    let message = failed.attribute("message").unwrap();
    let (file, line) = place_of("panic!(\"the scenario is broken\")");
    assert!(message.starts_with(&format!("3 of 3 minions: panicked at {file}:{line}:")), "{message}");
    assert!(message.ends_with(": the scenario is broken"), "{message}");

    let context = TestContext::new();
    context.autostart("never-returns", &["-c", "campaign.limits.iteration=500ms"]);
    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    let failed = result(&case(&document, "act")).unwrap();
    assert_eq!(failed.attribute("type"), Some("timeout"), "{junit}");
    let outside = document
        .descendants()
        .filter(|n| n.attribute("type") == Some("timeout"))
        .any(|n| n.attribute("message").unwrap().contains("no step was started"));
    assert!(outside, "{junit}");
}

#[test]
fn a_world_that_cannot_open_is_an_error_and_its_steps_are_skipped() {
    let context = TestContext::new();
    context.autostart("cannot-open", &[]);
    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    let failed =
        document.descendants().find(|n| n.has_tag_name("error") || n.has_tag_name("failure")).unwrap();
    assert!(
        failed
            .attribute("message")
            .unwrap()
            .contains("the database at 127.0.0.1:1 is unreachable: connection refused")
    );
    for step in ["act", "check"] {
        assert_eq!(result(&case(&document, step)).unwrap().tag_name().name(), "skipped");
    }
}

#[test]
fn b5_a_criterion_that_could_not_be_judged_for_another_failure_is_skipped() {
    let context = TestContext::new();
    // One world that cannot open keeps the others from running.
    let finished = context.autostart("slow,cannot-open", &[]);
    assert_eq!(finished.code(), Some(5), "{finished}");
    let file = context.junit_files().into_iter().find(|f| f.ends_with("TEST-slow.xml")).unwrap();
    let junit = std::fs::read_to_string(file).unwrap();
    let document = Document::parse(&junit).unwrap();
    let criterion = result(&case(&document, "act service time p95")).unwrap();
    assert_eq!(criterion.tag_name().name(), "skipped", "{junit}");
    let cause =
        "not judged: warm-up of scenario 'cannot-open' failed: the database at 127.0.0.1:1 is unreachable";
    assert!(criterion.attribute("message").unwrap().contains(cause), "{junit}");
    let red = document.descendants().filter(|n| n.has_tag_name("error") || n.has_tag_name("failure"));
    assert_eq!(red.count(), 0, "the other file shows it: {junit}");
}

#[test]
fn several_scenarios_have_a_file_each_in_the_folder_that_was_asked_for() {
    let context = TestContext::new();
    context.autostart("green,optional", &["-c", "report.export.junit.folder=out/junit"]);
    assert!(context.junit_files().is_empty());
    let campaign =
        std::fs::read_dir(context.path().join("out/junit")).unwrap().next().unwrap().unwrap().path();
    for name in ["TEST-green.xml", "TEST-optional.xml"] {
        Document::parse(&std::fs::read_to_string(campaign.join(name)).unwrap()).unwrap();
    }
    let context = TestContext::new();
    let finished = context.autostart("green", &["-c", "report.export.junit.enabled=false"]);
    assert!(context.junit_files().is_empty() && !finished.stdout.contains("junit"), "{finished}");
}
