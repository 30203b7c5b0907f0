//! Campaigns that start by themselves.

use crate::client::{Answer, send};
use crate::head::{Head, LIMIT};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATH: &str = "/campaigns/schedule";

fn schedule(name: &str, cron: &str) -> Value {
    let campaign = json!({ "name": "by itself", "scenarios": { "green": {} } });
    json!({ "name": name, "campaign": campaign, "cron": cron })
}

fn change(head: &Head, method: &str, name: &str, document: &Value) -> Answer {
    let headers = ["content-type: application/json"];
    send(head.address, method, &format!("/api/v1{PATH}/{name}"), &headers, document.to_string().as_bytes())
}

fn campaigns(head: &Head) -> u64 {
    head.get("/campaigns").json()["total"].as_u64().unwrap()
}

#[test]
fn a_campaign_starts_by_itself_until_its_schedule_is_removed() {
    let head = Head::start(&[]);
    let name = "each \"second\" é/1";
    let added = head.post(PATH, &schedule(name, "* * * * * *"));
    assert_eq!(added.status, 201, "{}", added.text());
    let place = added.header("location").unwrap().to_owned();
    assert_eq!(head.post(PATH, &schedule(name, "* * * * *")).status, 409);
    let end = Instant::now() + LIMIT;
    while campaigns(&head) < 2 {
        assert!(Instant::now() < end, "{}", head.get(PATH).text());
        std::thread::sleep(Duration::from_millis(50));
    }
    // A start is claimed first; which campaign it is follows.
    let shown = loop {
        let shown = send(head.address, "GET", &place, &[], b"").json();
        if shown["lastCampaign"].is_string() {
            break shown;
        }
        assert!(Instant::now() < end, "{shown}");
    };
    assert_eq!(
        (&shown["name"], &shown["timeZone"], &shown["missed"]),
        (&json!(name), &json!("UTC"), &json!("SKIP"))
    );
    let key = shown["lastCampaign"].as_str().unwrap();
    assert_eq!(head.get(&format!("/campaigns/{key}")).json()["name"], "by itself");

    let segment = place.rsplit('/').next().unwrap();
    let nightly = change(&head, "PUT", segment, &schedule(name, "30 2 * * *"));
    assert_eq!(nightly.status, 200, "{}", nightly.text());
    let nightly = nightly.json();
    assert!(nightly.as_object().unwrap().contains_key("lastCampaign"), "{nightly}");
    assert!(nightly["nextAt"].as_str().unwrap().ends_with("T02:30:00.000Z"), "{nightly}");
    assert_eq!(change(&head, "DELETE", segment, &Value::Null).status, 204);
    assert_eq!(change(&head, "DELETE", segment, &Value::Null).status, 404);
    assert_eq!(head.get(PATH).json(), json!([]));
}

#[test]
fn what_never_starts_is_refused_at_once_each_at_its_place() {
    let head = Head::start(&[]);
    let pointers = |document: &Value| {
        let answer = head.post(PATH, document);
        assert_eq!(answer.status, 422, "{}", answer.text());
        answer.problems().into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>()
    };
    assert_eq!(pointers(&json!({})), ["/name", "/campaign", "/cron"]);
    assert_eq!(pointers(&schedule("x", "61 * * * *")), ["/cron"]);
    assert_eq!(pointers(&schedule("x", "0 0 30 2 *")), ["/cron"]);
    let mut wrong = schedule("x", "0 * * * *");
    wrong["timeZone"] = json!("Europe/Wien");
    assert_eq!(pointers(&wrong), ["/timeZone"]);
    wrong = schedule("x", "0 * * * *");
    wrong["at"] = json!("2099-01-01T00:00:00Z");
    wrong["missed"] = json!("LATER");
    assert_eq!(pointers(&wrong), ["/cron", "/missed"]);
    let past =
        json!({ "name": "x", "campaign": schedule("x", "")["campaign"], "at": "2020-01-01T00:00:00Z" });
    assert_eq!(pointers(&past), ["/at"]);
    wrong = schedule("x", "0 * * * *");
    wrong["campaign"]["scenarios"] = json!({ "gren": {} });
    wrong["campaign"]["name"] = json!("x");
    assert_eq!(pointers(&wrong), ["/campaign/name", "/campaign/scenarios/gren"]);
    // What is kept and shown has no secret in it.
    wrong = schedule("x", "0 * * * *");
    wrong["campaign"]["configuration"] = json!({ "report.export.slack.token": "xoxb-123" });
    assert_eq!(pointers(&wrong), ["/campaign/configuration/report.export.slack.token"]);
    assert_eq!(head.get(PATH).json(), json!([]));
}
