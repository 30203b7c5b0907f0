//! The description of the API, and whether the head keeps to it.

use crate::client::send;
use crate::head::Head;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const TOKEN: &str = "authorization: Bearer fuzz-0123456789abcdef";

fn document(head: &Head) -> Value {
    send(head.address, "GET", "/api/v1/openapi.json", &[TOKEN], b"").json()
}

fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let each = paths.flat_map(|(path, operations)| {
        let named = |(method, operation): (&String, &Value)| (format!("{method} {path}"), operation.clone());
        operations.as_object().unwrap().iter().map(named).collect::<Vec<_>>()
    });
    each.collect()
}

/// Bounds of what a campaign does, so that whatever is drawn ends soon.
fn narrow(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let kind = fields.get("type").map(Value::to_string).unwrap_or_default();
            if kind.contains("integer") || kind.contains("number") {
                fields.insert("maximum".into(), json!(50));
            }
            fields.values_mut().for_each(narrow);
        }
        Value::Array(items) => items.iter_mut().for_each(narrow),
        _ => {}
    }
}

/// The same description for a client that knows this campaign, and scenarios and keys that exist: what only invented ones
/// would reach is little.
fn known(mut document: Value, campaign: &str) -> Value {
    for operations in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in operations.as_object_mut().unwrap().values_mut() {
            for parameter in
                operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten()
            {
                if ["key", "baseline", "current"].iter().any(|name| parameter["name"] == *name) {
                    parameter["schema"] = json!({ "type": "string", "enum": [campaign, "nothing"] });
                }
            }
        }
    }
    let schemas = &mut document["components"]["schemas"];
    let request = &mut schemas["CampaignRequest"]["properties"];
    request["scenarios"]["propertyNames"] = json!({ "enum": ["green", "red"] });
    request["configuration"]["propertyNames"] =
        json!({ "enum": ["campaign.fail-on-warning", "campaign.seed"] });
    // What is only validated keeps its bounds.
    let names = [
        "CampaignRequest",
        "ScenarioRequest",
        "ExecutionProfile",
        "PercentageStage",
        "MinionsStage",
        "ArrivalsRate",
    ];
    let mut started = json!({});
    for name in names {
        started[format!("Small{name}")] = schemas[name].clone();
    }
    narrow(&mut started);
    let mut text = started.to_string();
    for name in names {
        text = text.replace(&format!("schemas/{name}\""), &format!("schemas/Small{name}\""));
    }
    let started: Value = serde_json::from_str(&text).unwrap();
    schemas.as_object_mut().unwrap().extend(started.as_object().unwrap().clone());
    schemas["ScheduleRequest"]["properties"]["campaign"]["$ref"] =
        "#/components/schemas/SmallCampaignRequest".into();
    document["paths"]["/api/v1/campaigns"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        ["$ref"] = "#/components/schemas/SmallCampaignRequest".into();
    document
}

#[test]
fn the_description_names_each_operation_once_and_says_what_is_refused() {
    let head = Head::start(&[]);
    let document = head.get("/openapi.json").json();
    let operations = operations(&document);
    let ids: BTreeSet<&str> =
        operations.iter().map(|(_, one)| one["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len(), "{ids:?}");
    for (name, operation) in &operations {
        let needs_token = name != "get /api/v1/health";
        assert_eq!(operation["responses"]["401"].is_object(), needs_token, "{name}");
        for status in ["403", "default"] {
            let content = &operation["responses"][status]["content"]["application/problem+json"];
            assert_eq!(content["schema"]["$ref"], "#/components/schemas/ProblemDetails", "{name} {status}");
        }
    }
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is described");
    }
}

/// Thousands of requests that fit the description or just do not: none breaks the head, each answer is one that the
/// description has, and what does not fit is refused. Bounded to half a minute.
#[test]
fn what_is_drawn_from_the_description_is_answered_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let fuzz = root.join("tests/service/fuzz");
    let fetched = Command::new("sh").arg(fuzz.join("fetch.sh")).output().unwrap();
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    let head =
        Head::start(&["-c", "server.token=fuzz:write:fuzz-0123456789abcdef", "-c", "head.campaigns=2"]);
    let body = json!({ "name": "known", "scenarios": { "green": { "minionsCount": 3 } } }).to_string();
    let headers = [TOKEN, "content-type: application/json"];
    let started = send(head.address, "POST", "/api/v1/campaigns", &headers, body.as_bytes());
    assert_eq!(started.status, 201, "{}", started.text());
    let document = known(document(&head), started.json()["key"].as_str().unwrap());
    let file = head.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let mut command = Command::new(root.join("target/schemathesis/bin/schemathesis"));
    command
        .current_dir(head.path())
        .arg("--config-file")
        .arg(fuzz.join("schemathesis.toml"))
        .arg("run")
        .arg(&file);
    command.args([
        "--url",
        &format!("http://{}", head.address),
        "-H",
        "Authorization: Bearer fuzz-0123456789abcdef",
    ]);
    // The same seed finds the same; campaigns that run meanwhile are what differs.
    command.args(["--seed", "1", "--max-examples", "5", "--max-time", "25", "--request-timeout", "30"]);
    command.args(["--phases", "coverage,fuzzing", "--generation-database", "none", "--no-color"]);
    let run = command.output().unwrap();
    let output = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{output}\n{}", String::from_utf8_lossy(&run.stderr));
    let tested = format!("Tested: {}\n", operations(&document).len());
    assert!(output.contains(&tested), "{output}");
}
