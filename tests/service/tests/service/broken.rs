//! Stores that cannot be used, and disks that fill up.

use crate::disk::SmallDisk;
use crate::head::{Head, LIMIT, command};
use qalipsis_testkit::Process;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// The only line of a head that cannot start with this store, and its exit code.
fn refused(url: &str) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("store.url={url}");
    let mut command = command(directory.path());
    command.args(["-c", "server.address=127.0.0.1:0", "-c", &store]);
    let finished = Process::spawn(&mut command).unwrap().wait(LIMIT).unwrap();
    assert_eq!(finished.stderr.lines().count(), 1, "{finished}");
    (finished.code(), finished.stderr)
}

#[test]
fn a_store_that_cannot_be_used_is_one_clear_line_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.db");
    let content = b"this is no database ".repeat(500);
    fs::write(&damaged, &content).unwrap();
    let (code, line) = refused(&format!("sqlite:{}", damaged.display()));
    assert_eq!(code, Some(5), "{line}");
    assert!(line.contains("damaged.db") && line.contains("restore the file from a backup"), "{line}");
    assert_eq!(fs::read(&damaged).unwrap(), content);

    let disk = SmallDisk::mount("1m");
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()).status().unwrap();
    assert!(remounted.success());
    let (code, line) = refused(&format!("sqlite:{}", disk.path().join("campaigns.db").display()));
    assert_eq!(code, Some(5), "{line}");
    assert!(line.contains("it is read-only"), "{line}");
}

#[test]
fn a_disk_that_fills_up_harms_neither_the_campaign_nor_its_files() {
    let disk = SmallDisk::mount("2m");
    let store = format!("store.url=sqlite:{}", disk.path().join("campaigns.db").display());
    let head = Head::start(&["-c", &store]);
    let key = head.start_campaign(&json!({ "name": "full", "scenarios": { "long": {} } }));
    head.until(&key, |campaign| campaign["progress"]["elapsedMs"].as_u64() >= Some(1_000));
    disk.fill();
    head.until(&key, |campaign| campaign["progress"]["elapsedMs"].as_u64() >= Some(2_000));
    assert_eq!(head.post(&format!("/campaigns/{key}/abort"), &Value::Null).status, 202);
    let ended = head.until_ended(&key);
    assert_eq!((&ended["status"], &ended["summary"]["status"]), (&json!("ABORTED"), &json!("ABORTED")));
    let summary = fs::read(head.path().join("test-results").join(&key).join("summary.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&summary).unwrap(), ended["summary"]);
    let said = |line: &str| {
        line.starts_with(&format!("campaign {key}: ")) && line.contains("no space left on the disk")
    };
    head.process.wait_for_line(said, LIMIT).unwrap();
    // Once there is space again, the next campaign is kept.
    disk.free();
    let next = head.start_campaign(&json!({ "name": "space again", "scenarios": { "green": {} } }));
    head.until_ended(&next);
    assert_eq!(head.get("/campaigns?filter=space").json()["total"], 1);
}
