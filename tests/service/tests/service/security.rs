//! Who may use the head, and who may not.

use crate::client::{begin, first_line, send};
use crate::head::{Head, LIMIT, command};
use qalipsis_testkit::Process;
use serde_json::json;
use std::time::{Duration, Instant};

const WRITER: &str = "writer-0123456789";
const READER: &str = "reader-0123456789";
const TOKENS: &str = "server.token=ci:write:writer-0123456789,wall:read:reader-0123456789";

#[test]
fn without_a_token_only_health_answers_and_a_reader_cannot_write() {
    let head = Head::start(&["-c", TOKENS]);
    let bearer = |token: &str| format!("authorization: Bearer {token}");
    let json = "content-type: application/json";
    let payload = json!({ "name": "secret", "scenarios": { "green": {} } }).to_string();
    let status = |method: &str, path: &str, token: Option<&str>| {
        let token = token.map(bearer);
        let headers: Vec<&str> = token.iter().map(String::as_str).chain([json]).collect();
        let body = if method == "POST" { payload.as_bytes() } else { b"" };
        let answer = send(head.address, method, path, &headers, body);
        assert!(answer.status < 400 || answer.problems().is_empty());
        answer.status
    };
    assert_eq!(status("GET", "/api/v1/health", None), 200);
    for path in ["/api/v1/scenarios", "/api/v1/openapi.json", "/api/campaigns", "/api/v1/nothing", "/"] {
        assert_eq!(status("GET", path, None), 401, "{path}");
    }
    assert_eq!(status("GET", "/api/v1/scenarios", Some(READER)), 200);
    assert_eq!(status("POST", "/api/v1/campaigns", Some(READER)), 403);
    assert_eq!(status("POST", "/api/v1/campaigns", None), 401);
    assert_eq!(status("POST", "/api/v1/campaigns", Some(WRITER)), 201);
    let begin = Instant::now();
    assert_eq!(status("GET", "/api/v1/scenarios", Some("writer-0123456788")), 401);
    assert!(begin.elapsed() >= Duration::from_millis(500), "a wrong token costs time");
    let line =
        head.process.wait_for_line(|line| line.starts_with("wrong token from 127.0.0.1"), LIMIT).unwrap();
    assert!(line.ends_with("GET /api/v1/scenarios"), "{line}");
    let output = format!("{}{}", head.process.stdout(), head.process.stderr());
    assert!(!output.contains("0123456789"), "{output}");
    let configuration = send(head.address, "GET", "/api/v1/campaigns", &[&bearer(READER)], b"").text();
    assert!(!configuration.contains("0123456789"), "{configuration}");
}

#[test]
fn other_hosts_and_pages_of_other_sites_are_refused() {
    let head = Head::start(&["-c", "server.hosts=load.example", "-c", "server.origins=https://wall.example"]);
    let port = head.address.port();
    let status = |method: &str, headers: &[&str]| {
        let headers: Vec<&str> = headers.iter().copied().chain(["content-type: application/json"]).collect();
        send(head.address, method, "/api/v1/campaigns", &headers, if method == "POST" { b"{}" } else { b"" })
            .status
    };
    for host in [
        "127.0.0.1".to_owned(),
        format!("localhost:{port}"),
        "LOAD.example:80".to_owned(),
        "[::1]".to_owned(),
    ] {
        assert_eq!(status("GET", &[&format!("host: {host}")]), 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "localhost.evil.example:80"] {
        assert_eq!(status("GET", &[&format!("host: {host}")]), 403, "{host}");
    }
    assert_eq!(status("POST", &["origin: https://evil.example"]), 403);
    assert_eq!(status("POST", &["origin: null"]), 403);
    assert_eq!(status("POST", &["origin: https://wall.example"]), 422);
    assert_eq!(status("POST", &[&format!("origin: http://{}", head.address)]), 422);
    // Also of an error, so that its script can read why.
    for path in ["/api/v1/health", "/api/v1/nothing", "/api/v1/campaigns/nothing"] {
        let allowed = send(head.address, "GET", path, &["origin: https://wall.example"], b"");
        assert_eq!(allowed.header("access-control-allow-origin"), Some("https://wall.example"), "{path}");
    }
    let head = Head::start(&["-c", "server.origins=https://wall.example", "-c", TOKENS]);
    let refused = send(head.address, "GET", "/api/v1/scenarios", &["origin: https://wall.example"], b"");
    assert_eq!(
        (refused.status, refused.header("access-control-allow-origin")),
        (401, Some("https://wall.example"))
    );
}

#[test]
fn a_body_of_100_mb_is_refused_before_it_is_sent() {
    let head = Head::start(&[]);
    let headers = ["content-type: application/json", "content-length: 104857600"];
    // The body never comes: the answer does not wait for it.
    let stream = begin(head.address, "POST", "/api/v1/campaigns", &headers, b"");
    assert_eq!(first_line(stream), "HTTP/1.1 413 Payload Too Large\r\n");
}

#[test]
fn a_head_that_others_reach_needs_a_token() {
    let directory = tempfile::tempdir().unwrap();
    let process = Process::spawn(command(directory.path()).args(["-c", "server.address=0.0.0.0:0"])).unwrap();
    let finished = process.wait(LIMIT).unwrap();
    assert_eq!(finished.code(), Some(2), "{finished}");
    assert_eq!(
        finished.stderr,
        "error: server.token must be set, since others than this machine reach server.address 0.0.0.0:0\n"
    );
}
