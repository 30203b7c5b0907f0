//! Campaigns that are started over REST.

use crate::client::{events, send};
use crate::head::{Head, LIMIT};
use serde_json::{Value, json};
use std::io::{Cursor, Read};

fn payload(scenario: &str) -> Value {
    json!({ "name": "over REST", "scenarios": { scenario: {} } })
}

#[test]
fn a_campaign_runs_and_is_the_same_over_rest_and_in_its_files() {
    let head = Head::start(&[]);
    assert_eq!(head.get("/health").json()["status"], "UP");
    let scenarios = head.get("/scenarios").json();
    assert!(scenarios.as_array().unwrap().iter().any(|one| one["name"] == "red"), "{scenarios}");

    let mut asked = payload("red");
    asked["seed"] = json!(7);
    let key = head.start_campaign(&asked);
    let followed = events(head.address, &format!("/api/v1/campaigns/{key}/events"), &[]);
    let campaign = head.until_ended(&key);
    assert_eq!((&campaign["status"], &campaign["exitCode"]), (&json!("FAILED"), &json!(3)), "{campaign}");
    assert_eq!((&campaign["seed"], &campaign["name"]), (&json!(7), &json!("over REST")));
    assert_eq!(campaign["progress"]["planned"], 1_000);
    let causes = campaign["causes"].as_array().unwrap();
    assert!(causes[0].as_str().unwrap().contains("37 of 1000"), "{causes:?}");

    // The same facts everywhere.
    let folder = head.path().join("test-results").join(&key);
    let file = std::fs::read(folder.join("summary.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let summary = head.get(&format!("/campaigns/{key}/summary"));
    assert_eq!(summary.json(), file);
    assert_eq!(campaign["summary"], file);
    let page = head.get(&format!("/campaigns/{key}/report")).text();
    assert_eq!(page, std::fs::read_to_string(folder.join("report.html")).unwrap());
    let suite = head.get(&format!("/campaigns/{key}/junit?suite=red")).text();
    let written = std::fs::read_to_string(folder.join("TEST-red.xml")).unwrap();
    assert_eq!(suite, written);
    let archive = head.get(&format!("/campaigns/{key}/junit"));
    let mut archive = zip::ZipArchive::new(Cursor::new(archive.body)).unwrap();
    let mut packed = String::new();
    archive.by_name("TEST-red.xml").unwrap().read_to_string(&mut packed).unwrap();
    assert_eq!(packed, written);
    let configuration = head.get(&format!("/campaigns/{key}/configuration")).json();
    assert_eq!(configuration["campaign.seed"], "7");

    // Who followed saw all of it, in order, and can come back.
    let names: Vec<&str> = followed.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!((names[0], names[names.len() - 1]), ("state", "ended"), "{names:?}");
    assert!(names.contains(&"evidence"), "{names:?}");
    let (last, _, ended) = followed.last().unwrap();
    assert_eq!(ended["status"], "FAILED");
    let path = format!("/api/v1/campaigns/{key}/events");
    let again = events(head.address, &path, &[&format!("last-event-id: {}", last - 2)]);
    assert_eq!(again, followed[followed.len() - 2..]);
    let seen = send(head.address, "GET", &path, &[&format!("last-event-id: {last}")], b"");
    assert_eq!(seen.status, 204);

    // The paths of the JVM product.
    let listed = send(head.address, "GET", "/api/campaigns", &[], b"").json();
    assert_eq!((&listed["total"], &listed["campaigns"][0]["key"]), (&json!(1), &json!(key)));
    assert_eq!(send(head.address, "GET", &format!("/api/campaigns/{key}"), &[], b"").json(), campaign);
}

#[test]
fn campaigns_wait_for_their_turn_and_can_be_stopped() {
    let head = Head::start(&[]);
    let first = head.start_campaign(&payload("long"));
    head.until(&first, |campaign| campaign["phase"] == "RUNNING");
    // A running campaign shows what an ended one does, and can be marked.
    let interim = head.get(&format!("/campaigns/{first}/summary")).json();
    assert_eq!((&interim["status"], &interim["key"]), (&json!("RUNNING"), &json!(first)));
    assert!(head.get(&format!("/campaigns/{first}/report")).text().starts_with("<!DOCTYPE html>"));
    let markers = format!("/campaigns/{first}/markers");
    let marked = head.post(&markers, &json!({ "label": "new version" }));
    assert_eq!((marked.status, &marked.json()["label"]), (201, &json!("new version")), "{}", marked.text());
    assert_eq!(head.post(&markers, &json!({ "label": "" })).status, 422);
    let wrong = head.post(&markers, &json!({ "lable": "x", "at": "noon" })).problems();
    let pointers: Vec<&str> = wrong.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/lable", "/label", "/at"]);
    let second = head.start_campaign(&payload("green"));
    assert_eq!(head.get(&format!("/campaigns/{second}")).json()["status"], "QUEUED");
    assert_eq!(head.get(&format!("/campaigns/{second}/summary")).status, 409);

    let aborted = head.post(&format!("/campaigns/{second}/abort"), &Value::Null);
    assert_eq!(aborted.status, 202, "{}", aborted.text());
    let second = head.until_ended(&second);
    assert_eq!((&second["status"], &second["exitCode"]), (&json!("ABORTED"), &json!(5)));
    assert_eq!(second["causes"], json!(["stopped by the user before it started"]));

    let third = head.start_campaign(&payload("green"));
    assert_eq!(head.post(&format!("/campaigns/{first}/abort?hard=true"), &Value::Null).status, 202);
    assert_eq!(head.until_ended(&first)["status"], "ABORTED");
    assert_eq!(head.until_ended(&third)["status"], "SUCCESSFUL");
    for path in ["abort", "markers"] {
        let answer = head.post(&format!("/campaigns/{third}/{path}"), &json!({ "label": "late" }));
        assert_eq!(answer.status, 409, "{path}: {}", answer.text());
    }
}

#[test]
fn the_head_ends_with_reports_of_what_runs() {
    let head = Head::start(&["-c", "head.campaigns=2"]);
    let keys = [head.start_campaign(&payload("long")), head.start_campaign(&payload("long"))];
    for key in &keys {
        head.until(key, |campaign| campaign["phase"] == "RUNNING");
    }
    head.process.terminate().unwrap();
    let finished = head.process.wait(LIMIT).unwrap();
    assert_eq!(finished.code(), Some(0), "{finished}");
    for key in &keys {
        let file = head.path().join("test-results").join(key).join("summary.json");
        let summary: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        assert_eq!(summary["status"], "ABORTED");
    }
}
