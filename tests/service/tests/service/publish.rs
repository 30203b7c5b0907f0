//! Campaigns of `--autostart` that are published to a head elsewhere.

use crate::autostart::{finish, only_key};
use crate::client::{Answer, send};
use crate::head::{Head, LIMIT, command};
use qalipsis_testkit::Process;
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::thread::sleep;
use std::time::Duration;

const WRITE: &str = "0123456789abcdef";
const READ: &str = "fedcba9876543210";
const TOKENS: &str = "server.token=ci:write:0123456789abcdef,view:read:fedcba9876543210";

fn ask(head: &Head, method: &str, path: &str, token: &str, body: &[u8]) -> Answer {
    let token = format!("authorization: Bearer {token}");
    let headers = ["content-type: application/json", token.as_str()];
    send(head.address, method, &format!("/api/v1/campaigns/{path}"), &headers, body)
}

fn get(head: &Head, path: &str) -> Answer {
    ask(head, "GET", path, READ, b"")
}

/// The least that a campaign has.
fn publication() -> Value {
    json!({
        "name": "from elsewhere", "status": "FAILED", "exitCode": 3, "seed": 7, "zones": [],
        "queuedAt": "2026-11-29T14:05:00Z", "startedAt": "2026-11-29T14:05:01.123456789Z",
        "endedAt": "2026-11-29T14:06:00Z", "causes": ["3 of 10 failed"], "files": [],
        "scenarios": [{ "name": "checkout", "minions": 10, "executions": 20, "failures": 3 }],
    })
}

/// The least that `summary.json` has.
fn summary(key: &str) -> String {
    let mut summary: Value = serde_json::from_str(include_str!(
        "../../../../runner/crates/qalipsis-report/tests/outputs/summary-1.json"
    ))
    .unwrap();
    summary["key"] = json!(key);
    summary.to_string()
}

#[test]
fn a_campaign_is_found_at_the_head_as_it_was_where_it_ran() {
    let head = Head::start(&["-c", TOKENS]);
    let directory = tempfile::tempdir().unwrap();
    let url = format!("report.export.head.url=http://{}", head.address);
    let token = format!("report.export.head.token={WRITE}");
    let finished = finish(directory.path(), &["-s", "red", "-c", &url, "-c", &token]);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let key = only_key(directory.path());
    let place = format!("http://{}/api/v1/campaigns/{key}", head.address);
    assert!(finished.stdout.contains(&place), "{finished}");
    assert!(!finished.stdout.contains(WRITE) && !finished.stderr.contains(WRITE), "{finished}");
    assert!(!directory.path().join("data").exists(), "nothing is kept here");

    let campaign = get(&head, &key).json();
    assert_eq!((&campaign["status"], &campaign["exitCode"]), (&json!("FAILED"), &json!(3)), "{campaign}");
    assert!(campaign["causes"][0].as_str().unwrap().contains("37 of 1000"), "{campaign}");
    let folder = directory.path().join("test-results").join(&key);
    let file = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let summary: Value = serde_json::from_str(&file("summary.json")).unwrap();
    assert_eq!(campaign["summary"], summary);
    assert_eq!(get(&head, &format!("{key}/report")).text(), file("report.html"));
    assert_eq!(get(&head, &format!("{key}/junit?suite=red")).text(), file("TEST-red.xml"));
    let annotations = get(&head, &format!("{key}/report?format=annotations")).text();
    assert!(annotations.starts_with("::error file=tests/cli/src/main.rs,line="), "{annotations}");
    assert!(get(&head, &format!("{key}/report?format=markdown")).text().starts_with("## ❌ FAILED"));
    let configuration = get(&head, &format!("{key}/configuration")).json();
    assert_eq!(configuration["report.export.head.token"], "***");

    // Windows of it are exact.
    let timeline = get(&head, &format!("{key}/timeline")).json();
    let steps = timeline["parts"][0]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 2, "{timeline}");
    for step in steps {
        let all = summary["scenarios"][0]["steps"].as_array().unwrap();
        let same = all.iter().find(|one| one["name"] == step["name"]).unwrap();
        assert_eq!(step["figures"]["executions"], same["figures"]["executions"], "{step}");
        let p95 = same["figures"]["response_time"]["p95_ns"].as_u64().unwrap();
        assert_eq!(step["figures"]["times"]["p95Ms"].as_f64().unwrap(), p95 as f64 / 1e6, "{step}");
    }
    let nothing = get(&head, &format!("{key}/timeline?to=2020-01-01T00:00:00Z")).json();
    assert_eq!(nothing, json!({ "parts": [] }));
}

#[test]
fn a_head_takes_a_campaign_once_and_replaces_none() {
    let head = Head::start(&["-c", TOKENS]);
    let put = |key: &str, body: &Value| ask(&head, "PUT", key, WRITE, body.to_string().as_bytes());
    let first = put("20261129-140500-aaaaaa", &publication());
    assert_eq!(first.status, 201, "{}", first.text());
    assert_eq!(first.header("location"), Some("/api/v1/campaigns/20261129-140500-aaaaaa"));
    let again = put("20261129-140500-aaaaaa", &publication());
    assert_eq!((again.status, again.json()), (200, first.json()));
    let mut other = publication();
    other["causes"] = json!(["4 of 10 failed"]);
    let refused = put("20261129-140500-aaaaaa", &other);
    assert_eq!((refused.status, &refused.json()["detail"]), (409, &json!("another campaign has this key")));
    assert_eq!(get(&head, "20261129-140500-aaaaaa").json()["causes"], json!(["3 of 10 failed"]));

    let body = publication().to_string();
    assert_eq!(ask(&head, "PUT", "20261129-140500-bbbbbb", READ, body.as_bytes()).status, 403);
    for key in ["..", "a%2Fb", "%3Cscript%3E", "a%00"] {
        assert_eq!(put(key, &publication()).status, 422, "{key}");
    }
    let mut wrong = publication();
    wrong["queuedAt"] = json!("noon");
    wrong["files"] = json!([
        { "name": "../../evil", "content": "" },
        { "name": "junit/../evil", "content": "" },
        { "name": "summary.json", "content": "{}" },
    ]);
    wrong["seconds"] = json!([{ "at": "2026-11-29T14:05:01Z", "scenario": "checkout", "figures": "AAAA" }]);
    let pointers: Vec<String> =
        put("20261129-140500-bbbbbb", &wrong).problems().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/queuedAt", "/files/0", "/files/1", "/files/2", "/seconds/0/figures"]);
    let mut running = publication();
    running["status"] = json!("RUNNING");
    assert_eq!(put("20261129-140500-bbbbbb", &running).status, 422);
    assert_eq!(get(&head, "20261129-140500-bbbbbb").status, 404);

    // Larger than what all other paths read, and not without a limit.
    let mut large = publication();
    let summary = json!({ "name": "summary.json", "content": summary("20261129-140500-cccccc") });
    large["files"] = json!([summary, { "name": "report.html", "content": "x".repeat(3_000_000) }]);
    assert_eq!(put("20261129-140500-cccccc", &large).status, 201);
    // A page of somebody else has no rights of this head.
    let page = get(&head, "20261129-140500-cccccc/report");
    assert_eq!(page.header("content-security-policy"), Some("sandbox allow-scripts allow-popups"));
    let announced = format!("content-length: {}", 65 * 1024 * 1024);
    let token = format!("authorization: Bearer {WRITE}");
    let headers = ["content-type: application/json", &token, &announced];
    let path = "/api/v1/campaigns/20261129-140500-dddddd";
    assert_eq!(send(head.address, "PUT", path, &headers, b"").status, 413);
    assert_eq!(ask(&head, "POST", "validate", WRITE, large.to_string().as_bytes()).status, 413);
}

#[test]
fn a_head_that_refuses_is_one_warning_and_no_other_verdict() {
    let head = Head::start(&["-c", TOKENS]);
    let url = format!("report.export.head.url=http://{}", head.address);
    let directory = tempfile::tempdir().unwrap();
    let finished = finish(directory.path(), &["-s", "green", "-c", &url]);
    assert_eq!(finished.code(), Some(0), "{finished}");
    let expected = "warning: head: the head refuses: it needs a token, set report.export.head.token or \
                    QALIPSIS_REPORT_EXPORT_HEAD_TOKEN (401)";
    let warnings: Vec<&str> = finished.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(warnings, [expected], "{finished}");
    let wrong = finish(directory.path(), &["-s", "green", "-c", "report.export.head.token=x"]);
    assert_eq!(wrong.code(), Some(2), "{wrong}");
    assert!(wrong.stderr.contains("report.export.head.url must be set"), "{wrong}");
}

#[test]
fn a_head_that_is_away_is_asked_again() {
    // The port is free once this is dropped.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let url = format!("report.export.head.url=http://{address}");
    let mut publishing = command(directory.path());
    publishing.args(["--autostart", "-s", "green", "-c", &url]);
    let process = Process::spawn(&mut publishing).unwrap();
    process.wait_for_line(|line| line.contains("SUCCESSFUL"), LIMIT).unwrap();
    sleep(Duration::from_millis(500));
    let other = tempfile::tempdir().unwrap();
    let mut serving = command(other.path());
    let head = Head::of(serving.args(["-c", &format!("server.address={address}")]), other);
    let finished = process.wait(LIMIT).unwrap();
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert!(!finished.stderr.contains("warning"), "{finished}");
    assert_eq!(head.get("/campaigns").json()["total"], 1);
}
