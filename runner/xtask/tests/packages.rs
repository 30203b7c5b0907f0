//! A machine without what the tests need.

use std::process::Command;

#[test]
fn the_command_is_printed_where_nothing_can_be_installed() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("test")
        // No program is found, neither a compiler nor apt-get, nor the one that shows who is root.
        .env("PATH", "/no/such/folder")
        .env_remove("JAVA_HOME")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    let command = "sudo apt-get update && sudo apt-get install -y --no-install-recommends gcc ";
    assert!(text.contains(command), "{text}");
    for package in ["maven", "postgresql", "redis-server"] {
        assert!(text.contains(&format!(" {package}")), "no {package} in {text}");
    }
    assert!(!text.contains("1/"), "a step was run: {text}");
}
