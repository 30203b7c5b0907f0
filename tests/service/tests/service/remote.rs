//! `qalipsis campaign`: the client, against a head that serves.

use crate::head::{Head, LIMIT, command};
use qalipsis_testkit::{Finished, Process};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The command in a directory of its own, as in a job of CI.
struct Job {
    directory: TempDir,
}

impl Job {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn command(&self, head: &Head, arguments: &[&str]) -> Command {
        let mut command = command(self.directory.path());
        command.arg("campaign").args(arguments).args(["--head", &format!("http://{}", head.address)]);
        command
    }

    fn start(&self, head: &Head, arguments: &[&str]) -> Process {
        Process::spawn(&mut self.command(head, arguments)).unwrap()
    }

    fn run(&self, head: &Head, arguments: &[&str]) -> Finished {
        self.start(head, arguments).wait(LIMIT).unwrap()
    }

    fn reports(&self, key: &str) -> std::path::PathBuf {
        self.directory.path().join("test-results").join(key)
    }
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn a_campaign_elsewhere_ends_a_job_as_one_that_runs_here_does() {
    let head = Head::start(&[]);
    let job = Job::new();
    let finished = job.run(
        &head,
        &[
            "start",
            "-s",
            "red",
            "--seed",
            "7",
            "--name",
            "nightly \"é\"",
            "-c",
            "campaign.limits.release-lag=1m",
        ],
    );
    assert_eq!(finished.code(), Some(3), "{finished}");
    assert!(finished.stdout.contains("37 of 1000"), "{finished}");
    let list: Value = serde_json::from_str(&job.run(&head, &["list", "--json"]).stdout).unwrap();
    let campaign = &list["campaigns"][0];
    assert_eq!((&campaign["name"], &campaign["status"]), (&"nightly \"é\"".into(), &"FAILED".into()));
    // The same files as on the machine of the head.
    let key = campaign["key"].as_str().unwrap();
    let there = head.path().join("test-results").join(key);
    for name in ["summary.json", "report.html", "TEST-red.xml"] {
        let (here, there) = (read(&job.reports(key), name), read(&there, name));
        if name == "summary.json" {
            let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(parsed(&here), parsed(&there));
            assert_eq!(parsed(&here)["seed"], 7);
        } else {
            assert_eq!(here, there, "{name}");
        }
    }

    // Again, for who comes later, and for a job of GitHub.
    let other = Job::new();
    let mut report = other.command(&head, &["report", key]);
    report
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", other.directory.path().join("summary.md"));
    let finished = Process::spawn(&mut report).unwrap().wait(LIMIT).unwrap();
    assert!(finished.stdout.contains("\n::error file=tests/cli/src/main.rs,line="), "{finished}");
    assert!(read(other.directory.path(), "summary.md").starts_with("## ❌ FAILED"));
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert_eq!(read(&other.reports(key), "TEST-red.xml"), read(&there, "TEST-red.xml"));
    let waited = other.run(&head, &["wait", key]);
    assert_eq!(waited.code(), Some(3), "{waited}");
    assert!(!waited.stderr.contains("does not answer"), "{waited}");
    let shown = other.run(&head, &["show", key]);
    assert!(shown.stdout.starts_with(&format!("FAILED  {key}: nightly")), "{shown}");
}

#[test]
fn a_detached_campaign_is_awaited_and_stopped_by_its_key() {
    let head = Head::start(&[]);
    let job = Job::new();
    let started = job.run(&head, &["start", "-s", "long", "--detach"]);
    assert_eq!(started.code(), Some(0), "{started}");
    let key = started.stdout.trim();
    head.until(key, |campaign| campaign["phase"] == "RUNNING");
    let early = job.run(&head, &["report", key]);
    assert_eq!(early.code(), Some(2), "{early}");
    assert!(early.stderr.contains(&format!("qalipsis campaign wait {key}")), "{early}");

    let waiting = job.start(&head, &["wait", key]);
    waiting.wait_for_line(|line| line.contains("following campaign"), LIMIT).unwrap();
    let aborted = job.run(&head, &["abort", key, "--hard"]);
    assert_eq!(aborted.code(), Some(0), "{aborted}");
    let waited = waiting.wait(LIMIT).unwrap();
    assert_eq!(waited.code(), Some(5), "{waited}");
    assert!(waited.stdout.contains("ABORTED"), "{waited}");
}

#[test]
fn who_ends_the_job_ends_the_campaign_and_who_only_waits_does_not() {
    let head = Head::start(&[]);
    let job = Job::new();
    let started = job.start(&head, &["start", "-s", "long"]);
    let line = started.wait_for_line(|line| line.contains("following campaign"), LIMIT).unwrap();
    let key = line.split_whitespace().nth(2).unwrap().to_owned();
    head.until(&key, |campaign| campaign["phase"] == "RUNNING");
    let waiting = job.start(&head, &["wait", &key]);
    waiting.wait_for_line(|line| line.contains("following campaign"), LIMIT).unwrap();
    waiting.terminate().unwrap();
    let left = waiting.wait(LIMIT).unwrap();
    assert_eq!(left.code(), Some(5), "{left}");
    assert!(left.stderr.contains(&format!("campaign {key} goes on")), "{left}");
    assert_eq!(head.get(&format!("/campaigns/{key}")).json()["phase"], "RUNNING");

    started.terminate().unwrap();
    started.wait_for_line(|line| line.contains("stopping the campaign"), LIMIT).unwrap();
    started.terminate().unwrap();
    let ended = started.wait(LIMIT).unwrap();
    assert_eq!(ended.code(), Some(5), "{ended}");
    assert!(ended.stdout.contains("ABORTED"), "{ended}");
}

#[test]
fn what_the_head_refuses_is_said_line_by_line_before_anything_starts() {
    let head = Head::start(&[]);
    let job = Job::new();
    let unknown = job.run(&head, &["start", "-s", "gren"]);
    assert_eq!(unknown.code(), Some(2), "{unknown}");
    assert!(
        unknown.stderr.contains("has no scenario 'gren'") && unknown.stderr.contains("green"),
        "{unknown}"
    );
    let payload = job.directory.path().join("payload.json");
    std::fs::write(&payload, r#"{"name": "x", "scenarios": {"green": {"minionsCount": 0}}}"#).unwrap();
    let wrong = job.run(&head, &["start", "--payload", payload.to_str().unwrap()]);
    assert_eq!(wrong.code(), Some(2), "{wrong}");
    assert!(
        wrong.stderr.contains("/name: ") && wrong.stderr.contains("/scenarios/green/minionsCount: "),
        "{wrong}"
    );
    let missing = job.run(&head, &["start", "-s", "green", "-c", "campaign.name=${NOT_SET_ANYWHERE}"]);
    assert_eq!(missing.code(), Some(2), "{missing}");
    assert!(missing.stderr.contains("NOT_SET_ANYWHERE"), "{missing}");
    let absent = job.run(&head, &["show", "../../health"]);
    assert_eq!(absent.code(), Some(2), "{absent}");
    assert!(absent.stderr.contains("there is no campaign"), "{absent}");
    assert_eq!(head.get("/campaigns").json()["total"], 0);
}

#[test]
fn a_head_that_goes_away_is_asked_again_and_then_given_up() {
    let head = Head::start(&[]);
    let job = Job::new();
    let started = job.start(&head, &["start", "-s", "long", "-c", "client.patience=2s"]);
    let line = started.wait_for_line(|line| line.contains("following campaign"), LIMIT).unwrap();
    let key = line.split_whitespace().nth(2).unwrap().to_owned();
    head.until(&key, |campaign| campaign["phase"] == "RUNNING");
    head.process.kill().unwrap();
    let ended = started.wait(LIMIT).unwrap();
    assert_eq!(ended.code(), Some(5), "{ended}");
    assert!(ended.stderr.contains("does not answer, it is asked again"), "{ended}");
    assert!(ended.stderr.contains(&format!("campaign {key} may still run there")), "{ended}");

    let gone = job.run(&head, &["start", "-s", "green"]);
    assert_eq!(gone.code(), Some(5), "{gone}");
    assert!(gone.stderr.contains("cannot be reached: "), "{gone}");
}
