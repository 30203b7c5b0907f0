//! Campaigns that have ended: found again, also by the next head.

use crate::client::send;
use crate::head::{Head, LIMIT, command};
use serde_json::{Value, json};
use std::fs;

fn keys(head: &Head, query: &str) -> Vec<String> {
    let list = head.get(&format!("/campaigns{query}"));
    assert_eq!(list.status, 200, "{}", list.text());
    let list = list.json();
    list["campaigns"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_next_head_finds_campaigns_with_everything_that_was_kept() {
    let head = Head::start(&[]);
    let run = |name: &str, scenario: &str| {
        let payload = json!({
            "name": name,
            "seed": 7,
            "configuration": { "report.export.slack.token": "hunter2-hunter2" },
            "scenarios": { scenario: {} },
        });
        let key = head.start_campaign(&payload);
        head.until_ended(&key);
        key
    };
    let (first, second) = (run("nightly one", "red"), run("nightly <script>two", "green"));
    let paths = ["", "/summary", "/report", "/junit?suite=red", "/configuration", "/timeline"];
    let shown = |head: &Head| paths.map(|path| head.get(&format!("/campaigns/{first}{path}")).text());
    let before = shown(&head);
    assert!(!before.join("").contains("hunter2"), "no secret is shown");

    // Any window is merged exactly: all seconds together are the campaign.
    let timeline: Value = serde_json::from_str(&before[5]).unwrap();
    let summary: Value = serde_json::from_str(&before[1]).unwrap();
    let part = &timeline["parts"][0];
    assert_eq!((&part["scenario"], &part["released"]), (&json!("red"), &json!(1000)), "{timeline}");
    let steps = part["steps"].as_array().unwrap();
    assert!(!steps.is_empty());
    for step in steps {
        let all = summary["scenarios"][0]["steps"].as_array().unwrap();
        let same = all.iter().find(|one| one["name"] == step["name"]).unwrap();
        assert_eq!(step["figures"]["executions"], same["figures"]["executions"], "{step}");
        let p95 = same["figures"]["response_time"]["p95_ns"].as_u64().unwrap();
        assert_eq!(step["figures"]["times"]["p95Ms"].as_f64().unwrap(), p95 as f64 / 1e6, "{step}");
    }
    let nothing = head.get(&format!("/campaigns/{first}/timeline?to=2020-01-01T00:00:00Z")).json();
    assert_eq!(nothing, json!({ "parts": [] }));

    // The next head has the same.
    head.process.terminate().unwrap();
    let directory = head.directory;
    assert_eq!(head.process.wait(LIMIT).unwrap().code(), Some(0));
    let mut command = command(directory.path());
    let next = Head::of(command.args(["-c", "server.address=127.0.0.1:0"]), directory);
    let after = shown(&next);
    for (path, (before, after)) in paths.iter().zip(before.iter().zip(&after)) {
        // What is left of the progress when a campaign has ended is its sums.
        if !path.is_empty() {
            assert_eq!(before, after, "{path}");
        }
    }
    let campaign: Value = serde_json::from_str(&after[0]).unwrap();
    assert_eq!((&campaign["status"], &campaign["phase"]), (&json!("FAILED"), &json!("ENDED")));

    // Lists are filtered, sorted and paged.
    assert_eq!(keys(&next, ""), [second.clone(), first.clone()]);
    for (query, expected) in [
        ("?filter=ONE", &[&first][..]),
        ("?filter=%3Cscript%3E", &[&second]),
        ("?status=failed,ABORTED", &[&first]),
        ("?scenario=green", &[&second]),
        ("?sort=started", &[&first, &second]),
        ("?sort=name", &[&second, &first]),
        ("?size=1&page=1", &[&first]),
        ("?from=2030-01-01T00:00:00Z", &[]),
        ("?to=2030-01-01T00:00:00Z&sort=started", &[&first, &second]),
    ] {
        assert_eq!(keys(&next, query).iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for (query, expected) in [
        (
            "?status=red",
            "status: unknown status 'red', there are: QUEUED, RUNNING, SUCCESSFUL, WARNING, FAILED, ABORTED, INVALID",
        ),
        ("?sort=-age", "sort: cannot sort by 'age', did you mean 'name'?"),
        ("?size=0", "size: must be from 1 to 500"),
        ("?from=noon", "from: must be an instant in RFC 3339, for example 2026-11-29T14:05:00Z"),
    ] {
        let answer = next.get(&format!("/campaigns{query}"));
        assert_eq!((answer.status, &answer.json()["detail"]), (400, &json!(expected)), "{query}");
    }
    let compared = next.get(&format!("/compare?baseline={first}&current={first}"));
    assert_eq!(compared.status, 200, "{}", compared.text());
    assert_eq!(next.get(&format!("/compare?baseline={second}&current={first}")).status, 409);

    // What is removed is gone, with its files in the store, and no secret ever was there.
    let path = format!("/api/v1/campaigns/{first}");
    assert_eq!(send(next.address, "DELETE", &path, &[], b"").status, 204);
    assert_eq!(send(next.address, "DELETE", &path, &[], b"").status, 404);
    for path in paths {
        assert_eq!(next.get(&format!("/campaigns/{first}{path}")).status, 404, "{path}");
    }
    assert_eq!(keys(&next, ""), [second]);
    for entry in fs::read_dir(next.path().join("data/qalipsis")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "the store has no secret");
    }
}
