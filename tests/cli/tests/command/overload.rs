//! Overload policies, from code and from configuration.

use crate::support::{FIXTURE, TestContext, flat};
use qalipsis_testkit::Finished;

/// 60 minions within 300 ms, each of which takes much longer.
fn crowded(context: &TestContext, arguments: &[&str]) -> Finished {
    let patient = ["-c", "properties.takes=3s", "-c", "campaign.limits.release-lag=5m"];
    context.autostart("crowded", &[&patient[..], arguments].concat())
}

#[track_caller]
fn assert_ends(finished: &Finished, code: i32, message: &str) {
    assert_eq!(finished.code(), Some(code), "{finished}");
    assert!(flat(&finished.stdout).contains(message), "no `{message}` in {finished}");
}

/// Values of a property of the only test suite.
fn property(context: &TestContext, name: &str) -> Vec<String> {
    let junit = context.junit();
    let document = roxmltree::Document::parse(&junit).unwrap();
    let properties = document.descendants().filter(|node| node.has_tag_name("property"));
    let named = properties.filter(|node| node.attribute("name") == Some(name));
    named.map(|node| node.attribute("value").unwrap().to_owned()).collect()
}

#[test]
fn what_is_dropped_makes_the_figures_invalid() {
    let context = TestContext::new();
    let invalid = crowded(&context, &[]);
    let message = "✗ crowded invalid the load was not what was asked: 45 of 60 minions were dropped because too many \
                   others were active, the limit is 0 (campaign.limits.dropped); release fewer, or allow more of them \
                   at once (scenarios.<scenario>.overload)";
    assert_ends(&invalid, 6, message);
    assert_eq!(
        (property(&context, "dropped"), property(&context, "minions-released")),
        (vec!["45".into()], vec!["15".into()])
    );
}

#[test]
fn drops_within_their_limit_are_green_and_reported() {
    let context = TestContext::new();
    let arguments = ["-c", "scenarios.crowded.overload=drop:20", "-c", "campaign.limits.dropped=40"];
    assert_ends(&crowded(&context, &arguments), 0, "40 minions dropped");
    assert_eq!(property(&context, "dropped"), ["40"]);
}

#[test]
fn an_abort_ends_the_campaign_with_5() {
    let context = TestContext::new();
    let aborted = crowded(&context, &["-c", "scenarios.crowded.overload=abort:10"]);
    let message = "✗ crowded aborted stopped by its overload policy: 10 minions were active when one more was to be \
                   released; release fewer, or find out why they do not end";
    assert_ends(&aborted, 5, message);
    let notice = "stopping: the overload policy of a scenario asks for it";
    assert_eq!(aborted.stderr.lines().filter(|line| *line == notice).count(), 1, "{aborted}");
    assert_eq!(property(&context, "dropped"), ["50"]);
    context.assert_nothing_left();
}

#[test]
fn a_queue_from_configuration_releases_everything() {
    let context = TestContext::new();
    assert_ends(
        &crowded(&context, &["-c", "scenarios.crowded.overload=queue"]),
        0,
        "SUCCESSFUL crowded: 60 minions",
    );
    assert_eq!(property(&context, "dropped"), [""; 0]);
}

#[test]
fn the_policy_is_shown_before_anything_runs() {
    let context = TestContext::new();
    let run = |arguments: &[&str]| {
        let finished = context.run(&[arguments, &["--executable", FIXTURE, "-s", "crowded"]].concat());
        assert_eq!(finished.code(), Some(0), "{finished}");
        finished.stdout
    };
    assert!(run(&["list"]).contains("\n  overload  drop:15\n"));
    let listed: serde_json::Value = serde_json::from_str(&run(&["list", "--json"])).unwrap();
    assert_eq!(listed["executables"][0]["scenarios"][0]["overload"], "drop:15");
    assert!(run(&["validate"]).contains("every 5 ms, overload drop:15\n"));
    context.write("qalipsis.yml", "scenarios:\n  crowded:\n    overload: abort:7\n");
    assert!(run(&["validate"]).contains("every 5 ms, overload abort:7\n"));
    let wrong = context.run(&[
        "validate",
        "--executable",
        FIXTURE,
        "-c",
        "scenarios.crowded.overload=drop",
        "-s",
        "crowded",
    ]);
    assert_eq!(wrong.code(), Some(2), "{wrong}");
    assert!(
        wrong.stderr.contains("scenarios.crowded.overload must be queue, drop:<minions> or abort:<minions>")
    );
}
