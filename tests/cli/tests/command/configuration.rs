//! Where values come from, and which of them wins.

use crate::support::{TestContext, finish};

/// What `configured` says that it got.
fn got(context: &TestContext, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = context.campaign("configured", arguments);
    command.envs(environment.iter().copied());
    let finished = finish(command);
    assert_eq!(finished.code(), Some(0), "{finished}");
    let line =
        finished.stderr.lines().find(|line| line.contains(" after ")).unwrap_or_else(|| panic!("{finished}"));
    line.split_once(" with").unwrap().0.to_owned()
}

#[test]
fn each_place_goes_before_the_one_below_it() {
    let context = TestContext::new();
    assert_eq!(got(&context, &[], &[]), "hello after 1ms");

    context.write("qalipsis.yml", "properties:\n  greeting: from here\n  pause: 2ms\n");
    assert_eq!(got(&context, &[], &[]), "from here after 2ms");

    context.write("config/qalipsis.yml", "properties.greeting: from config\n");
    assert_eq!(got(&context, &[], &[]), "from config after 2ms");

    let environment = [("QALIPSIS_PROPERTIES_GREETING", "from the environment")];
    assert_eq!(got(&context, &[], &environment), "from the environment after 2ms");

    let arguments = ["-c", "properties.greeting=from -c"];
    assert_eq!(got(&context, &arguments, &environment), "from -c after 2ms");

    let arguments = ["-c", "properties.greeting=from -c", "-c", "properties.greeting=from the last -c"];
    assert_eq!(got(&context, &arguments, &environment), "from the last -c after 2ms");
}

#[test]
fn the_scenarios_own_property_goes_before_the_general_one() {
    let context = TestContext::new();
    context.write(
        "qalipsis.yml",
        "scenarios:\n  configured:\n    minions: 5\n    properties:\n      greeting: own\n",
    );
    assert_eq!(got(&context, &["-c", "properties.greeting=general"], &[]), "own after 1ms");
    let finished = context.autostart("configured", &[]);
    assert!(finished.stdout.contains("configured: 5 minions"), "{finished}");
    let mut command = context.campaign("configured", &[]);
    command.env("QALIPSIS_SCENARIOS_CONFIGURED_MINIONS", "6");
    assert!(finish(command).stdout.contains("configured: 6 minions"));
}

#[test]
fn a_given_file_is_the_only_one() {
    let context = TestContext::new();
    context.write("qalipsis.yml", "properties.greeting: from here\n");
    context.write("other.yml", "properties.pause: 3ms\n");
    assert_eq!(got(&context, &["--config", "other.yml"], &[]), "hello after 3ms");
}

#[test]
fn keys_of_the_campaign_come_from_every_place() {
    let context = TestContext::new();
    context.write(
        "qalipsis.yml",
        "campaign:\n  name: from the file\n  seed: 1\nreport.export.junit.folder: file\n",
    );
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command =
            context.qalipsis(&["--autostart", "--executable", crate::support::FIXTURE, "-s", "green"]);
        command.args(arguments).envs(environment.iter().copied());
        let finished = finish(command);
        assert_eq!(finished.code(), Some(0), "{finished}");
        finished.stdout
    };
    let shown = run(&[], &[]);
    assert!(shown.contains("from the file: 10 minions") && shown.contains("--seed 1\n"), "{shown}");
    assert!(context.path().join("file").is_dir());
    let environment =
        [("QALIPSIS_REPORT_EXPORT_JUNIT_FOLDER", "environment"), ("QALIPSIS_CAMPAIGN_SEED", "2")];
    let shown = run(&["-c", "campaign.name=from -c"], &environment);
    assert!(shown.contains("from -c: 10 minions") && shown.contains("--seed 2\n"), "{shown}");
    assert!(context.path().join("environment").is_dir());
    let shown = run(&["--seed", "3", "-c", "campaign.seed=4"], &environment);
    assert!(shown.contains("--seed 3\n"), "{shown}");
}
