//! Executables of another version of the contract.

use crate::support::{FIXTURE, TestContext, flat};
use std::fs;

/// An executable of version 1.
const EARLIER: &str = env!("CARGO_BIN_EXE_earlier");

#[test]
fn an_executable_of_contract_1_is_refused_with_one_line() {
    for command in ["--autostart", "validate"] {
        let context = TestContext::new();
        let finished = context.run(&[command, "--executable", EARLIER]);
        assert_eq!(finished.code(), Some(2), "{finished}");
        assert_eq!(finished.stdout, "", "{finished}");
        assert_eq!(
            finished.stderr,
            format!(
                "error: {EARLIER}: uses contract version 1, this runner uses version 2: \
                 update its qalipsis dependency and rebuild it\n"
            )
        );
        assert_eq!(fs::read_dir(context.path()).unwrap().count(), 0, "nothing is written");
        context.assert_nothing_left();
    }
}

/// As after a deployment between the description and the start.
#[test]
fn a_factory_of_contract_1_is_refused_before_the_load() {
    let context = TestContext::new();
    let body = format!("[ \"$1\" = describe ] && exec '{FIXTURE}' describe\nexec '{EARLIER}' \"$@\"");
    let executable = context.script("replaced", &body);
    let finished = context.run(&["--autostart", "-s", "green", "--executable", executable.to_str().unwrap()]);
    assert_eq!(finished.code(), Some(5), "{finished}");
    let lost = "factory 'replaced' was lost before the load started: \
                uses version 1 of the contract, this runner uses 2; rebuild both";
    assert!(flat(&finished.stdout).contains(lost), "{finished}");
    context.assert_nothing_left();
}
