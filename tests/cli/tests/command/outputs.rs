//! What a campaign leaves behind, and what becomes of an output that fails.

use crate::support::{LIMIT, SOON, TestContext, finish, flat};
use qalipsis_testkit::Process;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn page(context: &TestContext) -> PathBuf {
    context.summary().with_file_name("report.html")
}

#[test]
fn a_job_of_github_gets_a_summary_and_annotations() {
    let context = TestContext::new();
    let summary = context.write("job.md", "what was there\n");
    let mut command = context.campaign("red", &[]);
    let finished = finish({
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
        command
    });
    assert_eq!(finished.code(), Some(3), "{finished}");
    let (place, line) = crate::support::place_of("v.equal(\"status\"");
    let annotation = finished.stdout.lines().find(|l| l.starts_with("::error ")).expect("there is one");
    assert!(annotation.contains(&format!("file={place},line={line},")), "{annotation}");
    assert!(annotation.contains("37 of 1000 minions: expected status 202, observed 503"), "{annotation}");
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("what was there\n## ❌ FAILED\n"), "{summary}");
    assert!(summary.contains("red › check · assertion"), "{summary}");
}

#[test]
fn outside_of_github_and_when_unwanted_nothing_is_annotated() {
    let context = TestContext::new();
    assert!(!context.autostart("red", &[]).stdout.contains("::error"));
    let context = TestContext::new();
    let mut command = context.campaign("red", &["-c", "report.export.github.enabled=false"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", context.path().join("job.md"));
    assert!(!finish(command).stdout.contains("::error"));
    assert!(!context.path().join("job.md").exists());
}

#[test]
fn an_output_that_fails_is_a_warning_and_the_others_are_there() {
    let context = TestContext::new();
    let mut command = context.campaign("green", &[]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "/nonexistent/job.md");
    let finished = finish(command);
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert!(flat(&finished.stdout).contains("warning failed to write the summary of the job"), "{finished}");
    assert!(page(&context).is_file() && context.junit_files().len() == 1, "{finished}");
}

#[test]
fn a_killed_run_still_writes_all_that_it_knows_marked_as_such() {
    let context = TestContext::new();
    let process = context.running("never-returns");
    process.wait_for_line(|line| line == "waiting", SOON).unwrap();
    process.terminate().unwrap();
    process.wait_for_line(|line| line.starts_with("stopping: "), SOON).unwrap();
    process.terminate().unwrap();
    assert_eq!(process.wait(LIMIT).unwrap().code(), Some(5));
    let mark = "The campaign was ended early";
    let page = fs::read_to_string(page(&context)).unwrap();
    assert!(page.contains("<h1>ABORTED</h1>") && page.contains(mark), "{page}");
    assert!(fs::read_to_string(context.summary()).unwrap().contains("\"ABORTED\""));
    assert!(context.junit().contains("stopped by the user"));
}

#[test]
fn a_lost_factory_is_told_by_the_page_with_what_was_measured() {
    let context = TestContext::new();
    let process = context.running("long");
    process.wait_for_line(|line| line == "pass 1 begins", SOON).unwrap();
    context.signal_factory(rustix::process::Signal::KILL);
    assert_eq!(process.wait(LIMIT).unwrap().code(), Some(5));
    let page = fs::read_to_string(page(&context)).unwrap();
    assert!(page.contains("<h1>ABORTED</h1>") && page.contains("was lost"), "{page}");
}

/// Hides nothing behind a failed rendering: the browser says what it could not do.
#[test]
fn a_browser_shows_the_page_without_a_complaint() {
    let context = TestContext::new();
    let finished = context.autostart("red", &[]);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let page = page(&context);
    let shown = browse(&context, &["--dump-dom"], &page);
    assert!(shown.stdout.contains("37 of 1000 minions: expected status 202, observed 503"), "{shown}");
    assert!(shown.stdout.contains("<svg"), "{shown}");
    let complaint = shown.stderr.lines().find(|line| line.contains(":CONSOLE"));
    assert_eq!(complaint, None, "{shown}");

    // The page forbids what it does not need: a browser that reports nothing would not notice anything.
    let text = fs::read_to_string(&page).unwrap();
    let broken = context.write("broken.html", &text.replace("</body>", "<script>alert(1)</script></body>"));
    let shown = browse(&context, &["--dump-dom"], &broken);
    assert!(shown.stderr.contains("Content Security Policy"), "{shown}");
}

fn browse(context: &TestContext, arguments: &[&str], page: &std::path::Path) -> qalipsis_testkit::Finished {
    let profile = tempfile::tempdir().unwrap();
    let mut command: Command = context.program("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--enable-logging=stderr", "--v=0"]).args(arguments);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("file://{}", page.canonicalize().unwrap().display()));
    let process = Process::spawn(&mut command).expect("Debian's package chromium is installed");
    process.wait(LIMIT).unwrap()
}
