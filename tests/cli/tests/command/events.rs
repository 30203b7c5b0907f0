//! `events.jsonl` of real runs.

use crate::support::{FIXTURE, TestContext, finish};
use qalipsis_summary::{Events, Status, Summary};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

const ENABLED: [&str; 2] = ["-c", "report.export.events.enabled=true"];

/// All events of the only campaign, in the order of the file.
fn events(context: &TestContext) -> Vec<Value> {
    let path = context.summary().with_file_name("events.jsonl");
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn summary(context: &TestContext) -> Summary {
    Summary::read(&context.summary()).unwrap()
}

fn named<'a>(events: &'a [Value], name: &str, scenario: &str) -> Vec<&'a Value> {
    events.iter().filter(|e| e["name"] == name && e["tags"]["scenario"] == scenario).collect()
}

#[test]
fn each_event_and_each_execution_of_a_monitored_step_is_exported_once() {
    let context = TestContext::new();
    let arguments = [&ENABLED[..], &["-c", "factory.zone=eu"]].concat();
    let finished = context.autostart("emits", &arguments);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let summary = summary(&context);
    let exported = events(&context);
    assert_eq!(summary.events, Some(Events { received: exported.len() as u64, dropped: 0 }));
    // Of 20 minions: five events each, without the one below the level, and two monitored steps.
    assert_eq!(exported.len(), 20 * (5 + 2));

    let of = |name: &str| named(&exported, name, "emits");
    let minions = |events: &[&Value]| -> BTreeSet<u64> {
        events.iter().map(|e| e["tags"]["minion"].as_u64().unwrap()).collect()
    };
    for name in ["quantity", "shelf", "full", "weight", "age"] {
        assert_eq!((of(name).len(), minions(&of(name)).len()), (20, 20), "{name}");
    }
    let of_seven = |name: &Value| {
        let mut found = of(name.as_str().unwrap());
        found.retain(|e| e["tags"]["minion"] == 7);
        let mut event = found[0].clone();
        let at = event["at"].take();
        assert!(at.as_str().unwrap().ends_with('Z'), "{at}");
        event
    };
    let tags = |step: Option<&str>| {
        let mut tags = json!({
            "campaign": summary.key, "scenario": "emits", "minion": 7, "iteration": 0, "factory": "fixture", "zone": "eu",
        });
        if let Some(step) = step {
            tags["step"] = step.into();
        }
        tags
    };
    let expected = [
        json!({"at": null, "level": "info", "name": "quantity", "value": 14, "tags": tags(Some("act"))}),
        json!({"at": null, "level": "warn", "name": "shelf", "value": "row 7", "tags": tags(None)}),
        json!({"at": null, "level": "info", "name": "full", "value": false, "tags": tags(None)}),
        json!({"at": null, "level": "info", "name": "weight", "value": 0.5, "tags": tags(None)}),
        json!({"at": null, "level": "info", "name": "age", "value_ns": 3_000_000, "tags": tags(None)}),
    ];
    for event in expected {
        assert_eq!(of_seven(&event["name"]), event);
    }

    let executions = |step: &str| {
        let mut found = of("execution");
        found.retain(|e| e["tags"]["step"] == step);
        found
    };
    assert_eq!((executions("act").len(), executions("check").len()), (20, 20));
    assert!(executions("act").iter().all(|e| e["level"] == "info" && e["value"] == "success"));
    for event in executions("act") {
        let (service, response) = (event["service_ns"].as_u64(), event["response_ns"].as_u64());
        assert!(service >= Some(2_000_000) && response >= service, "{event}");
    }
    let mut failed = of("execution");
    failed.retain(|e| e["level"] == "error");
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&failed[0]["value"], &failed[0]["failure"], &failed[0]["tags"]["minion"]),
        (&json!("failure"), &json!("assertion"), &json!(19))
    );
}

#[test]
fn a_level_leaves_out_what_is_below_it() {
    let context = TestContext::new();
    let arguments = [&ENABLED[..], &["-c", "report.export.events.level=warn"]].concat();
    context.autostart("emits", &arguments);
    let exported = events(&context);
    assert_eq!(named(&exported, "shelf", "emits").len(), 20);
    assert_eq!(named(&exported, "execution", "emits").len(), 1, "the one that failed");
    assert_eq!(exported.len(), 21);

    let context = TestContext::new();
    let arguments = [&ENABLED[..], &["-c", "report.export.events.level=debug"]].concat();
    context.autostart("emits", &arguments);
    assert_eq!(named(&events(&context), "begun", "emits").len(), 20);
}

#[test]
fn two_factories_write_one_file() {
    let context = TestContext::new();
    let other = context.script("other", &format!("FIXTURE_SCENARIOS=other exec '{FIXTURE}' \"$@\""));
    let mut command = context.campaign("emits*", &ENABLED);
    command.arg("--executable").arg(&other);
    let finished = finish(command);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let exported = events(&context);
    let executions = |factory: &str, scenario: &str| {
        let mut found = named(&exported, "execution", scenario);
        found.retain(|e| e["tags"]["factory"] == factory);
        found.len()
    };
    assert_eq!((executions("fixture", "emits"), executions("other", "emits-too")), (40, 10));
    assert_eq!(exported.len(), 25 * (5 + 2));
    assert_eq!(summary(&context).events, Some(Events { received: 175, dropped: 0 }));
}

#[test]
fn nothing_is_collected_unless_it_is_asked_for() {
    let context = TestContext::new();
    context.autostart("emits", &[]);
    assert!(!context.summary().with_file_name("events.jsonl").exists());
    assert_eq!(summary(&context).events, None);
}

#[test]
fn what_a_full_buffer_drops_is_a_warning_and_beyond_its_limit_makes_the_campaign_invalid() {
    let small = [&ENABLED[..], &["-c", "report.export.events.buffer=100"]].concat();
    for (limit, status, code) in [("100000", Status::Warning, 0), ("1000", Status::Invalid, 6)] {
        let context = TestContext::new();
        let limit = format!("campaign.limits.events-dropped={limit}");
        let finished = context.autostart("chatters", &[&small[..], &["-c", &limit]].concat());
        assert_eq!(finished.code(), Some(code), "{finished}");
        let summary = summary(&context);
        assert_eq!(summary.status, status);
        let counts = summary.events.unwrap();
        // Nothing is lost without being counted.
        assert_eq!(counts.received + counts.dropped, 100_000);
        assert!(counts.dropped > 1_000, "{counts:?}");
        assert_eq!(events(&context).len() as u64, counts.received);
        let warning = format!("{} events were dropped because a buffer was full", counts.dropped);
        assert_eq!(summary.warnings, std::slice::from_ref(&warning));
        assert!(finished.stdout.contains(&warning), "{finished}");
        let page = fs::read_to_string(context.summary().with_file_name("report.html")).unwrap();
        assert!(page.contains(&warning));
    }
}

#[test]
fn c4_a_full_disk_is_an_error_of_its_own_and_leaves_complete_lines_under_a_temporary_name() {
    let context = TestContext::new();
    // A limit on the size of files ends a write as a full disk does. The other files are smaller.
    let finished = finish(context.shell(
        "trap '' XFSZ; ulimit -f 8192; \
         \"$Q\" --autostart --executable \"$F\" -s chatters -c report.export.events.enabled=true \
         -c report.export.events.buffer=200000",
    ));
    assert_eq!(finished.code(), Some(1), "{finished}");
    let summary = summary(&context);
    assert_eq!(summary.status, Status::Successful, "it is no verdict");
    assert_eq!(summary.events, Some(Events { received: 100_000, dropped: 0 }));
    assert_eq!(summary.warnings.len(), 1, "{:?}", summary.warnings);
    let warning = &summary.warnings[0];
    assert!(
        warning.starts_with("events: failed to write test-results/") && warning.contains("File too large"),
        "{warning}"
    );
    let missing: usize = warning.split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert!(!context.summary().with_file_name("events.jsonl").exists(), "it is incomplete");
    let part = fs::read_to_string(context.summary().with_file_name("events.jsonl.part")).unwrap();
    let written: Vec<Value> = part.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let written = written.len();
    assert!(missing > 0 && written > 0 && written + missing == 100_000, "{written} and {missing}");
    assert!(finished.stderr.contains("error: events: failed to write "), "{finished}");
}
