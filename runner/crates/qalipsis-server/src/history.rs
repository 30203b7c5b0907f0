//! Campaigns between this head and its store.

use crate::outcome::Outcome;
use crate::view::{CampaignItem, Phase, Progress, Status};
use qalipsis_head::Second;
use qalipsis_judge::report::ScenarioReport;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_store::{CampaignRecord, CampaignStatus, ScenarioRecord, Slice, StoredFile, TimesRecord};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) use qalipsis_store::names::{
    ANNOTATIONS, CONFIGURATION, JOB_SUMMARY, JUNIT, PAGE, REQUEST, SUMMARY, TEXT,
};

/// A scenario that has not run yet.
pub(crate) fn planned(name: &str) -> ScenarioRecord {
    ScenarioRecord { name: name.to_owned(), ..ScenarioRecord::default() }
}

/// A scenario that has run.
pub(crate) fn ended(report: &ScenarioReport) -> ScenarioRecord {
    let times = report.iterations.times_shown();
    let percentile = |percent| times.percentile_ns(percent).unwrap_or_default();
    ScenarioRecord {
        name: report.name.clone(),
        minions: report.released,
        executions: report.steps.iter().map(|step| step.figures.executions()).sum(),
        failures: report.steps.iter().map(|step| step.figures.failures()).sum(),
        times: times.max_ns().map(|max_ns| TimesRecord {
            p50_ns: percentile(50.0),
            p95_ns: percentile(95.0),
            p99_ns: percentile(99.0),
            max_ns,
        }),
    }
}

/// The files of a campaign.
pub(crate) fn files(
    configuration: &BTreeMap<String, String>,
    request: &Value,
    outcome: Option<&Outcome>,
) -> Vec<StoredFile> {
    let file = |name: &str, content: Vec<u8>| StoredFile { name: name.to_owned(), content };
    let json = |value| serde_json::to_vec(value).expect("maps with text for keys are JSON");
    let configuration = serde_json::json!(configuration);
    let mut files = vec![file(CONFIGURATION, json(&configuration))];
    if !request.is_null() {
        files.push(file(REQUEST, json(request)));
    }
    if let Some(outcome) = outcome {
        files.push(file(SUMMARY, json(&outcome.summary)));
        files.push(file(PAGE, outcome.html.clone().into_bytes()));
        files.push(file(TEXT, outcome.text.clone().into_bytes()));
        files.push(file(JOB_SUMMARY, outcome.job_summary.clone().into_bytes()));
        files.push(file(ANNOTATIONS, outcome.annotations.clone().into_bytes()));
        let suites = outcome.junit.iter();
        files.extend(suites.map(|(name, xml)| file(&format!("{JUNIT}{name}"), xml.clone().into_bytes())));
    }
    files
}

/// What was done in a second of a load that started then.
pub(crate) fn slices(second: &Second, started: Timestamp) -> Vec<Slice> {
    let slices = second.figures.iter().map(|(part, figures)| Slice {
        at: started.plus(second.from),
        scenario: part.scenario.clone(),
        zone: part.zone.clone(),
        figures: figures.clone(),
    });
    slices.collect()
}

/// A campaign that only the store knows.
pub(crate) fn item(record: CampaignRecord) -> CampaignItem {
    let sum = |of: fn(&ScenarioRecord) -> u64| record.scenarios.iter().map(of).sum::<u64>();
    let released = sum(|scenario| scenario.minions);
    let elapsed = record.started.zip(record.ended).map(|(started, ended)| ended.since(started));
    CampaignItem {
        status: Status::from(record.status),
        exit_code: record.exit_code,
        queued_at: record.queued.rfc3339(),
        started_at: record.started.map(Timestamp::rfc3339),
        ended_at: record.ended.map(Timestamp::rfc3339),
        seed: record.seed,
        zones: record.zones.clone(),
        phase: match record.status {
            CampaignStatus::Queued => Phase::Queued,
            CampaignStatus::Running => Phase::Running,
            CampaignStatus::Ended(_) => Phase::Ended,
        },
        progress: Progress {
            elapsed_ms: elapsed.map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)),
            planned: released,
            released,
            active: 0,
            ended: released,
            executions: sum(|scenario| scenario.executions),
            failures: sum(|scenario| scenario.failures),
        },
        scenarios: record.scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
        key: record.key,
        name: record.name,
        causes: record.causes,
        replay_of: record.replay_of,
    }
}
