//! Trying a scenario out: short runs, what it logs, where it finds its data, and one iteration again.

use crate::support::{FIXTURE, TestContext, finish, flat};
use qalipsis_testkit::Finished;
use std::collections::BTreeSet;
use std::fs;

fn alone(context: &TestContext, arguments: &[&str]) -> Finished {
    let mut command = context.program(FIXTURE);
    command.arg("run").args(arguments);
    finish(command)
}

fn replay(context: &TestContext, minion: u32) -> Finished {
    let mut command = context.qalipsis(&["replay", "--executable", FIXTURE, "--campaign"]);
    command.arg(context.summary()).args(["--minion", &minion.to_string()]);
    finish(command)
}

/// Lines that begin so, of what factories print.
fn lines(finished: &Finished, start: &str) -> Vec<String> {
    let printed = finished.stderr.lines().chain(finished.stdout.lines());
    let mut found: Vec<String> = printed.filter(|line| line.starts_with(start)).map(str::to_owned).collect();
    found.sort();
    found
}

/// Red while `--minions` was refused for arrivals, and there was no `--for`.
#[test]
fn e7_every_profile_has_a_smoke_run() {
    let context = TestContext::new();
    for (arguments, minions) in [(&["--minions", "5"][..], 5), (&["--for", "200ms"], 10)] {
        let finished = alone(&context, &[&["arrives"], arguments].concat());
        assert_eq!(finished.code(), Some(0), "{finished}");
        assert!(finished.stdout.contains(&format!("arrives: {minions} minions")), "{finished}");
        assert!(
            finished.stderr.contains("smoke run, not judged: arrives: act count at least 1000"),
            "{finished}"
        );
        let finished = context.autostart("arrives", arguments);
        assert_eq!(finished.code(), Some(0), "{finished}");
        assert!(finished.stdout.contains(&format!("arrives: {minions} minions")), "{finished}");
    }
    let refused = context.autostart("arrives", &["--minions", "5000"]);
    assert_eq!(refused.code(), Some(2), "{refused}");
    let line =
        "error: scenario 'arrives': its profile gives 1000 minions, so --minions can be at most 1000\n";
    assert_eq!(refused.stderr, line);
    for wrong in [&["--minions", "0"][..], &["--for", "5"], &["--for", "0s"]] {
        assert_eq!(context.autostart("arrives", wrong).code(), Some(2), "{wrong:?}");
    }
}

/// Red while the seed was always 1, so that a second run gave a system the same ids again.
#[test]
fn e7_a_scenario_that_runs_alone_has_a_random_seed_and_shows_it() {
    let context = TestContext::new();
    let drawn = |arguments: &[&str]| {
        let finished = alone(&context, &[&["identifies"], arguments].concat());
        assert_eq!(finished.code(), Some(0), "{finished}");
        let seed = finished.stdout.split("--seed ").nth(1).expect("the seed is shown");
        let seed = seed.split_whitespace().next().unwrap().to_owned();
        let draws: Vec<String> = lines(&finished, "minion ")
            .iter()
            .map(|line| line.split(" and is ").next().unwrap().to_owned())
            .collect();
        (seed, draws)
    };
    let (first, second) = (drawn(&[]), drawn(&[]));
    assert_ne!(first, second);
    assert_eq!(drawn(&["--seed", &first.0]), first, "the seed that is shown gives the same data");
}

/// Red while it knew nothing but `-p`.
#[test]
fn e7_a_scenario_that_runs_alone_reads_the_configuration_of_the_runner() {
    let context = TestContext::new();
    context.write("qalipsis.yml", "scenarios.configured.minions: 3\nproperties.greeting: from the file\n");
    let run = |arguments: &[&str]| {
        let mut command = context.program(FIXTURE);
        command.args(["run", "configured"]).args(arguments).env("QALIPSIS_PROPERTIES_PAUSE", "7ms");
        finish(command)
    };
    let finished = run(&["-c", "campaign.seed=11"]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert!(finished.stdout.contains("from the file after 7ms with None"), "{finished}");
    assert!(
        finished.stdout.contains("configured: 3 minions") && finished.stdout.contains("--seed 11"),
        "{finished}"
    );
    let finished = run(&["-c", "properties.greeting=from -c", "-p", "greeting=from -p", "--minions", "1"]);
    assert!(finished.stdout.contains("from -p after 7ms"), "{finished}");
    let refused = run(&["-c", "campain.seed=1"]);
    assert_eq!(refused.code(), Some(2), "{refused}");
    assert_eq!(refused.stderr, "error: -c: unknown key 'campain.seed', did you mean 'campaign.seed'?\n");
    let refused = run(&["-p", "token:hunter2"]);
    assert_eq!((refused.code(), refused.stderr.contains("hunter2")), (Some(2), false), "{refused}");
}

/// Red while the line took figures of one second and the time of the next: 300.
#[test]
fn e4_progress_shows_time_and_figures_of_one_instant() {
    let context = TestContext::new();
    let finished = context.autostart("arrives", &["--for", "7s"]);
    let line = finished.stderr.lines().find(|line| line.starts_with("0:05  ")).expect("there is a line");
    let released: u32 = line["0:05  ".len()..].split(' ').next().unwrap().parse().unwrap();
    // The instant is just after 5 s; a busy machine releases late.
    assert!((230..300).contains(&released), "{line}");
}

/// Red while nothing of it could be seen without a subscriber of one's own.
#[test]
fn e15_the_log_has_scenario_minion_iteration_and_step_in_each_line() {
    let context = TestContext::new();
    let mut command = context.campaign("identifies", &["--log", "debug"]);
    command.env_remove("RUST_LOG");
    let finished = finish(command);
    assert_eq!(finished.code(), Some(0), "{finished}");
    for wanted in [
        " debug identifies minion 1 iteration 0: identified = ",
        " debug identifies minion 1 iteration 0 step act: success after ",
        " debug identifies minion 1 iteration 0 step check: success after ",
        " debug identifies minion 1 iteration 0: success after ",
    ] {
        assert_eq!(finished.stderr.matches(wanted).count(), 1, "{wanted}: {finished}");
    }
    let quiet = context.autostart("identifies", &[]);
    assert!(!quiet.stderr.contains("identifies minion"), "{quiet}");

    let mut command = context.campaign("toggles", &[]);
    fs::write(context.path().join("broken"), "").unwrap();
    command.env("RUST_LOG", "qalipsis=warn");
    let finished = finish(command);
    let line = " warn toggles minion 0 iteration 0 step check: assertion: ";
    assert!(finished.stderr.contains(line) && !finished.stderr.contains(" debug "), "{finished}");
    let finished = alone(&context, &["toggles", "--log", "debug"]);
    assert!(
        finished.stderr.contains(line) && finished.stderr.contains(" step act: success after "),
        "{finished}"
    );

    let refused = context.autostart("identifies", &["--log", "loud"]);
    assert_eq!(refused.code(), Some(2), "{refused}");
    assert!(
        refused.stderr.contains("'loud' must be one of off, error, warn, info, debug, trace"),
        "{refused}"
    );
}

#[test]
fn e15_nothing_that_is_logged_shows_a_secret() {
    let context = TestContext::new();
    let token = "properties.token=hunter2";
    let finished = context.autostart("configured", &["--log", "trace", "-c", token]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert!(finished.stderr.contains(" step act: success"), "{finished}");
    assert!(!format!("{finished}").contains("hunter2"), "{finished}");
}

#[test]
fn e15_what_several_executables_print_begins_with_their_name() {
    let context = TestContext::new();
    let other = context.script("other", &format!("FIXTURE_SCENARIOS=other exec '{FIXTURE}' \"$@\""));
    let mut command = context.campaign("identifies,other-red", &["--log", "warn"]);
    command.arg("--executable").arg(&other);
    let finished = finish(command);
    assert_eq!(lines(&finished, "fixture | minion ").len(), 2, "{finished}");
    assert_eq!(lines(&finished, "other | ").len(), 5, "{finished}");
}

/// Red while a path led from the current folder only, and the message did not say where it was looked for.
#[test]
fn e14_a_data_file_is_found_in_the_package_of_the_scenario() {
    let context = TestContext::new();
    let finished = context.autostart("reads", &[]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    // One in the current folder goes first.
    context.write("data/customers.csv", "name\nEve\n");
    let finished = context.autostart("reads", &[]);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let finished = context.autostart("reads", &["-c", "properties.file=custs.csv"]);
    let here = context.path().canonicalize().unwrap();
    let text = flat(&finished.stdout);
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/custs.csv");
    for path in [format!("{}/custs.csv", here.display()), package.to_owned()] {
        assert!(text.replace(' ', "").contains(&path.replace(' ', "")), "{path}: {finished}");
    }
    assert!(text.contains("data file custs.csv: No such file or directory"), "{finished}");
}

#[test]
fn e14_a_replay_says_that_its_data_file_was_changed() {
    let context = TestContext::new();
    let file = context.write("customers.csv", "name\nAnn\nBob\n");
    let property = format!("properties.file={}", file.display());
    assert_eq!(context.autostart("reads", &["-c", &property]).code(), Some(0));
    let same = replay(&context, 1);
    assert!(same.code() == Some(0) && !same.stdout.contains("has been changed"), "{same}");
    context.write("customers.csv", "name\nAnn\nBov\n");
    let changed = replay(&context, 1);
    let warning = format!("data file {} has been changed since the campaign", file.display());
    assert!(flat(&changed.stdout).contains(&flat(&warning)), "{changed}");
}

/// Red while replay said nothing of it.
#[test]
fn b9_a_replay_says_where_it_ends_otherwise_than_the_campaign() {
    let context = TestContext::new();
    fs::write(context.path().join("broken"), "").unwrap();
    assert_eq!(context.autostart("toggles", &[]).code(), Some(3));
    let same = replay(&context, 0);
    assert_eq!(same.code(), Some(3), "{same}");
    assert!(same.stdout.contains("every step ended as in the campaign"), "{same}");
    fs::remove_file(context.path().join("broken")).unwrap();
    let other = replay(&context, 0);
    assert_eq!(other.code(), Some(0), "{other}");
    let difference = "differs step 'check': the replay succeeded, the campaign saw assertion";
    assert!(flat(&other.stdout).contains(difference), "{other}");
    // Without the list the evidence of the summary says the same.
    fs::remove_file(context.summary().with_file_name("failures.jsonl")).unwrap();
    assert!(flat(&replay(&context, 0).stdout).contains(difference));
}

#[test]
fn b9_a_replay_that_fails_where_the_campaign_did_not_says_so() {
    let context = TestContext::new();
    assert_eq!(context.autostart("toggles", &[]).code(), Some(0));
    fs::write(context.path().join("broken"), "").unwrap();
    let other = replay(&context, 0);
    let difference = "step 'check': the replay saw assertion, the campaign saw no failure";
    assert!(flat(&other.stdout).contains(difference), "{other}");
}

#[test]
fn b9_unique_ids_differ_in_each_campaign_and_replay_while_data_repeats() {
    let context = TestContext::new();
    let mut ids = BTreeSet::new();
    let mut draws = BTreeSet::new();
    let mut read = |finished: &Finished, minions: usize| {
        let found = lines(finished, "minion ");
        assert_eq!(found.len(), minions, "{finished}");
        for line in found {
            let (drawn, own) = line.split_once(" and is ").unwrap();
            draws.insert(drawn.to_owned());
            for id in own.split(" or ") {
                assert!(ids.insert(id.to_owned()), "{id} is there twice: {finished}");
            }
        }
    };
    let first = context.autostart("identifies", &[]);
    read(&first, 2);
    let again = replay(&context, 1);
    read(&again, 1);
    let context = TestContext::new();
    let second = context.autostart("identifies", &[]);
    read(&second, 2);
    assert_eq!(draws.len(), 2, "one seed, the same data: {draws:?}");
    assert_eq!(ids.len(), 10);
}

/// Red while five were kept and the rest could not be found.
#[test]
fn b4_every_failed_execution_is_listed() {
    let context = TestContext::new();
    assert_eq!(context.autostart("red", &[]).code(), Some(3));
    let list = fs::read_to_string(context.summary().with_file_name("failures.jsonl")).unwrap();
    let minions: BTreeSet<u64> = list
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["scenario"], &line["step"]), (&"red".into(), &"check".into()));
            assert_eq!((&line["kind"], &line["factory"]), (&"assertion".into(), &"fixture".into()));
            assert_eq!(line["message"], "expected status 202, observed 503");
            line["minion"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(minions, (0..37).collect());
}

#[test]
fn b4_the_list_is_bounded_and_says_so() {
    let context = TestContext::new();
    let finished = context.autostart("red", &["-c", "report.export.failures.limit=10"]);
    let list = fs::read_to_string(context.summary().with_file_name("failures.jsonl")).unwrap();
    assert_eq!(list.lines().count(), 11);
    assert_eq!(list.lines().last(), Some("{\"unlisted\":27}"));
    let warning = "27 failed executions are not in failures.jsonl, which lists at most 10";
    assert!(flat(&finished.stdout).contains(warning), "{finished}");
    let context = TestContext::new();
    context.autostart("red", &["-c", "report.export.failures.limit=0"]);
    assert!(!context.summary().with_file_name("failures.jsonl").exists());
    let context = TestContext::new();
    context.autostart("green", &[]);
    assert!(!context.summary().with_file_name("failures.jsonl").exists(), "nothing failed");
}
