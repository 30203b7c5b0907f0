//! `--autostart` with a server or a store: what others see of its campaign, and what is found later.

use crate::client::{events, send};
use crate::disk::SmallDisk;
use crate::head::{Head, LIMIT, command};
use qalipsis_testkit::{Finished, Process};
use serde_json::{Value, json};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn autostart(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = command(directory);
    command.args(["--autostart", "--seed", "7"]).args(arguments);
    command
}

pub(crate) fn finish(directory: &Path, arguments: &[&str]) -> Finished {
    Process::spawn(&mut autostart(directory, arguments)).unwrap().wait(LIMIT).unwrap()
}

/// The only campaign whose reports are in this directory.
pub(crate) fn only_key(directory: &Path) -> String {
    let mut folders = fs::read_dir(directory.join("test-results")).unwrap();
    let key = folders.next().unwrap().unwrap().file_name().into_string().unwrap();
    assert!(folders.next().is_none());
    key
}

/// A campaign that serves on a free port.
fn served(arguments: &[&str]) -> (Head, String) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = autostart(directory.path(), arguments);
    command.args(["-c", "server.address=127.0.0.1:0"]);
    let process = Process::spawn(&mut command).unwrap();
    let line = process.wait_for_line(|line| line.contains(" is served at "), LIMIT).unwrap();
    let url: Vec<&str> = line.rsplit("://").next().unwrap().split('/').collect();
    let (address, key) = (url[0].parse().unwrap(), url[url.len() - 1].to_owned());
    (Head { process, address, directory }, key)
}

/// What a head on this store shows.
fn next_head(directory: TempDir, store: &str) -> Head {
    let mut command = command(directory.path());
    Head::of(command.args(["-c", "server.address=127.0.0.1:0", "-c", store]), directory)
}

#[test]
fn its_campaign_is_controlled_while_it_runs_and_found_in_the_store_afterwards() {
    let (head, key) = served(&["-s", "long", "-c", "store.url=sqlite:campaigns.db"]);
    let running = head.until(&key, |campaign| {
        campaign["phase"] == "RUNNING" && campaign["progress"]["executions"].as_u64() > Some(0)
    });
    assert_eq!((&running["status"], &running["seed"]), (&json!("RUNNING"), &json!(7)), "{running}");
    assert_eq!(head.get("/campaigns").json()["campaigns"][0]["key"], json!(key));
    let marked = head.post(&format!("/campaigns/{key}/markers"), &json!({ "label": "new version" }));
    assert_eq!(marked.status, 201, "{}", marked.text());
    assert_eq!(head.post(&format!("/campaigns/{key}/pause"), &Value::Null).status, 204);
    head.until(&key, |campaign| campaign["phase"] == "PAUSED");
    assert_eq!(head.post(&format!("/campaigns/{key}/resume"), &Value::Null).status, 204);
    let other = head.post("/campaigns", &json!({ "name": "another", "scenarios": { "long": {} } }));
    let expected = format!(
        "this head runs campaign {key} alone and ends with it, start others with qalipsis standalone"
    );
    assert_eq!((other.status, &other.problems()[0].1), (422, &expected));

    let stream = std::thread::spawn({
        let (address, path) = (head.address, format!("/api/v1/campaigns/{key}/events"));
        move || events(address, &path, &["last-event-id: 0"])
    });
    assert_eq!(head.post(&format!("/campaigns/{key}/abort?hard=true"), &Value::Null).status, 202);
    // Who follows sees the end, although the head ends as well.
    let (_, name, last) = stream.join().unwrap().pop().unwrap();
    assert_eq!((name.as_str(), &last["status"], &last["exitCode"]), ("ended", &json!("ABORTED"), &json!(5)));
    let finished = head.process.wait(LIMIT).unwrap();
    assert_eq!(finished.code(), Some(5), "{finished}");
    assert!(finished.stdout.contains("ABORTED"), "{finished}");
    assert!(TcpStream::connect(head.address).is_err(), "it listens no longer");

    let summary = fs::read(head.directory.path().join("test-results").join(&key).join("summary.json"));
    let summary: Value = serde_json::from_slice(&summary.unwrap()).unwrap();
    let next = next_head(head.directory, "store.url=sqlite:campaigns.db");
    let found = next.get(&format!("/campaigns/{key}")).json();
    assert_eq!((&found["status"], &found["exitCode"]), (&json!("ABORTED"), &json!(5)), "{found}");
    assert_eq!(found["summary"], summary);
    assert_eq!(summary["markers"][0]["label"], "new version");
    let timeline = next.get(&format!("/campaigns/{key}/timeline")).json();
    let steps = timeline["parts"][0]["steps"].as_array().unwrap();
    let step = &summary["scenarios"][0]["steps"][0];
    assert_eq!(steps[0]["figures"]["executions"], step["figures"]["executions"], "{timeline}");
}

#[test]
fn with_a_store_alone_nothing_listens_and_without_either_nothing_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let stored = finish(directory.path(), &["-s", "red", "-c", "store.url=sqlite:kept/campaigns.db"]);
    assert_eq!(stored.code(), Some(3), "{stored}");
    assert!(!stored.stderr.contains("served") && !stored.stderr.contains("warning"), "{stored}");
    let key = only_key(directory.path());
    let folder = directory.path().join("test-results").join(&key);
    let files = ["report.html", "TEST-red.xml"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
    fs::remove_dir_all(directory.path().join("test-results")).unwrap();
    let plain = finish(directory.path(), &["-s", "red"]);
    assert_eq!(plain.code(), Some(3), "{plain}");
    assert!(!directory.path().join("data").exists(), "nothing is kept without store.url");

    let head = next_head(directory, "store.url=sqlite:kept/campaigns.db");
    assert_eq!(head.get("/campaigns").json()["total"], 1);
    let shown =
        ["report", "junit?suite=red"].map(|path| head.get(&format!("/campaigns/{key}/{path}")).text());
    assert_eq!(shown, files);
}

#[test]
fn what_cannot_be_attached_is_one_line_before_anything_is_built() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = taken.local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    for (pair, expected) in [
        (
            format!("server.address={address}"),
            format!("error: cannot listen on {address}: the port is taken"),
        ),
        (
            "store.url=sqlite:file/campaigns.db".to_owned(),
            format!("error: the store cannot be used: store {}/campaigns.db: the folder ", file.display()),
        ),
    ] {
        // What would be built next is no executable at all.
        let finished = finish(directory.path(), &["--executable", "nothing-there", "-c", &pair]);
        assert_eq!(finished.code(), Some(5), "{finished}");
        assert!(finished.stderr.starts_with(&expected), "{finished}");
        assert_eq!(finished.stderr.lines().count(), 1, "{finished}");
    }
}

#[test]
fn a_store_that_fails_meanwhile_is_one_warning_and_no_other_verdict() {
    let disk = SmallDisk::mount("2m");
    let store = format!("store.url=sqlite:{}", disk.path().join("campaigns.db").display());
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["-s", "red", "-v", "-c", &store, "-c", "campaign.limits.release-lag=1m"];
    let process = Process::spawn(&mut autostart(directory.path(), &arguments)).unwrap();
    process.wait_for_line(|line| line.contains("the load starts"), LIMIT).unwrap();
    disk.fill();
    let finished = process.wait(LIMIT).unwrap();
    assert_eq!(finished.code(), Some(3), "{finished}");
    assert!(finished.stdout.contains("37 of 1000"), "{finished}");
    let warnings: Vec<&str> =
        finished.stderr.lines().filter(|line| line.starts_with("warning: campaign ")).collect();
    assert_eq!(warnings.len(), 1, "{finished}");
    assert!(warnings[0].contains("not stored: ") && warnings[0].ends_with("no space left on the disk"));
    assert!(
        directory.path().join("test-results").join(only_key(directory.path())).join("TEST-red.xml").exists()
    );
}

#[test]
fn a_stop_of_the_user_reaches_a_campaign_that_is_served() {
    let (head, key) = served(&["-s", "long"]);
    head.until(&key, |campaign| campaign["phase"] == "RUNNING");
    head.process.terminate().unwrap();
    let stopping = |campaign: &Value| campaign["phase"] == "STOPPING";
    head.until(&key, stopping);
    let health = send(head.address, "GET", "/api/v1/health", &[], b"");
    assert_eq!(health.status, 200, "it serves until the campaign has ended");
    head.process.terminate().unwrap();
    let finished = head.process.wait(LIMIT).unwrap();
    assert_eq!(finished.code(), Some(5), "{finished}");
    assert!(!head.directory.path().join("data").exists(), "nothing is kept without store.url");
}
