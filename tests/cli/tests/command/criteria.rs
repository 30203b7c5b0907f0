//! Criteria on windows, stages and zones, those of the configuration, and those that stop a campaign.

use crate::support::{FIXTURE, TestContext, finish, flat, place_of, snapshot};
use insta::assert_snapshot;
use qalipsis_summary::Summary;
use qalipsis_testkit::Finished;
use std::time::Instant;

/// A campaign on a machine that may be busy with other tests.
fn run(context: &TestContext, scenario: &str, arguments: &[&str]) -> Finished {
    let mut all = vec!["-c", "campaign.limits.release-lag=1m"];
    all.extend(arguments);
    context.autostart(scenario, &all)
}

/// The criteria in the summary of the only campaign, as text.
fn criteria(context: &TestContext) -> Vec<String> {
    let summary = Summary::read(&context.summary()).unwrap();
    let criteria = summary.scenarios.iter().flat_map(|s| &s.criteria);
    let shown = criteria.map(|c| {
        let mark = if c.held { "met" } else { "breached" };
        format!("{} {} {}: {mark}", c.step.as_deref().unwrap_or_default(), c.measure, c.expected)
    });
    shown.collect()
}

#[test]
fn what_comes_before_a_window_does_not_count_in_it() {
    let context = TestContext::new();
    context.write(
        "qalipsis.yml",
        "criteria:\n- scenario: warms-up\n  step: act\n  measure: response-time.max\n  below: 1900ms\n",
    );
    let finished = run(&context, "warms-up", &[]);
    assert_eq!(finished.code(), Some(3), "{finished}");
    assert_eq!(
        criteria(&context),
        [
            "act response time max in stage 2 below 1.9 s: met",
            "act throughput after 4 s at least 2 per s: met",
            "act response time max below 1.9 s: breached",
        ]
    );
    assert!(finished.stdout.contains("at qalipsis.yml:2:3"), "{finished}");
    assert!(context.junit().contains("file=\"qalipsis.yml\" line=\"2\""), "{}", context.junit());
}

#[test]
fn configuration_tightens_and_loosens_a_gate_without_a_new_build() {
    let context = TestContext::new();
    let criterion = |scenario: &str, below: &str| {
        format!(
            "criteria:\n- {{scenario: {scenario}, step: act, measure: service-time.p95, below: {below}}}\n"
        )
    };
    context.write("qalipsis.yml", &criterion("slow", "80s"));
    let finished = run(&context, "slow", &["-c", "report.export.summary.enabled=false"]);
    assert_eq!(finished.code(), Some(0), "{finished}");

    context.write("config/qalipsis.yml", &criterion("slow", "50ms"));
    let finished = run(&context, "slow", &[]);
    assert_eq!(finished.code(), Some(3), "the nearer file has the last word: {finished}");
    assert_eq!(criteria(&context), ["act service time p95 below 50 ms: breached"]);
}

#[test]
fn a_zone_is_judged_alone_and_must_be_known() {
    let context = TestContext::new();
    context.write(
        "qalipsis.yml",
        "criteria:\n- {scenario: green, step: act, measure: count, at-least: 10, zone: eu}\n",
    );
    let finished = run(&context, "green", &["-c", "factory.zone=eu"]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert_eq!(criteria(&context), ["act count in zone eu at least 10: met"]);

    let finished = run(&context, "green", &["-c", "factory.zone=us"]);
    assert_eq!(finished.code(), Some(2), "{finished}");
    assert_eq!(
        finished.stderr,
        "error: qalipsis.yml:2:3: scenario 'green': the criterion 'act count in zone eu at least 10' is on the \
         unknown zone 'eu', the factory is in zone 'us'\n"
    );
}

#[test]
fn a_criterion_on_what_is_not_there_exits_with_2() {
    let context = TestContext::new();
    context.write(
        "qalipsis.yml",
        "\
criteria:
- {scenario: gren, step: act, measure: count, at-least: 1}
- {scenario: green, step: atc, measure: count, at-least: 1}
- {scenario: green, step: act, measure: coutn, at-least: 1}
- {scenario: green, step: act, measure: count, at-least: 1, stage: 1}
",
    );
    let errors = |command: &str| {
        let finished = context.run(&[command, "--executable", FIXTURE, "-s", "green"]);
        assert_eq!(finished.code(), Some(2), "{finished}");
        finished.stderr
    };
    assert_eq!(errors("--autostart"), errors("validate"));
    assert_snapshot!(errors("validate"), @r"
    error: qalipsis.yml:2:4: a criterion is on the unknown scenario 'gren', did you mean 'green'?
    error: qalipsis.yml:3:3: scenario 'green': a criterion is on the unknown step 'atc', did you mean 'act'?
    error: qalipsis.yml:4:32: steps have no measure 'coutn', did you mean 'count'?
    error: qalipsis.yml:5:3: scenario 'green': the criterion 'act count in stage 1 at least 1' is on a stage, but the profile has no stages
    ");
}

#[test]
fn a8_what_no_run_can_judge_or_fail_exits_with_2() {
    let context = TestContext::new();
    context.write(
        "qalipsis.yml",
        "\
criteria:
- {scenario: green, step: act, measure: count, at-least: 1, from: 300h}
- {scenario: green, step: act, measure: error-rate, at-most: 100%}
- {scenario: green, step: act, measure: count, at-least: 0}
- {scenario: green, step: act, measure: response-time.p95, below: 1000h}
- {scenario: green, step: act, measure: service-time.p95, below: 1s, abort-on-breach: 10h}
",
    );
    let errors = |command: &str| {
        let finished = context.run(&[command, "--executable", FIXTURE, "-s", "green"]);
        assert_eq!(finished.code(), Some(2), "{finished}");
        finished.stderr
    };
    assert_eq!(errors("--autostart"), errors("validate"));
    let lines = errors("validate");
    for (line, part) in (2..).zip([
        "begins when the campaign has ended, after ",
        "can never fail: every figure that can be observed meets it",
        "can never fail: every figure that can be observed meets it",
        "can never fail, for nothing takes so long: the campaign ends after ",
        "can never stop the campaign: it is checked from 10 h ",
    ]) {
        let found = lines.lines().find(|one| one.starts_with(&format!("error: qalipsis.yml:{line}:3: ")));
        assert!(found.is_some_and(|one| one.contains(part)), "{line}: {part} in {lines}");
    }
}

#[test]
fn validate_connect_opens_every_world_and_lists_all_that_cannot_be_opened() {
    let validate = |scenarios: &str| {
        let context = TestContext::new();
        let limit = "campaign.limits.warm-up=1s";
        let arguments = ["validate", "--connect", "--executable", FIXTURE, "-s", scenarios, "-c", limit];
        let finished = context.run(&arguments);
        assert!(!context.path().join("test-results").exists(), "nothing is written: {finished}");
        context.assert_nothing_left();
        finished
    };
    let good = validate("green,duplicates");
    assert_eq!(good.code(), Some(0), "{good}");
    assert!(good.stdout.ends_with("valid, and every world could be opened\n"), "{good}");
    let bad = validate("green,cannot-open,waits");
    assert_eq!(bad.code(), Some(5), "{bad}");
    assert!(!bad.stdout.contains("valid"), "{bad}");
    let lines: Vec<&str> = bad.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(
        lines,
        [
            "error: scenario 'cannot-open': warm-up: the database at 127.0.0.1:1 is unreachable: connection refused",
            "error: scenario 'waits': warm-up: the world was not open after 1 s (campaign.limits.warm-up), it waited \
             for the queue at 127.0.0.1:7",
        ]
    );
}

#[test]
fn validate_shows_what_will_be_judged_and_where_it_is_written() {
    let context = TestContext::new();
    context.write(
        "qalipsis.yml",
        "\
criteria:
- {scenario: slow, step: act, measure: service-time.p95, below: 2s, abort-on-breach: 10s}
- {scenario: slow, step: act, measure: error-rate, at-most: 1%}
",
    );
    let finished = context.run(&["validate", "--executable", FIXTURE, "-s", "slow", "--seed", "7"]);
    assert_snapshot!(finished.stdout, @r"
    campaign slow, seed 7
      slow: 10 minions, all at once
        criterion: act service time p95 below 2 s, stops the campaign from 10 s on (qalipsis.yml:2:3)
        criterion: act error rate at most 1 % (qalipsis.yml:3:3)
    valid
    ");
}

#[test]
fn a_breach_stops_the_campaign_which_then_has_failed() {
    let context = TestContext::new();
    let begun = Instant::now();
    let finished = run(&context, "breaks", &["-v"]);
    assert!(begun.elapsed().as_secs() < 60, "its load would take 10 minutes");
    assert_eq!(finished.code(), Some(3), "{finished}");
    assert!(
        finished.stderr.contains("stopping: breaks: expected act error rate at most 10 %, observed 100 %\n"),
        "{finished}"
    );
    snapshot(|| {
        let cause = finished.stdout.split("\n\n").nth(1).unwrap_or_default();
        assert_snapshot!(flat(cause), @"✗ breaks › act error-rate expected error rate at most 10 %, observed 100 %; the campaign was stopped for it after [DURATION] at tests/cli/src/main.rs:[LINE]");
    });
    let summary = Summary::read(&context.summary()).unwrap();
    let reason = &summary.reasons[0];
    assert_eq!((reason.step.as_deref(), reason.kind.as_deref()), (Some("act"), Some("error-rate")));
    assert!(
        reason.message.starts_with(
            "expected error rate at most 10 %, observed 100 %; the campaign was stopped for it after "
        ),
        "{}",
        reason.message
    );
    let location = &summary.scenarios[0].criteria[0].location;
    assert_eq!((location.file.clone(), location.line as usize), place_of("abort_on_breach(secs(1))"));
    assert!(context.junit().contains("the campaign was stopped for it after"));
}

#[test]
fn an_executable_alone_stops_for_a_breach_too() {
    let context = TestContext::new();
    let mut command = context.program(FIXTURE);
    command.args(["run", "breaks"]);
    let finished = finish(command);
    assert_eq!(finished.code(), Some(3), "{finished}");
    assert!(flat(&finished.stdout).contains("the campaign was stopped for it after"), "{finished}");
}
