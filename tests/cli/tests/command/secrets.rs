//! A secret appears nowhere, wherever it comes from.

use crate::support::{FIXTURE, TestContext, finish};
use qalipsis_testkit::Finished;
use std::fs;

const SECRET: &str = "hunter2";

#[track_caller]
fn assert_hidden(context: &TestContext, finished: &Finished) {
    assert!(!finished.stdout.contains(SECRET) && !finished.stderr.contains(SECRET), "{finished}");
    for file in context.junit_files() {
        assert!(!fs::read_to_string(&file).unwrap().contains(SECRET), "{}", file.display());
    }
}

/// All commands that see the configuration, with more arguments and environment.
fn check(arguments: &[&str], environment: &[(&str, &str)], file: Option<&str>) {
    let context = TestContext::new();
    if let Some(text) = file {
        context.write("qalipsis.yml", text);
    }
    for command in [&["--autostart", "-v"][..], &["validate"], &["list"], &["list", "--json"]] {
        let mut command = context.qalipsis(command);
        command.args(["-s", "configured", "--executable", FIXTURE]).args(arguments);
        command.envs(environment.iter().copied());
        let autostart = command.get_args().any(|a| a == "--autostart");
        let finished = finish(command);
        assert_eq!(finished.code(), Some(0), "{finished}");
        assert_hidden(&context, &finished);
        if autostart {
            assert!(finished.stderr.contains("with Some("), "it has arrived: {finished}");
        }
    }
    assert_eq!(context.junit_files().len(), 1);
}

#[test]
fn secrets_of_the_command_line_are_hidden() {
    check(&["-c", "properties.token=hunter2"], &[], None);
    check(&["-c", "scenarios.configured.properties.token=hunter2"], &[], None);
}

#[test]
fn secrets_of_the_environment_are_hidden() {
    check(&[], &[("QALIPSIS_PROPERTIES_TOKEN", SECRET)], None);
}

#[test]
fn secrets_of_a_file_are_hidden() {
    check(&[], &[], Some("properties:\n  token: hunter2\n"));
}

#[test]
fn secrets_behind_a_reference_are_hidden() {
    check(&["-c", "properties.token=${SHOP_TOKEN}"], &[("SHOP_TOKEN", SECRET)], None);
    check(&[], &[("SHOP_TOKEN", SECRET)], Some("properties:\n  token: ${SHOP_TOKEN}\n"));
}

#[test]
fn errors_do_not_show_secrets() {
    let context = TestContext::new();
    let error = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = context.campaign("configured", arguments);
        command.envs(environment.iter().copied());
        let finished = finish(command);
        assert_eq!(finished.code(), Some(2), "{finished}");
        assert_hidden(&context, &finished);
        finished.stderr
    };
    // What comes from a variable is never shown, whatever the property.
    let shown = error(&["-c", "properties.pause=${SHOP_TOKEN}"], &[("SHOP_TOKEN", SECRET)]);
    assert!(shown.contains("property 'pause' must be a duration"), "{shown}");
    let shown = error(&["-c", "properties.tokn=hunter2"], &[]);
    assert!(shown.contains("did you mean 'properties.token'?"), "{shown}");
    let shown = error(&["-c", "properties.token=hunter2", "-c", "properties.token.x=hunter2"], &[]);
    assert!(shown.starts_with("error: -c"), "{shown}");
    context.write("qalipsis.yml", "properties:\n  token: hunter2\n  token: hunter2\n");
    let shown = error(&[], &[]);
    assert!(shown.contains("given twice"), "{shown}");
    context.write("qalipsis.yml", "properties:\n  token: [hunter2\n");
    let shown = error(&[], &[]);
    assert!(shown.contains("not valid YAML"), "{shown}");
}
