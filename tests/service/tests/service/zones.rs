//! Campaigns that are divided among zones, as a payload says.

use crate::head::{Head, command};
use serde_json::{Value, json};

/// A head with two factories for each executable; a file divides the load otherwise.
fn head() -> Head {
    let directory = tempfile::tempdir().unwrap();
    let file = "factories:\n  - {zone: eu}\n  - {zone: us}\nscenarios.red.zones: {eu: 50, us: 50}\n";
    std::fs::write(directory.path().join("qalipsis.yml"), file).unwrap();
    let mut command = command(directory.path());
    command.args(["standalone", "-c", "server.address=127.0.0.1:0"]);
    Head::of(&mut command, directory)
}

fn payload(zones: &Value) -> Value {
    json!({ "name": "in zones", "scenarios": { "red": { "zones": zones } } })
}

fn released(campaign: &Value) -> Vec<(String, u64)> {
    let zones = campaign["summary"]["scenarios"][0]["by_zone"].as_array().cloned().unwrap_or_default();
    let of = |zone: &Value| (zone["zone"].as_str().unwrap().to_owned(), zone["released"].as_u64().unwrap());
    zones.iter().map(of).collect()
}

#[test]
fn a_payload_divides_the_load_to_the_minion() {
    let head = head();
    let there = head.get("/zones").json();
    let names: Vec<&str> =
        there.as_array().unwrap().iter().filter_map(|zone| zone["name"].as_str()).collect();
    assert_eq!(names, ["eu", "us"], "{there}");

    let campaign = head.until_ended(&head.start_campaign(&payload(&json!({ "eu": 60, "us": 40 }))));
    assert_eq!(campaign["status"], "FAILED", "{campaign}");
    assert!(campaign["causes"][0].as_str().unwrap().contains("37 of 1000"), "{campaign}");
    assert_eq!(campaign["zones"], json!(["eu", "us"]));
    assert_eq!(released(&campaign), [("eu".to_owned(), 600), ("us".to_owned(), 400)], "{campaign}");

    // What the file says of the other zone does not count.
    let campaign = head.until_ended(&head.start_campaign(&payload(&json!({ "us": 100 }))));
    assert_eq!((&campaign["zones"], &campaign["progress"]["released"]), (&json!(["us"]), &json!(1_000)));

    let answer = head.post("/campaigns", &payload(&json!({ "us": 60, "mars": 40 })));
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.problems(),
        [("/scenarios/red/zones/mars".to_owned(), "no factory in zone 'mars', there is: eu, us".to_owned())]
    );
}
