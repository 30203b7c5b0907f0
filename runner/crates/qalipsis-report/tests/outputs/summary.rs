//! `summary.json`: what is written is what was measured, valid against the schema, and read again.

use crate::sample::{Campaign, hostile};
use qalipsis_judge::report::Report;
use qalipsis_report::summary;
use qalipsis_summary::{Error, SCHEMA_VERSION, Status, StepKind, Summary};
use serde_json::{Value, json};
use std::path::Path;

const SCHEMA: &str = include_str!("../../../../docs/summary.schema.json");

pub(crate) fn valid(document: &Value) -> Result<(), String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn written(report: &Report) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = summary::write(report, folder.path()).unwrap();
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_report_fits_the_schema() {
    let reports = [
        Campaign::healthy().report(),
        Campaign::failing().report(),
        Campaign::not_ready().report(),
        Campaign::forgiven().report(),
        Campaign::in_zones(&["eu", "us"]).report(),
        Campaign::measuring().report(),
        hostile("quotes \" ' ]]> <&> \u{1b}[31m \u{0} \u{fffe} é 🎉"),
    ];
    for report in reports {
        valid(&written(&report)).unwrap();
    }
}

#[test]
fn the_schema_refuses_what_is_no_summary() {
    assert!(valid(&json!({})).is_err());
    let good = written(&Campaign::failing().report());
    for (place, bad) in [
        ("/status", json!("GREEN")),
        ("/started", json!("yesterday")),
        ("/scenarios/0/steps/0/figures/executions", json!(-1)),
        ("/scenarios/0/steps/0/figures/outcomes/success/service/buckets", json!([[1]])),
        ("/scenarios/0/criteria/0/held", json!("yes")),
    ] {
        let mut document = good.clone();
        *document.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = bad;
        assert!(valid(&document).is_err(), "{place}");
    }
}

#[test]
fn flaky_executions_and_tolerated_failures_are_shown() {
    let steps = &written(&Campaign::forgiven().report())["scenarios"][0]["steps"];
    assert_eq!(steps[0]["flaky"], json!({"executions": 4, "cause": "connection refused"}));
    assert_eq!(steps[1]["tolerated"]["executions"], json!(2));
    assert_eq!(steps[1]["tolerated"]["limit"], json!("5 %"));
    assert_eq!(
        (&steps[0]["tolerated"], &steps[1]["flaky"], &steps[1]["headline"]),
        (&json!(null), &json!(null), &json!(null))
    );
    let steps = &written(&Campaign::healthy().report())["scenarios"][0]["steps"];
    assert_eq!((&steps[0]["flaky"], &steps[1]["tolerated"]), (&json!(null), &json!(null)));
}

#[test]
fn several_zones_have_their_figures_and_the_worst_is_named() {
    let summary = Summary::from(&Campaign::in_zones(&["eu", "us"]).report());
    let scenario = &summary.scenarios[0];
    let zones: Vec<&str> = scenario.by_zone.iter().map(|zone| zone.zone.as_str()).collect();
    assert_eq!(zones, ["eu", "us"]);
    for (index, step) in scenario.steps.iter().enumerate().take(3) {
        let [eu, us] = [0, 1].map(|zone: usize| &scenario.by_zone[zone].steps[index]);
        assert_eq!((&eu.step, &us.step), (&step.name, &step.name));
        let mut both = eu.figures.outcomes.response();
        both.merge(&us.figures.outcomes.response());
        assert_eq!(both, step.figures.outcomes.response(), "{}", step.name);
        assert_eq!(eu.figures.failed + us.figures.failed, step.figures.failed);
    }
    let refused = &scenario.by_zone[1].steps[1].figures;
    assert_eq!((refused.failed_minions, refused.minions, refused.failed), (40, 1000, 40));
    let joins: Vec<_> = scenario.by_zone.iter().map(|zone| &zone.joins[0]).collect();
    assert_eq!(joins.iter().map(|join| join.expected).sum::<u64>(), scenario.joins[0].expected);
    assert_eq!(joins[0].awaited_by[0].matched, 1000);
    let differ = |n: usize| {
        let difference = &scenario.zone_differences[n];
        (difference.worst_zone.as_str(), difference.step.as_str(), difference.measure.as_str())
    };
    assert_eq!(differ(0), ("us", "order-accepted", "error rate"));
    assert_eq!(differ(1), ("us", "place-order", "response time"));
    let one = written(&Campaign::in_zones(&["eu"]).report());
    assert_eq!(one.pointer("/scenarios/0/by_zone"), None, "one zone is the whole");
}

#[test]
fn what_was_measured_is_in_it_and_is_read_again() {
    let report = Campaign::failing().report();
    let folder = tempfile::tempdir().unwrap();
    let path = summary::write(&report, folder.path()).unwrap();
    assert_eq!(path, folder.path().join("20261123-050607-k3v9").join("summary.json"));
    let read = Summary::read(&path).unwrap();
    assert_eq!(read, Summary::from(&report));

    let scenario = &read.scenarios[0];
    let (expected, place) = (&report.scenarios[0].steps[0].figures, &scenario.steps[0]);
    assert_eq!(place.figures.outcomes.response(), expected.response());
    assert_eq!(place.figures.outcomes.service(), expected.service());
    assert_eq!((place.kind, place.figures.executions), (Some(StepKind::Action), 1200));
    assert_eq!(place.location.as_ref().map(|l| l.line), Some(87));

    let accepted = &scenario.steps[1];
    assert_eq!((accepted.figures.failed, accepted.failures[0].kind.as_str()), (37, "assertion"));
    let kept = &accepted.failures[0].kept[0];
    assert_eq!((kept.checks[0].expected.as_str(), kept.checks[0].observed.as_str()), ("202", "503"));

    let fulfilled = &scenario.joins[0].awaited_by[0];
    assert_eq!(
        (fulfilled.step.as_str(), fulfilled.matched, fulfilled.late, fulfilled.missing),
        ("order-fulfilled", 1000, 3, 9)
    );
    assert_eq!((fulfilled.latency.count(), fulfilled.lateness.count()), (1000, 3));
    assert_eq!((scenario.joins[0].duplicates, scenario.joins[0].orphans), (3, 2));

    let late = &scenario.criteria[1];
    assert_eq!((late.step.as_deref(), late.measure.as_str()), (Some("order-fulfilled"), "latency p95"));
    assert_eq!((late.expected.as_str(), late.held), ("below 2 s", true));
    assert_eq!(scenario.timeline.released, [1000]);
    assert_eq!(scenario.timeline.steps[1].failed, [37]);
    assert_eq!(read.environment.host.as_deref(), Some("build-7"));
    assert_eq!(read.environment.configuration["properties.password"], "***");
}

#[test]
fn a_newer_version_is_refused_in_one_clear_line_and_a_new_field_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = summary::write(&Campaign::healthy().report(), folder.path()).unwrap();
    let mut document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();

    document["new_field"] = json!(1);
    document["scenarios"][0]["steps"][0]["new_field"] = json!({});
    std::fs::write(&path, document.to_string()).unwrap();
    assert_eq!(Summary::read(&path).unwrap().scenarios[0].steps.len(), 4);
    valid(&document).unwrap();

    document["schema_version"] = json!(SCHEMA_VERSION + 1);
    document["scenarios"] = json!("something new");
    std::fs::write(&path, document.to_string()).unwrap();
    let error = Summary::read(&path).unwrap_err();
    assert!(matches!(error, Error::Newer { found, .. } if found == SCHEMA_VERSION + 1), "{error}");
    let line = error.to_string().replace(&path.display().to_string(), "a/summary.json");
    assert_eq!(
        line,
        "a/summary.json has version 2 of the format, this program reads up to 1: use the qalipsis that wrote it, \
         or a newer one"
    );
}

/// Written by the first version of the format. It stays as it is for ever: what was written once must be readable.
const FIRST_VERSION: &str = include_str!("summary-1.json");

#[test]
fn a_file_of_the_first_version_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json");
    std::fs::write(&path, FIRST_VERSION).unwrap();
    let summary = Summary::read(&path).unwrap();
    assert_eq!((summary.schema_version, summary.status), (1, Status::Failed));
    let scenario = &summary.scenarios[0];
    assert_eq!((scenario.name.as_str(), scenario.minions, scenario.steps.len()), ("checkout", 1000, 4));
    let place = &scenario.steps[0].figures;
    assert_eq!((place.executions, place.outcomes.response().count()), (1200, 1200));
    assert_eq!(place.response_time.as_ref().map(|t| t.max_ns), place.outcomes.response().max_ns());
    assert_eq!(scenario.steps[1].failures[0].kept[0].checks[1].observed, "text/html");
    assert_eq!(scenario.joins[0].awaited_by[0].missing, 9);
    assert!(!scenario.criteria[0].held);
}

#[test]
fn what_is_no_summary_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.json");
    assert!(matches!(Summary::read(&path), Err(Error::Read { .. })));
    for text in ["", "{}", "[1]", "{\"schema_version\":1}", "{\"schema_version\":1,\"key\":"] {
        std::fs::write(&path, text).unwrap();
        let error = Summary::read(&path).unwrap_err().to_string();
        assert!(error.contains("other.json is not a summary.json of QALIPSIS: "), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let unwritable = Path::new("/proc/nowhere/summary.json");
    let error = Summary::from(&Campaign::healthy().report()).save(unwritable).unwrap_err().to_string();
    assert!(error.starts_with("failed to write the summary /proc/nowhere/summary.json: "), "{error}");
}

#[test]
fn each_meter_has_the_figures_of_its_kind() {
    let report = Campaign::measuring().report();
    let document = written(&report);
    let meters = document.pointer("/scenarios/0/meters").and_then(Value::as_array).unwrap();
    let meter = |name: &str| meters.iter().find(|meter| meter["name"] == name).unwrap();
    let figure = |name: &str, figure: &str| meter(name)[figure].as_f64();
    let kinds: Vec<(&str, &str)> =
        meters.iter().filter_map(|meter| Some((meter["name"].as_str()?, meter["kind"].as_str()?))).collect();
    assert_eq!(
        kinds,
        [
            ("stock", "gauge"),
            ("baskets", "counter"),
            ("payment", "timer"),
            ("amount", "summary"),
            ("accepted", "rate"),
            ("rows", "throughput"),
            ("refund", "timer"),
        ]
    );
    assert_eq!(meter("stock")["last"], 2.0);
    assert_eq!(meter("baskets")["count"], 12_345);
    assert!(figure("rows", "per_second") > Some(100.0));
    assert_eq!((figure("payment", "max"), meter("payment")["unit"].as_str()), (Some(1e9), Some("ns")));
    assert!(figure("payment", "p95").is_some_and(|p95| (p95 / 950e6 - 1.0).abs() < 0.01));
    assert!(
        meter("payment")["distribution"]["buckets"].as_array().is_some_and(|buckets| buckets.len() > 100)
    );
    assert_eq!((figure("amount", "min"), figure("amount", "max")), (Some(0.1), Some(100.0)));
    assert_eq!((meter("accepted")["hits"].as_u64(), figure("accepted", "rate")), (Some(750), Some(0.75)));
    assert_eq!((meter("refund")["count"].as_u64(), figure("refund", "p95")), (Some(0), None));
    let read: Summary = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(read, Summary::from(&report));
}
