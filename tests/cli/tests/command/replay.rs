//! `qalipsis replay`: one iteration again, with the same data, reported in full.

use crate::support::{FIXTURE, TestContext, finish, flat, snapshot};
use insta::assert_snapshot;
use qalipsis_summary::Summary;
use qalipsis_testkit::Finished;
use std::path::Path;

fn replay(context: &TestContext, summary: &Path, arguments: &[&str]) -> Finished {
    let mut command = context.qalipsis(&["replay", "--executable", FIXTURE, "--campaign"]);
    command.arg(summary).args(arguments);
    finish(command)
}

/// A campaign of `draws`, its summary, and what it printed.
fn drawn(context: &TestContext) -> (Summary, Finished) {
    let finished = context.autostart(
        "draws",
        &["-c", "properties.greeting=good morning", "-c", "scenarios.draws.properties.token=hunter2"],
    );
    (Summary::read(&context.summary()).unwrap(), finished)
}

#[test]
fn an_iteration_runs_again_with_the_same_data_and_all_it_does_is_reported() {
    let context = TestContext::new();
    let (summary, finished) = drawn(&context);
    // A failure that was kept names its iteration; the message shows what was drawn then.
    let mut kept = summary.scenarios[0].steps[1].failures[0].kept.iter();
    let kept = kept.find(|kept| kept.iteration > 0).expect("one beyond the first iteration was kept");
    let (minion, iteration) = (kept.minion.unwrap().to_string(), kept.iteration.to_string());

    let flags =
        ["--minion", &minion, "--iteration", &iteration, "-c", "properties.token=again", "--color", "never"];
    let replayed = replay(&context, &context.summary(), &flags);
    assert_eq!(replayed.code(), Some(3), "{replayed}");
    assert!(replayed.stdout.contains(&format!("\n    {}\n", kept.message)), "{} in {replayed}", kept.message);
    let asks = format!("minion {minion} iteration {iteration} asks for ");
    let line = |text: &str| text.lines().find(|line| line.starts_with(&asks)).map(str::to_owned);
    assert!(line(&finished.stderr).is_some(), "{asks} in {finished}");
    assert_eq!(line(&replayed.stderr), line(&finished.stderr), "the data is the same");
    assert_eq!(replayed.stderr.matches("asks for").count(), 1, "one iteration of one minion: {replayed}");
    // Only where it stands for the data: durations are numbers too.
    let drawn = &kept.checks[0].observed;
    let shown =
        ["observed ", "observed: ", "somebody: "].iter().fold(replayed.stdout.clone(), |text, before| {
            text.replace(&format!("{before}{drawn}"), &format!("{before}[DRAWN]"))
        });
    let shown = shown.replace(&format!("iteration {iteration},"), "iteration [ITERATION],");
    snapshot(|| {
        assert_snapshot!(shown, @r"
    replay of draws, minion [MINION], iteration [ITERATION], of campaign [CAMPAIGN], seed 7

    ✓ ask  action, [DURATION], from [TIME] UTC
        POST /orders

        good morning from somebody: [DRAWN]
      at tests/cli/src/main.rs:[LINE]
    ✗ enough  verification, assertion, [DURATION], from [TIME] UTC
        expected quantity below 80, observed [DRAWN]
        check quantity (tests/cli/src/main.rs:[LINE])
          expected: below 80
          observed: [DRAWN]
      at tests/cli/src/main.rs:[LINE]

    ✗ FAILED  2 executions, 1 failed
      enough: 1 of 1 minion: expected quantity below 80, observed [DRAWN]
    same  every step ended as in the campaign
    ");
    });
    context.assert_nothing_left();
}

#[test]
fn an_iteration_is_dealt_the_records_that_it_had() {
    let context = TestContext::new();
    let accounts: String = (0..100_000).map(|number| format!("{}\n", number * 7)).collect();
    let accounts = context.write("accounts.csv", &format!("id\n{accounts}"));
    let property = format!("properties.accounts={}", accounts.display());
    let finished = context.autostart("deals", &["-c", &property]);
    let data = &Summary::read(&context.summary()).unwrap().scenarios[0].data;
    let each: Vec<_> = data.iter().map(|data| (data.name.as_str(), data.records_per_pass)).collect();
    let file = format!("data file {}", accounts.display());
    assert_eq!(each, [(file.as_str(), Some(1)), ("list", Some(2)), ("stream", None)]);

    // The first iteration, one of which a failure was kept, and one that takes nothing of what others took unevenly.
    for (minion, iteration, code) in [(1, 0, 0), (2, 3, 3), (0, 6, 0)] {
        let (minion, iteration) = (minion.to_string(), iteration.to_string());
        let replayed =
            replay(&context, &context.summary(), &["--minion", &minion, "--iteration", &iteration]);
        assert_eq!(replayed.code(), Some(code), "{replayed}");
        let dealt = format!("minion {minion} iteration {iteration} is dealt ");
        let line = |text: &str| text.lines().find(|line| line.starts_with(&dealt)).map(str::to_owned);
        assert!(line(&finished.stderr).is_some(), "{dealt} in {finished}");
        assert_eq!(line(&replayed.stderr), line(&finished.stderr), "the records are the same");
    }
    let replayed = replay(&context, &context.summary(), &["--minion", "0", "--iteration", "5"]);
    assert_eq!(replayed.code(), Some(3), "{replayed}");
    let expected = "stream: iterations of that campaign took different numbers of records, so that a replay cannot \
                    give iteration 5 of minion 0 those that it had";
    assert!(flat(&replayed.stdout).contains(expected), "{replayed}");
}

#[test]
fn a_stream_that_cannot_be_read_again_is_reported() {
    let context = TestContext::new();
    assert_eq!(context.autostart("streams", &[]).code(), Some(0));
    let replayed = replay(&context, &context.summary(), &["--minion", "1"]);
    assert_eq!(replayed.code(), Some(3), "{replayed}");
    let expected = "tickets: a stream gives each record to the minion that asks first, so that a replay cannot \
                    give minion 1 those that it had";
    assert!(flat(&replayed.stdout).contains(expected), "{replayed}");
}

#[test]
fn an_iteration_that_was_good_exits_with_0_whatever_the_campaign_was() {
    for scenario in ["slow", "skips"] {
        let context = TestContext::new();
        assert_eq!(context.autostart(scenario, &["-c", "campaign.limits.release-lag=1m"]).code(), Some(3));
        let replayed = replay(&context, &context.summary(), &["--minion", "0"]);
        assert_eq!(replayed.code(), Some(0), "{replayed}");
        assert!(replayed.stdout.contains("✓ SUCCESSFUL  "), "{replayed}");
        let quiet = replay(&context, &context.summary(), &["--minion", "0", "-q"]);
        assert!(quiet.stdout.starts_with("\n✓ SUCCESSFUL  "), "{quiet}");
        assert!(
            context.path().join("test-results").read_dir().unwrap().nth(1).is_none(),
            "nothing is written"
        );
    }
}

#[test]
fn a_panic_between_steps_a_lost_factory_and_a_world_that_cannot_open_are_reported() {
    for (scenario, code, expected) in [
        ("panics", 3, "act: 1 of 1 minion: panicked at tests/cli/src/main.rs:"),
        ("aborts", 5, "factory 'fixture' was lost"),
        ("cannot-open", 5, "the database at 127.0.0.1:1 is unreachable: connection refused"),
    ] {
        let context = TestContext::new();
        context.autostart(scenario, &[]);
        let replayed = replay(&context, &context.summary(), &["--minion", "0"]);
        assert_eq!(replayed.code(), Some(code), "{replayed}");
        assert!(flat(&replayed.stdout).contains(expected), "{expected} in {replayed}");
        context.assert_nothing_left();
    }
}

#[test]
fn what_cannot_be_replayed_exits_with_2_and_says_why() {
    let context = TestContext::new();
    context.autostart("green,optional", &[]);
    let path = context.summary();
    let mut errors = String::new();
    for arguments in [
        &["--minion", "0"][..],
        &["--minion", "0", "-s", "gren"],
        &["--minion", "0", "-s", "green,optional"],
        &["--minion", "10", "-s", "green"],
        &["--minion", "0", "-s", "green", "--seed", "1"],
    ] {
        let finished = replay(&context, &path, arguments);
        assert_eq!(finished.code(), Some(2), "{finished}");
        assert_eq!(finished.stdout, "");
        errors.push_str(&finished.stderr);
    }
    let newer = context.write("newer.json", "{\"schema_version\": 999}");
    for file in [newer.file_name().unwrap().to_str().unwrap(), "nowhere.json"] {
        let finished = replay(&context, Path::new(file), &["--minion", "0"]);
        assert_eq!(finished.code(), Some(2), "{finished}");
        errors.push_str(&finished.stderr);
    }
    assert_snapshot!(errors, @r"
    error: that campaign ran several scenarios, choose one with -s: green, optional
    error: that campaign ran no scenario 'gren', did you mean 'green'?
    error: one minion belongs to one scenario, give one name with -s
    error: scenario 'green' of that campaign had 10 minions, the last is --minion 9
    error: replay takes the seed from the campaign, for another one gives other data: remove --seed
    error: newer.json has version 999 of the format, this program reads up to 1: use the qalipsis that wrote it, or a newer one
    error: failed to read the summary nowhere.json: No such file or directory (os error 2)
    ");
}
