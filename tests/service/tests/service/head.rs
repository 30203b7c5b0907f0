//! A running head.

use crate::client::{Answer, send};
use qalipsis_testkit::{Process, binary};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take, on a machine that is busy with other things.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The command, serving in a directory of its own on a free port.
pub(crate) struct Head {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) directory: TempDir,
}

/// The command in this directory, as a user without settings of their own calls it.
pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new(binary("qalipsis-runner", "qalipsis").unwrap());
    command.current_dir(directory).env("HOME", directory).env("XDG_DATA_HOME", directory.join("data"));
    for (name, _) in std::env::vars_os() {
        if ["QALIPSIS_", "GITHUB_"].iter().any(|of_job| name.to_string_lossy().starts_with(of_job)) {
            command.env_remove(name);
        }
    }
    command.arg("--executable").arg(binary("cli-tests", "fixture").unwrap());
    command
}

impl Head {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = command(directory.path());
        command.args(["standalone", "-c", "server.address=127.0.0.1:0"]).args(arguments);
        Self::of(&mut command, directory)
    }

    pub(crate) fn of(command: &mut Command, directory: TempDir) -> Self {
        let process = Process::spawn(command).unwrap();
        let line = process.wait_for_line(|line| line.starts_with("serving on "), LIMIT).unwrap();
        let address = line.split("://").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
        Self { process, address, directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        send(self.address, "GET", &format!("/api/v1{path}"), &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = ["content-type: application/json"];
        send(self.address, "POST", &format!("/api/v1{path}"), &headers, body.to_string().as_bytes())
    }

    /// Starts a campaign and gives its key.
    pub(crate) fn start_campaign(&self, payload: &Value) -> String {
        let answer = self.post("/campaigns", payload);
        assert_eq!(answer.status, 201, "{}", answer.text());
        let key = answer.json()["key"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("location"), Some(format!("/api/v1/campaigns/{key}").as_str()));
        key
    }

    /// Waits until the campaign is as wanted.
    pub(crate) fn until(&self, key: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let answer = self.get(&format!("/campaigns/{key}"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            let campaign = answer.json();
            if wanted(&campaign) {
                return campaign;
            }
            assert!(Instant::now() < end, "{campaign}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn until_ended(&self, key: &str) -> Value {
        self.until(key, |campaign| campaign["phase"] == "ENDED")
    }
}
