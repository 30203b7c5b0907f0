//! What is published, and the other way to get the runner: building it with `cargo install`.
//!
//! Both build the runner as a user does, optimised; the steps of `cargo xtask test` that follow use the same build.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = concat!("qalipsis ", env!("CARGO_PKG_VERSION"), "\n");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// A command without the variables that cargo sets for the tests of this crate: build scripts would take it for theirs.
fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    command.current_dir(folder);
    command
}

/// What it printed, when it ended well.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Packs the runner into `folder` and gives the path of the archive.
fn release(folder: &Path) -> PathBuf {
    let mut xtask = command(env!("CARGO_BIN_EXE_xtask"), &root());
    let text = output(xtask.args(["release", "--output"]).arg(folder));
    PathBuf::from(text.lines().next().unwrap())
}

#[test]
fn the_archive_holds_a_runner_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let archive = release(folder);
    let name = archive.file_name().unwrap().to_str().unwrap();
    let stem = name.strip_suffix(".tar.gz").unwrap();
    let triple = stem.strip_prefix(concat!("qalipsis-", env!("CARGO_PKG_VERSION"), "-")).unwrap();
    assert!(triple.contains("-linux-"), "{triple}");
    let mut left: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [name.to_owned(), format!("{name}.sha256")]);

    let checked =
        output(command("sha256sum", folder).args(["--check", "--strict"]).arg(format!("{name}.sha256")));
    assert_eq!(checked, format!("{name}: OK\n"));
    let listed = output(
        command("tar", folder)
            .args(["--list", "--verbose", "--numeric-owner", "--file", name])
            .env("TZ", "UTC"),
    );
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let entries: Vec<[&str; 4]> =
        lines.iter().map(|words| [words[0], words[1], words[3], words[5]]).collect();
    let day = "1970-01-01";
    assert_eq!(
        entries,
        [
            ["drwxr-xr-x", "0/0", day, &format!("{stem}/")],
            ["-rw-r--r--", "0/0", day, &format!("{stem}/LICENSE")],
            ["-rw-r--r--", "0/0", day, &format!("{stem}/README.md")],
            ["-rwxr-xr-x", "0/0", day, &format!("{stem}/qalipsis")],
        ]
    );
    output(command("tar", folder).args(["--extract", "--file", name]));
    assert_eq!(output(command(folder.join(stem).join("qalipsis"), folder).arg("--version")), VERSION);
    for document in ["LICENSE", "README.md"] {
        assert_eq!(
            fs::read(folder.join(stem).join(document)).unwrap(),
            fs::read(root().join(document)).unwrap()
        );
    }

    // Packed again, at another time and in another folder, it is the same.
    let again = tempfile::tempdir().unwrap();
    assert_eq!(fs::read(release(again.path())).unwrap(), fs::read(&archive).unwrap());
}

#[test]
fn cargo_install_puts_the_runner_on_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir));
    let mut install = command(env!("CARGO"), &root());
    install.args(["install", "--quiet", "--locked", "--path", "runner/crates/qalipsis-runner", "--root"]);
    output(install.arg(folder.path()).env("CARGO_TARGET_DIR", target));
    assert_eq!(output(command(folder.path().join("bin/qalipsis"), folder.path()).arg("--version")), VERSION);
}
