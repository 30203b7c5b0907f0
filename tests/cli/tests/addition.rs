//! An output is added by its folder and one line in the list, and everything knows it: the sample of
//! `runner/docs/outputs.md`, in a copy of the workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The list of outputs.
const LIST: &str = "runner/crates/qalipsis-outputs/Cargo.toml";

/// The folder of the sample.
const SAMPLE: &str = "runner/crates/qalipsis-pager";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Copies what belongs to the workspace: what git has, or would add. The copy has a version of its own, because cargo
/// takes crates of the same name, version and place in their workspace for the same, and the two share what is built.
fn copy_to(copy: &Path) {
    let git = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(git.status.success(), "{}", String::from_utf8_lossy(&git.stderr));
    for name in String::from_utf8(git.stdout).unwrap().split_terminator('\0') {
        // What was deleted is still listed until it is committed.
        if root().join(name).is_file() {
            let target = copy.join(name);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(root().join(name), target).unwrap();
        }
    }
    let manifest = fs::read_to_string(copy.join("Cargo.toml")).unwrap();
    let version = concat!("\nversion = \"", env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest.matches(version).count(), 1);
    fs::write(copy.join("Cargo.toml"), manifest.replace(version, &format!("{version}-copy"))).unwrap();
}

/// The blocks of one language in a section of the page, in order.
fn blocks<'a>(section: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    section.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

fn add_the_sample(copy: &Path) {
    let page = fs::read_to_string(copy.join("runner/docs/outputs.md")).unwrap();
    let section = page.split("\n## Adding an output\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let [code] = blocks(section, "rust")[..] else { panic!("the section has one sample") };
    let line = *blocks(section, "text").last().unwrap();
    let manifest = "[package]\nname = \"qalipsis-pager\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\n[lints]\n\
        workspace = true\n\n[dependencies]\nqalipsis-config.workspace = true\n\
        qalipsis-judge.workspace = true\nqalipsis-report.workspace = true\n";
    fs::create_dir_all(copy.join(SAMPLE).join("src")).unwrap();
    fs::write(copy.join(SAMPLE).join("Cargo.toml"), manifest).unwrap();
    fs::write(copy.join(SAMPLE).join("src/lib.rs"), code).unwrap();
    let mut list = fs::read_to_string(copy.join(LIST)).unwrap();
    list.push_str(line);
    list.push('\n');
    fs::write(copy.join(LIST), list).unwrap();
}

/// Cargo in the copy. What is compiled of other crates is shared with this workspace, what is linked is not.
fn cargo(copy: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(copy).stdin(Stdio::null());
    // What cargo sets for this test is not meant for another workspace.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    let built = Path::new(env!("CARGO_BIN_EXE_fixture")).parent().unwrap().parent().unwrap();
    command.env("CARGO_BUILD_BUILD_DIR", built).env("CARGO_TARGET_DIR", copy.join("target"));
    command.env("CARGO_INCREMENTAL", "0").output().unwrap()
}

fn qalipsis(copy: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(copy.join("target/debug/qalipsis"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("GITHUB_") || name.starts_with("QALIPSIS_") {
            command.env_remove(&*name);
        }
    }
    command.args(arguments).args(["--executable", env!("CARGO_BIN_EXE_fixture")]);
    command.current_dir(copy).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_output_is_its_folder_and_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path();
    copy_to(copy);
    add_the_sample(copy);
    let built = cargo(copy, &["build", "--offline", "--workspace", "--bin", "qalipsis"]);
    assert!(built.status.success(), "{}", text(&built.stderr));

    // A typo in its keys is refused with the nearest one, and its own check is asked.
    let typo = qalipsis(copy, &["validate", "-s", "green", "-c", "report.export.pager.flie=x"]);
    assert_eq!(typo.status.code(), Some(2), "{}", text(&typo.stderr));
    assert!(text(&typo.stderr).contains("report.export.pager.file"), "{}", text(&typo.stderr));
    let incomplete = qalipsis(copy, &["validate", "-s", "green", "-c", "report.export.pager.enabled=true"]);
    assert_eq!(incomplete.status.code(), Some(2), "{}", text(&incomplete.stderr));
    assert!(text(&incomplete.stderr).contains("report.export.pager.file"), "{}", text(&incomplete.stderr));

    // It publishes, and its secret is in no file of another output.
    let enabled =
        ["enabled=true", "file=pager.txt", "key=opensesame"].map(|it| format!("report.export.pager.{it}"));
    let mut arguments = vec!["--autostart", "-s", "green"];
    arguments.extend(enabled.iter().flat_map(|value| ["-c", value.as_str()]));
    let finished = qalipsis(copy, &arguments);
    assert_eq!(finished.status.code(), Some(0), "{}{}", text(&finished.stdout), text(&finished.stderr));
    assert!(text(&finished.stdout).contains("pager.txt"), "{}", text(&finished.stdout));
    let published = fs::read_to_string(copy.join("pager.txt")).unwrap();
    assert!(published.starts_with("opensesame\nSUCCESSFUL green: "), "{published}");
    let summaries = fs::read_dir(copy.join("test-results")).unwrap();
    let summaries: Vec<PathBuf> = summaries.map(|it| it.unwrap().path().join("summary.json")).collect();
    let [summary] = &summaries[..] else { panic!("one campaign: {summaries:?}") };
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.contains("report.export.pager.file") && !summary.contains("opensesame"), "{summary}");

    // The rules of the architecture have nothing against it.
    let rules = ["--test", "dependencies", "--test", "tidy", "--", "every_crate", "one_way"];
    let rules = cargo(copy, &[&["test", "--offline", "--workspace"][..], &rules].concat());
    assert!(rules.status.success(), "{}{}", text(&rules.stdout), text(&rules.stderr));
    assert!(text(&rules.stdout).contains("arrows_point_one_way ... ok"), "{}", text(&rules.stdout));
}
