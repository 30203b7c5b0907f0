//! What the head refuses, and how it says so.

use crate::client::send;
use crate::head::{Head, LIMIT, command};
use qalipsis_testkit::Process;
use serde_json::json;

#[test]
fn all_that_is_wrong_with_a_payload_is_found_at_once() {
    let head = Head::start(&[]);
    let payload = json!({
        "name": "x",
        "sede": 1,
        "seed": -1,
        "configuration": { "campain.seed": 1, "server.address": "x", "campaign.limits.drain": "long" },
        "scenarios": {
            "gren": {},
            "red": { "minionsCount": 0 },
            "green": {
                "zones": { "mars": 90 },
                "executionProfile": { "profile": "REGULAR", "periodInMs": 0 },
                "properties": { "x/y": "1" },
            },
        },
    });
    for path in ["/campaigns", "/campaigns/validate"] {
        let answer = head.post(path, &payload);
        assert_eq!(answer.status, 422, "{}", answer.text());
        let mut pointers: Vec<String> = answer.problems().into_iter().map(|(pointer, _)| pointer).collect();
        pointers.sort();
        assert_eq!(
            pointers,
            [
                "/configuration/campaign.limits.drain",
                "/configuration/campain.seed",
                "/configuration/server.address",
                "/name",
                "/scenarios/green/executionProfile/minionsCountProLaunch",
                "/scenarios/green/executionProfile/periodInMs",
                "/scenarios/green/properties/x~1y",
                "/scenarios/green/zones",
                "/scenarios/green/zones/mars",
                "/scenarios/gren",
                "/scenarios/red/minionsCount",
                "/sede",
                "/seed",
            ]
        );
        let unknown = answer.problems().into_iter().find(|(pointer, _)| pointer == "/sede").unwrap();
        assert_eq!(unknown.1, "unknown field 'sede', did you mean 'seed'?");
    }
    assert_eq!(head.get("/campaigns").json()["total"], 0, "nothing was started");
    let valid = json!({ "name": "all right", "scenarios": { "green": { "minionsCount": 2 } } });
    assert_eq!(head.post("/campaigns/validate", &valid).json(), json!({ "valid": true }));
}

#[test]
fn every_error_is_a_problem_document() {
    let head = Head::start(&[]);
    let json = "content-type: application/json";
    let large = vec![b' '; 2 << 20];
    let chunked = ["content-type: application/json", "transfer-encoding: chunked"];
    let one_chunk = [format!("{:x}\r\n", large.len()).into_bytes(), large.clone(), b"\r\n0\r\n\r\n".to_vec()];
    for (status, method, path, headers, body) in [
        (404, "GET", "/api/v1/nothing", &[][..], &b""[..]),
        (404, "GET", "/nothing", &[], b""),
        (404, "GET", "/api/v1/campaigns/..%2f..%2fetc", &[], b""),
        (404, "GET", "/api/v1/campaigns/%00/summary", &[], b""),
        (405, "PUT", "/api/v1/campaigns", &[], b""),
        (400, "POST", "/api/v1/campaigns", &[json], b"{"),
        (400, "POST", "/api/v1/campaigns", &[json], b""),
        (422, "POST", "/api/v1/campaigns", &[json], b"[]"),
        (415, "POST", "/api/v1/campaigns", &[], b"{}"),
        (413, "POST", "/api/v1/campaigns", &[json], &large),
        (413, "POST", "/api/v1/campaigns", &chunked, &one_chunk.concat()),
        (400, "POST", "/api/v1/campaigns/x/abort?hard=perhaps", &[], b""),
        (400, "POST", "/api/v1/campaigns/x/abort?soft=true", &[], b""),
    ] {
        let answer = send(head.address, method, path, headers, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.problems();
    }
    let key = head.start_campaign(&json!({ "name": "some", "scenarios": { "green": {} } }));
    let events = format!("/api/v1/campaigns/{key}/events");
    for id in ["last-event-id: x", "last-event-id: +1", "last-event-id: -1", "last-event-id: \u{84}"] {
        assert_eq!(send(head.address, "GET", &events, &[id], b"").status, 400, "{id}");
    }
    let answer = send(head.address, "PUT", "/api/v1/campaigns", &[], b"");
    assert!(answer.header("allow").is_some_and(|allow| allow.contains("POST")), "{answer:?}");
}

#[test]
fn a_port_that_is_taken_is_one_clear_line() {
    let head = Head::start(&[]);
    let directory = tempfile::tempdir().unwrap();
    let address = format!("server.address={}", head.address);
    let process = Process::spawn(command(directory.path()).args(["-c", &address])).unwrap();
    let finished = process.wait(LIMIT).unwrap();
    assert_eq!(finished.code(), Some(5), "{finished}");
    assert_eq!(
        finished.stderr,
        format!(
            "error: cannot listen on {}: the port is taken, stop what listens there or set server.address\n",
            head.address
        )
    );
}
