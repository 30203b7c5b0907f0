//! Programs of the workspace.

use std::process::Command;
use std::time::Duration;

use qalipsis_testkit::{Process, binary};

#[test]
fn a_program_of_the_workspace_is_built_once_and_runs() {
    let paths: Vec<_> = std::thread::scope(|scope| {
        let builds: Vec<_> = (0..4).map(|_| scope.spawn(|| binary("xtask", "xtask").unwrap())).collect();
        builds.into_iter().map(|build| build.join().unwrap()).collect()
    });
    assert!(paths.iter().all(|path| *path == paths[0]));
    let help =
        Process::spawn(Command::new(&paths[0]).arg("--help")).unwrap().wait(Duration::from_secs(20)).unwrap();
    assert!(help.status.success() && help.stdout.contains("cargo xtask"), "{help}");
}

#[test]
fn unknown_names_are_reported() {
    let error = binary("no-such-package", "xtask").unwrap_err().to_string();
    assert_eq!(error, "the workspace has no package `no-such-package`");
    let error = binary("xtask", "no-such-program").unwrap_err().to_string();
    assert_eq!(error, "the package `xtask` has no binary `no-such-program`");
}
