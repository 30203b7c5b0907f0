//! `summary.json` of real runs.

use crate::support::{TestContext, place_of};
use qalipsis_summary::{Status, Summary};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../../../runner/docs/summary.schema.json");

/// The only summary of the context, which must fit the schema.
fn summary(context: &TestContext) -> Summary {
    let path = context.summary();
    let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Summary::read(&path).unwrap()
}

#[test]
fn every_kind_of_campaign_leaves_a_summary_that_fits_the_schema() {
    for (scenario, status) in [
        ("green", Status::Successful),
        ("duplicates", Status::Warning),
        ("slow", Status::Failed),
        ("panics", Status::Failed),
        ("huge", Status::Failed),
        ("cannot-open", Status::Aborted),
        ("aborts", Status::Aborted),
        ("hostile*", Status::Failed),
    ] {
        let context = TestContext::new();
        // The machine may be busy; what is too slow is not the matter here.
        context.autostart(scenario, &["-c", "campaign.limits.release-lag=1m"]);
        assert_eq!(summary(&context).status, status, "{scenario}");
    }
}

#[test]
fn it_has_what_the_console_shows_and_where_it_ran() {
    let context = TestContext::new();
    let finished = context.autostart("red", &["-c", "properties.token=hunter2", "-c", "factory.zone=eu"]);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let path = context.summary();
    let shown = path.strip_prefix(context.path()).unwrap().display().to_string();
    assert!(finished.stdout.contains(&format!("summary   {shown}\n")), "{finished}");
    assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter2"));

    let summary = summary(&context);
    assert_eq!((summary.name.as_str(), summary.seed), ("red", 7));
    let reason = &summary.reasons[0];
    assert_eq!((reason.step.as_deref(), reason.kind.as_deref()), (Some("check"), Some("assertion")));
    assert_eq!(reason.message, "37 of 1000 minions: expected status 202, observed 503");

    let red = &summary.scenarios[0];
    assert_eq!((red.released, red.ended, red.passes.executions, red.zones.len()), (1000, 1000, 1000, 1));
    let check = &red.steps[1];
    assert_eq!((check.figures.executions, check.figures.failed), (1000, 37));
    let outcomes = &check.figures.outcomes;
    assert_eq!(outcomes.success.as_ref().unwrap().response.count(), 963);
    assert_eq!(outcomes.failure.as_ref().unwrap().service.count(), 37);
    assert_eq!(check.failures[0].kept.len(), 5);
    let location = check.location.as_ref().unwrap();
    assert_eq!((location.file.clone(), location.line as usize), place_of("\"status\", status, 202"));

    assert_eq!(red.timeline.released.iter().sum::<u64>(), 1000);
    assert_eq!(red.timeline.active.last(), Some(&0));
    assert_eq!(red.timeline.steps[1].failed.iter().sum::<u64>(), 37);

    let environment = &summary.environment;
    assert_eq!(environment.crates[0].name, "cli-tests");
    assert_eq!(environment.configuration["factory.zone"], "eu");
    assert!(environment.cpus > 0 && !environment.os.is_empty());
    assert_eq!(environment.rustc, None, "nobody knows what built a given executable");
}

#[test]
fn it_can_be_switched_off() {
    let context = TestContext::new();
    context.autostart("green", &["-c", "report.export.summary.enabled=false"]);
    assert_eq!(context.junit_files().len(), 1);
    let folder = context.junit_files()[0].parent().unwrap().to_owned();
    assert!(!folder.join("summary.json").exists());
}
