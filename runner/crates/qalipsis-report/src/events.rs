//! `events.jsonl`: the events of a campaign, one JSON object in each line.
//!
//! A format of its own, apart from the types of the product. New fields may come at any time and readers
//! skip those that they do not know; what an older reader would misunderstand gets another file name.
//! It is described in `runner/docs/events.md`.
//!
//! Names end in their unit. Instants are RFC 3339 in UTC. Durations are whole nanoseconds.

use qalipsis_model::event::{Event, Value};
use qalipsis_model::snapshot::ExecutionOutcome;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_summary::file_name;
use qalipsis_summary::instant;
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Name of the file in the folder of its campaign.
pub const FILE_NAME: &str = "events.jsonl";

/// Where the events of a campaign are: `<folder>/<campaign-key>/events.jsonl`.
pub fn path(folder: &Path, key: &str) -> PathBuf {
    folder.join(file_name::safe(key)).join(FILE_NAME)
}

/// Where events come from: what all those of one factory have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventContext {
    /// Key of the campaign.
    pub campaign: String,
    /// Name of the factory.
    pub factory: String,
    /// Location label of the factory.
    pub zone: Option<String>,
    /// The scenarios of the factory's plan, in its order: the name, and the names of the steps.
    pub scenarios: Vec<(String, Vec<String>)>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(serialize_with = "instant::serialize")]
    at: &'a Timestamp,
    level: &'static str,
    name: &'a str,
    #[serde(flatten)]
    value: Values<'a>,
    tags: Tags<'a>,
}

#[derive(Serialize, Default)]
struct Values<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Plain<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_ns: Option<u64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Plain<'a> {
    Integer(i64),
    Number(f64),
    Text(&'a str),
    Bool(bool),
}

#[derive(Serialize)]
struct Tags<'a> {
    campaign: &'a str,
    scenario: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    minion: u32,
    iteration: u64,
    factory: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<&'a str>,
}

impl<'a> From<&'a Value> for Values<'a> {
    fn from(value: &'a Value) -> Self {
        let plain = |plain| Self { value: Some(plain), ..Self::default() };
        match value {
            Value::Integer(number) => plain(Plain::Integer(*number)),
            Value::Number(number) => plain(Plain::Number(*number)),
            Value::Text(text) => plain(Plain::Text(text)),
            Value::Bool(truth) => plain(Plain::Bool(*truth)),
            Value::Duration(ns) => Self { value_ns: Some(*ns), ..Self::default() },
            Value::Execution(executed) => Self {
                value: Some(Plain::Text(executed.outcome.map_or("cancelled", ExecutionOutcome::name))),
                value_ns: None,
                failure: executed.failure.map(|kind| kind.name()),
                service_ns: Some(executed.service_ns),
                response_ns: Some(executed.response_ns),
            },
        }
    }
}

/// Writes one line.
///
/// # Errors
/// When it cannot be written.
pub fn write(out: &mut impl Write, context: &EventContext, event: &Event) -> io::Result<()> {
    let scenario = context.scenarios.get(event.scenario as usize);
    let step = event.step.and_then(|step| scenario?.1.get(step as usize));
    let line = Line {
        at: &event.at,
        level: event.level.name(),
        name: &event.name,
        value: Values::from(&event.value),
        tags: Tags {
            campaign: &context.campaign,
            scenario: scenario.map_or("", |(name, _)| name),
            step: step.map(String::as_str),
            minion: event.minion,
            iteration: event.iteration,
            factory: &context.factory,
            zone: context.zone.as_deref(),
        },
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_model::event::{Executed, Level};
    use qalipsis_model::evidence::FailureKind;
    use std::time::Duration;

    #[test]
    fn each_event_is_one_line_that_says_everything() {
        let context = EventContext {
            campaign: "key".into(),
            factory: "shop".into(),
            zone: Some("eu".into()),
            scenarios: vec![
                ("other".into(), vec![]),
                ("check\"out\n".into(), vec!["place".into(), "stored".into()]),
            ],
        };
        let executed = Executed {
            outcome: Some(ExecutionOutcome::Failure),
            failure: Some(FailureKind::Assertion),
            service_ns: 5,
            response_ns: 7,
        };
        let mut event = Event {
            at: Timestamp(1_732_525_769_000_000_001),
            level: Level::Info,
            name: "stock".into(),
            value: 3.into(),
            scenario: 1,
            step: None,
            minion: 9,
            iteration: 2,
        };
        let values = [
            Value::from(-3),
            Value::from(0.5),
            Value::from("two\nlines"),
            Value::from(true),
            Value::from(Duration::from_millis(2)),
            Value::Execution(executed),
            Value::Execution(Executed { outcome: None, failure: None, ..executed }),
        ];
        let mut out = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            event.value = value;
            event.step = (index > 4).then_some(1);
            write(&mut out, &context, &event).unwrap();
        }
        write(&mut out, &EventContext { zone: None, ..context }, &event).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        {"at":"2024-11-25T09:09:29.000000001Z","level":"info","name":"stock","value":-3,"tags":{"campaign":"key","scenario":"check\"out\n","minion":9,"iteration":2,"factory":"shop","zone":"eu"}}
        {"at":"2024-11-25T09:09:29.000000001Z","level":"info","name":"stock","value":0.5,"tags":{"campaign":"key","scenario":"check\"out\n","minion":9,"iteration":2,"factory":"shop","zone":"eu"}}
        {"at":"2024-11-25T09:09:29.000000001Z","level":"info","name":"stock","value":"two\nlines","tags":{"campaign":"key","scenario":"check\"out\n","minion":9,"iteration":2,"factory":"shop","zone":"eu"}}
        {"at":"2024-11-25T09:09:29.000000001Z","level":"info","name":"stock","value":true,"tags":{"campaign":"key","scenario":"check\"out\n","minion":9,"iteration":2,"factory":"shop","zone":"eu"}}
        {"at":"2024-11-25T09:09:29.000000001Z","level":"info","name":"stock","value_ns":2000000,"tags":{"campaign":"key","scenario":"check\"out\n","minion":9,"iteration":2,"factory":"shop","zone":"eu"}}
        {"at":"2024-11-25T09:09:29.000000001Z","level":"info","name":"stock","value":"failure","failure":"assertion","service_ns":5,"response_ns":7,"tags":{"campaign":"key","scenario":"check\"out\n","step":"stored","minion":9,"iteration":2,"factory":"shop","zone":"eu"}}
        {"at":"2024-11-25T09:09:29.000000001Z","level":"info","name":"stock","value":"cancelled","service_ns":5,"response_ns":7,"tags":{"campaign":"key","scenario":"check\"out\n","step":"stored","minion":9,"iteration":2,"factory":"shop","zone":"eu"}}
        {"at":"2024-11-25T09:09:29.000000001Z","level":"info","name":"stock","value":"cancelled","service_ns":5,"response_ns":7,"tags":{"campaign":"key","scenario":"check\"out\n","step":"stored","minion":9,"iteration":2,"factory":"shop"}}
        "#);
    }

    #[test]
    fn the_file_is_in_the_folder_of_its_campaign() {
        assert_eq!(path(Path::new("a"), "key"), Path::new("a/key/events.jsonl"));
    }
}
