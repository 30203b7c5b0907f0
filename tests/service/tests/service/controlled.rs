//! Campaigns that are controlled while they run.

use crate::head::{Head, LIMIT, command};
use serde_json::{Value, json};

#[test]
fn a_campaign_is_paused_resumed_and_marked() {
    let head = Head::start(&[]);
    let key = head.start_campaign(&json!({ "name": "controlled", "scenarios": { "long": {} } }));
    let post = |path: &str| head.post(&format!("/campaigns/{key}/{path}"), &Value::Null);
    assert_eq!(post("resume").status, 409);
    head.until(&key, |campaign| campaign["phase"] == "RUNNING");
    assert_eq!(post("pause").status, 204);
    head.until(&key, |campaign| campaign["phase"] == "PAUSED");
    let again = post("pause");
    assert_eq!((again.status, &again.json()["detail"]), (409, &json!("the campaign is paused already")));
    let markers = format!("/campaigns/{key}/markers");
    for label in ["first", "<b>second"] {
        assert_eq!(head.post(&markers, &json!({ "label": label })).status, 201);
    }
    assert_eq!(post("resume").status, 204);
    let shown = head.get(&markers).json();
    let labels: Vec<&Value> = shown.as_array().unwrap().iter().map(|marker| &marker["label"]).collect();
    assert_eq!(labels, ["first", "<b>second"], "at once, while it runs");
    head.until(&key, |campaign| campaign["phase"] == "RUNNING");
    assert_eq!(post("abort").status, 202);
    let ended = head.until_ended(&key);
    let summary = &ended["summary"];
    assert_eq!(summary["pauses"].as_array().map(Vec::len), Some(1), "{summary}");
    assert_eq!(summary["markers"].as_array().map(Vec::len), Some(2));
    assert_eq!(post("pause").status, 409);
    let page = head.get(&format!("/campaigns/{key}/report")).text();
    assert!(page.contains("&lt;b&gt;second") && !page.contains("<b>second"));

    head.process.terminate().unwrap();
    assert_eq!(head.process.wait(LIMIT).unwrap().code(), Some(0));
    let directory = head.directory;
    let mut command = command(directory.path());
    let next = Head::of(command.args(["-c", "server.address=127.0.0.1:0"]), directory);
    assert_eq!(next.get(&markers).json(), shown);
    assert_eq!(next.get("/campaigns/nothing/markers").status, 404);
}

#[test]
fn a_window_of_a_campaign_whose_head_was_killed_is_merged_from_its_seconds() {
    let head = Head::start(&[]);
    let key = head.start_campaign(&json!({ "name": "killed", "scenarios": { "long": {} } }));
    head.until(&key, |campaign| campaign["progress"]["elapsedMs"].as_u64() >= Some(2_000));
    head.process.kill().unwrap();
    head.process.wait(LIMIT).unwrap();
    let directory = head.directory;
    let mut command = command(directory.path());
    let next = Head::of(command.args(["-c", "server.address=127.0.0.1:0"]), directory);
    let campaign = next.get(&format!("/campaigns/{key}")).json();
    assert_eq!((&campaign["status"], &campaign["summary"]), (&json!("ABORTED"), &Value::Null), "{campaign}");
    let timeline = next.get(&format!("/campaigns/{key}/timeline"));
    assert_eq!(timeline.status, 200, "{}", timeline.text());
    let timeline = timeline.json();
    let part = &timeline["parts"][0];
    assert_eq!((&part["scenario"], &part["released"]), (&json!("long"), &json!(20)), "{timeline}");
    // Its payload is written with its report.
    let again = next.post(&format!("/campaigns/{key}/replay"), &Value::Null);
    assert_eq!(again.status, 409, "{}", again.text());
}
