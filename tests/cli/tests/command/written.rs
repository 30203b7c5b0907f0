//! Reports that cannot be written: refused before the load, and an error of their own after it.

use crate::support::{FIXTURE, LIMIT, LOAD_STARTS, TestContext, finish};
use qalipsis_testkit::Process;
use std::fs;
use std::path::{Path, PathBuf};

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Red while it was seen after the load: exit 0, three warnings.
#[test]
fn c4_a_folder_that_cannot_be_written_to_is_refused_before_anything_starts() {
    let context = TestContext::new();
    context.write("occupied", "");
    for folder in ["occupied", "occupied/below", "/dev/null/results", "/proc/results"] {
        let key = format!("report.export.junit.folder={folder}");
        let finished = context.autostart("green", &["-v", "-c", &key]);
        assert_eq!(finished.code(), Some(2), "{folder}: {finished}");
        let line = format!("error: report.export.junit.folder: reports cannot be written to {folder}: ");
        assert!(finished.stderr.starts_with(&line), "{folder}: {finished}");
        assert_eq!(finished.stderr.lines().count(), 1, "{folder}: {finished}");
        assert!(!finished.stderr.contains(LOAD_STARTS), "{finished}");
    }
    assert_eq!(files(context.path()), [context.path().join("occupied")], "nothing is left");
}

#[test]
fn c4_validate_refuses_it_as_well() {
    let context = TestContext::new();
    let key = "report.export.junit.folder=/dev/null/results";
    let finished = context.run(&["validate", "--executable", FIXTURE, "-s", "green", "-c", key, "-c", "x=1"]);
    assert_eq!(finished.code(), Some(2), "{finished}");
    assert_eq!(finished.stderr.lines().count(), 2, "all that is wrong at once: {finished}");
    assert!(finished.stderr.contains("reports cannot be written to /dev/null/results: "), "{finished}");
}

#[test]
fn c4_without_any_file_no_folder_is_needed() {
    let context = TestContext::new();
    let pairs = [
        "report.export.junit.folder=/dev/null/results",
        "report.export.junit.enabled=false",
        "report.export.html.enabled=false",
        "report.export.summary.enabled=false",
        "report.export.failures.limit=0",
    ];
    let arguments: Vec<&str> = pairs.iter().flat_map(|pair| ["-c", pair]).collect();
    let finished = context.autostart("green", &arguments);
    assert_eq!(finished.code(), Some(0), "{finished}");
}

/// A limit on the size of files ends a write as a full disk does. Red while the page stayed, cut at the limit, and a
/// green run exited with 0.
#[test]
fn c4_what_cannot_be_written_at_the_end_is_an_error_and_leaves_no_part_of_a_file() {
    for (scenario, code) in [("red", 3), ("green", 1)] {
        let context = TestContext::new();
        // 80 KiB: the folder seems good before the load. The name of the campaign makes the page larger than that.
        let mut command = context.shell(
            "trap '' XFSZ; ulimit -f 160; \"$Q\" --autostart --executable \"$F\" -s $SCENARIO -c campaign.name=$NAME",
        );
        command.env("SCENARIO", scenario).env("NAME", "n".repeat(60_000));
        let finished = finish(command);
        assert_eq!(finished.code(), Some(code), "{finished}");
        assert!(finished.stderr.contains("error: html: failed to write test-results/"), "{finished}");
        for file in files(&context.path().join("test-results")) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            assert!(!name.ends_with(".part") && name != "report.html", "{name} is left");
            assert!(fs::metadata(&file).unwrap().len() > 0, "{name} is empty");
        }
    }
}

/// Red while it was one warning and exit 0.
#[test]
fn c5_a_baseline_that_cannot_be_saved_is_refused_before_anything_starts() {
    let context = TestContext::new();
    context.write("occupied", "");
    for path in ["occupied/baseline.json", "occupied/below/", "/dev/null/"] {
        let finished = context.autostart("green", &["-v", "--save-baseline", path]);
        assert_eq!(finished.code(), Some(2), "{path}: {finished}");
        let line = format!("error: --save-baseline {path}: the baseline cannot be written: ");
        assert!(finished.stderr.starts_with(&line), "{finished}");
    }
}

#[test]
fn c5_a_baseline_that_cannot_be_saved_in_the_end_is_an_error() {
    let context = TestContext::new();
    fs::create_dir_all(context.path().join("baselines")).unwrap();
    let mut command = context.campaign("timed", &["-v", "--save-baseline", "baselines/b.json"]);
    let process = Process::spawn(&mut command).unwrap();
    process.wait_for_line(|line| line == LOAD_STARTS, LIMIT).unwrap();
    fs::remove_dir(context.path().join("baselines")).unwrap();
    context.write("baselines", "");
    let finished = process.wait(LIMIT).unwrap();
    assert_eq!(finished.code(), Some(1), "{finished}");
    assert!(finished.stdout.starts_with("✓ SUCCESSFUL"), "it is no verdict: {finished}");
    assert!(
        finished.stderr.contains("error: baseline: failed to write the summary baselines/b.json"),
        "{finished}"
    );
}

/// Red while both were called by their file name: evidence of one overwrote the other's.
#[test]
fn a9_two_executables_of_one_file_name_are_kept_apart() {
    let context = TestContext::new();
    let first = context.script("a/x", &format!("exec '{FIXTURE}' \"$@\""));
    let second = context.script("b/x", &format!("FIXTURE_SCENARIOS=other exec '{FIXTURE}' \"$@\""));
    let mut command = context.qalipsis(&["--autostart", "-s", "emits,other-red", "--seed", "7"]);
    command.args(["-c", "report.export.events.enabled=true"]);
    command.arg("--executable").arg(&first).arg("--executable").arg(&second);
    let finished = finish(command);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let summary = qalipsis_summary::Summary::read(&context.summary()).unwrap();
    let names: Vec<&str> = summary.factories.iter().map(|factory| factory.name.as_str()).collect();
    assert_eq!(names, ["a/x", "b/x"]);
    assert!(summary.factories.iter().all(|factory| factory.cpu.is_some() || factory.lost.is_none()));
    for scenario in &summary.scenarios {
        let failures: Vec<_> = scenario.steps.iter().flat_map(|step| &step.failures).collect();
        assert_eq!(failures.len(), 1, "{}", scenario.name);
        let kept = &failures[0].kept;
        assert!(!kept.is_empty() && kept[0].message == failures[0].message, "{}: {kept:?}", scenario.name);
    }
    let lines = |file: &str| fs::read_to_string(context.summary().with_file_name(file)).unwrap();
    for (file, first, second) in [("events.jsonl", 140, 0), ("failures.jsonl", 1, 5)] {
        let count = |name: &str| lines(file).matches(&format!("\"factory\":\"{name}\"")).count();
        assert_eq!((count("a/x"), count("b/x")), (first, second), "{file}");
    }
    assert!(finished.stderr.lines().all(|line| !line.starts_with("x | ")), "{finished}");
}
