//! Names, messages and payloads that are hard to print.

use crate::support::{TestContext, flat};
use qalipsis_testkit::Finished;
use roxmltree::Document;

const LARGEST_JUNIT_BYTES: usize = 5 * 1024 * 1024;

/// The longest line of a console that anybody would want to read.
const LONGEST_LINE: usize = 2_000;

/// Whether XML 1.0 allows a character.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[track_caller]
fn assert_valid_junit(text: &str) {
    assert!(text.len() < LARGEST_JUNIT_BYTES, "{} bytes", text.len());
    assert_eq!(text.chars().find(|c| !is_xml(*c)), None);
    assert!(!text.contains('\u{1b}'));
    Document::parse(text).unwrap();
}

#[track_caller]
fn assert_plain(finished: &Finished) {
    for text in [&finished.stdout, &finished.stderr] {
        let strange = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(strange, None, "{finished}");
    }
}

#[test]
fn hostile_text_is_shown_harmlessly() {
    let context = TestContext::new();
    let finished = context.autostart("hostile*", &["-v"]);
    assert_eq!(finished.code(), Some(3), "{finished}");
    assert_plain(&finished);
    let text = flat(&finished.stdout);
    assert!(
        text.contains(r#"✗ hostile "name" ]]> é 🎉 › check "this" ]]> & \u{1b}[31m é 🎉 assertion"#),
        "{finished}"
    );
    assert!(
        text.contains(r#"2 of 2 minions: expected quotes " ' ]]> <&> \u{1b}[31m \u{0} \u{fffe} é 🎉"#),
        "{finished}"
    );
    assert!(text.contains(r#"panic outside of steps: panicked at tests/cli/src/main.rs:"#), "{finished}");
    assert!(finished.stderr.contains(r#"quotes " ' ]]> <&> \u{1b}[31m \u{0} \u{fffe} é 🎉"#), "{finished}");

    let junit = context.junit();
    assert_valid_junit(&junit);
    let document = Document::parse(&junit).unwrap();
    let suite = document.descendants().find(|n| n.has_tag_name("testsuite")).unwrap();
    assert_eq!(suite.attribute("name"), Some(r#"hostile "name" ]]> é 🎉"#));
    let file = context.junit_files().remove(0);
    let name = file.file_name().unwrap().to_str().unwrap();
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    assert!(name.starts_with("TEST-hostile") && name.chars().all(is_safe), "{name}");
}

#[test]
fn hostile_text_is_shown_harmlessly_by_list_and_validate() {
    let context = TestContext::new();
    for command in [&["list"][..], &["list", "--json"], &["validate"]] {
        let mut arguments = command.to_vec();
        arguments.extend(["-s", "hostile*", "--executable", crate::support::FIXTURE]);
        let finished = context.run(&arguments);
        assert_eq!(finished.code(), Some(0), "{finished}");
        assert_plain(&finished);
        if command.contains(&"--json") {
            let document: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
            let scenario = &document["executables"][0]["scenarios"][0];
            assert_eq!(scenario["name"], "hostile \"name\" ]]> é 🎉");
            assert!(
                scenario["description"].as_str().unwrap().contains("\u{1b}[31m"),
                "JSON keeps what was given"
            );
        }
    }
}

#[test]
fn huge_payloads_are_cut() {
    let context = TestContext::new();
    // Writing out megabytes keeps the workers busy for longer than a release may be late.
    let finished = context.autostart("huge", &["-c", "campaign.limits.release-lag=5m"]);
    assert_eq!(finished.code(), Some(3), "{finished}");
    assert_plain(&finished);
    assert!(finished.stdout.len() < 64 * 1024);
    let longest = finished.stdout.lines().map(str::len).max();
    assert!(longest < Some(LONGEST_LINE), "{longest:?}");
    let junit = context.junit();
    assert_valid_junit(&junit);
    for message in Document::parse(&junit).unwrap().descendants().filter_map(|n| n.attribute("message")) {
        assert!(message.chars().count() < LONGEST_LINE, "{} characters", message.len());
    }
}

#[test]
fn what_factories_print_is_passed_on_harmlessly() {
    let context = TestContext::new();
    let finished = context.autostart("prints", &[]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert_plain(&finished);
    assert_eq!(finished.stderr.matches('x').count(), 1024 * 1024, "nothing is lost");
    assert!(finished.stderr.lines().all(|line| line.len() <= 64 * 1024), "lines are passed on in parts");
    assert!(finished.stderr.contains(r"\u{1b}[31m"), "after a long line comes the next one");
    let quiet = context.autostart("prints", &["-q"]);
    assert_eq!(quiet.stderr, "");
}
