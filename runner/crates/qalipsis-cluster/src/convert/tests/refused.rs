//! What is no message is refused, with the place and what is wrong.

use super::samples;
use crate::convert::{Encoded, Message};
use crate::message::{FactoryMessage, HeadMessage};
use crate::wire::{self, factory_message, head_message};
use prost::Message as _;

const PREFIX: &str = "not a message of contract version 2: ";

fn of_factory(body: factory_message::Body) -> String {
    let message = wire::FactoryMessage { body: Some(body), ..wire::FactoryMessage::default() };
    let error = FactoryMessage::decode(message.encode_to_vec().into()).unwrap_err().to_string();
    error.strip_prefix(PREFIX).unwrap().to_owned()
}

fn of_head(body: head_message::Body) -> String {
    let message = wire::HeadMessage { sequence: 0, body: Some(body) };
    let error = HeadMessage::decode(message.encode_to_vec().into()).unwrap_err().to_string();
    error.strip_prefix(PREFIX).unwrap().to_owned()
}

/// A campaign that can be read.
fn sample_campaign() -> Option<wire::plan::CampaignPlan> {
    let prepare = samples::of_head().into_iter().find(|(name, _)| *name == "prepare");
    let Some(Encoded::Framed(bytes)) = prepare.map(|(_, message)| message.encode()) else { return None };
    match wire::HeadMessage::decode(bytes).unwrap().body {
        Some(head_message::Body::Prepare(plan)) => plan.campaign,
        _ => None,
    }
}

fn of_snapshot(snapshot: wire::figures::Snapshot) -> String {
    of_factory(factory_message::Body::Snapshot(snapshot))
}

fn of_step(step: wire::figures::StepFigures) -> String {
    let figures = wire::figures::ScenarioFigures {
        name: "checkout".into(),
        steps: vec![step],
        ..wire::figures::ScenarioFigures::default()
    };
    of_snapshot(wire::figures::Snapshot { scenarios: vec![figures], ..wire::figures::Snapshot::default() })
}

fn of_histogram(latency: wire::figures::Histogram) -> String {
    let step = wire::figures::StepFigures { latency: Some(latency), ..wire::figures::StepFigures::default() };
    let error = of_step(step);
    error.strip_prefix("snapshot: scenario 'checkout': step 0: latency: histogram: ").unwrap().to_owned()
}

#[test]
fn what_is_missing_is_named() {
    let error = FactoryMessage::decode(Vec::new().into()).unwrap_err().to_string();
    assert_eq!(error, format!("{PREFIX}kind of message is missing"));
    let error = HeadMessage::decode(Vec::new().into()).unwrap_err().to_string();
    assert_eq!(error, format!("{PREFIX}kind of message is missing"));
    let mut plan = wire::plan::FactoryPlan::default();
    assert_eq!(of_head(head_message::Body::Prepare(plan.clone())), "prepare: campaign is missing");
    plan.shares = vec![wire::plan::LoadShare::default()];
    plan.campaign = sample_campaign();
    assert_eq!(of_head(head_message::Body::Prepare(plan.clone())), "prepare: segment is missing");
    let segment = Some(wire::plan::Segment::default());
    plan.shares = vec![wire::plan::LoadShare { segment, ..wire::plan::LoadShare::default() }];
    assert_eq!(of_head(head_message::Body::Prepare(plan.clone())), "prepare: role is missing");
    plan.shares[0].role = 1;
    assert_eq!(
        of_head(head_message::Body::Prepare(plan.clone())),
        "prepare: share of a scenario, or scenario of a share, is missing"
    );
    let scenario =
        wire::plan::ScenarioPlan { name: "checkout".into(), ..wire::plan::ScenarioPlan::default() };
    plan.campaign =
        Some(wire::plan::CampaignPlan { scenarios: vec![scenario], ..wire::plan::CampaignPlan::default() });
    assert_eq!(
        of_head(head_message::Body::Prepare(plan)),
        "prepare: campaign: scenario 'checkout': profile is missing"
    );
    let evidence = factory_message::Body::Evidence(wire::failure::Evidence::default());
    assert_eq!(of_factory(evidence), "evidence: kind of failure is missing");
    assert_eq!(of_head(head_message::Body::Stop(0)), "stop is missing");
    let resume = wire::Resume { paused: None };
    assert_eq!(of_head(head_message::Body::Resume(resume)), "resume: length of the pause is missing");
}

#[test]
fn what_is_unknown_is_named() {
    assert_eq!(of_head(head_message::Body::Stop(9)), "stop 9 is unknown");
    let evidence = wire::failure::Evidence { kind: -1, ..wire::failure::Evidence::default() };
    assert_eq!(
        of_factory(factory_message::Body::Evidence(evidence)),
        "evidence: kind of failure -1 is unknown"
    );
    let event = wire::event::Event { level: 1, name: 1, ..wire::event::Event::default() };
    let events = wire::event::Events { names: vec!["paid".into()], events: vec![event] };
    assert_eq!(
        of_factory(factory_message::Body::Events(events)),
        "events: event 0: name is text 1, and there are only 1"
    );
    let step = wire::figures::StepFigures { index: 4, file: 1, ..wire::figures::StepFigures::default() };
    assert_eq!(of_step(step), "snapshot: scenario 'checkout': step 4: file is text 0, and there are only 0");
}

#[test]
fn what_cannot_be_is_named() {
    let longest = Some(wire::common::Duration { seconds: u64::MAX, nanos: 1_000_000_000 });
    let blocked = wire::figures::Blocked { longest, ..wire::figures::Blocked::default() };
    let snapshot = wire::figures::Snapshot { blocked: Some(blocked), ..wire::figures::Snapshot::default() };
    assert_eq!(of_snapshot(snapshot), "snapshot: longest blocked time: 1000000000 ns are more than a second");
    let cpu = wire::figures::CpuUse { machine: 256, ..wire::figures::CpuUse::default() };
    let health = Some(wire::figures::Health { cpu: Some(cpu), clock_jump_ns: 0 });
    let snapshot = wire::figures::Snapshot { health, ..wire::figures::Snapshot::default() };
    assert_eq!(of_snapshot(snapshot), "snapshot: health: CPU of the machine 256 is too large");
    let scenario =
        wire::figures::ScenarioFigures { name: "a".into(), ..wire::figures::ScenarioFigures::default() };
    let scenarios = vec![scenario.clone(), scenario];
    let snapshot = wire::figures::Snapshot { scenarios, ..wire::figures::Snapshot::default() };
    assert_eq!(of_snapshot(snapshot), "snapshot: scenario 'a': given twice");
    let readings = wire::figures::Readings { values: vec![1.0], ..wire::figures::Readings::default() };
    let meters = [("lag".to_owned(), readings)].into();
    let scenario = wire::figures::ScenarioFigures { meters, ..wire::figures::ScenarioFigures::default() };
    let snapshot =
        wire::figures::Snapshot { scenarios: vec![scenario], ..wire::figures::Snapshot::default() };
    assert_eq!(of_snapshot(snapshot), "snapshot: scenario '': meter 'lag': 0 times for 1 values");
}

#[test]
fn what_would_cost_too_much_is_named() {
    let events = wire::event::Events { names: Vec::new(), events: vec![Default::default(); 1_001] };
    assert_eq!(of_factory(factory_message::Body::Events(events)), "events: 1001 events are more than 1000");
    let failed =
        wire::failure::FailedExecutions { texts: Vec::new(), executions: vec![Default::default(); 1_001] };
    assert_eq!(
        of_factory(factory_message::Body::Failures(failed)),
        "failures: 1001 executions are more than 1000"
    );
    let steps = |count| wire::figures::ScenarioFigures {
        steps: vec![Default::default(); count],
        ..wire::figures::ScenarioFigures::default()
    };
    let scenarios = vec![steps(25_000), steps(24_999)];
    assert_eq!(
        of_snapshot(wire::figures::Snapshot { scenarios, ..wire::figures::Snapshot::default() }),
        "snapshot: 50001 scenarios, steps, joins and meters are more than 50000"
    );
}

#[test]
fn an_impossible_histogram_says_why() {
    let histogram = |buckets: &[u64], min_offset, max_offset, sum| wire::figures::Histogram {
        buckets: buckets.to_vec(),
        min_offset,
        max_offset,
        sum,
        sum_high: 0,
    };
    // One sample of 100 ns: 99 unused buckets lie between 0 and it.
    let one = 99 * 4;
    let beyond = of_histogram(histogram(&[u64::MAX - 3], 0, 0, 100));
    assert_eq!(beyond, "there is no bucket 4611686018427387904");
    assert_eq!(of_histogram(histogram(&[one + 3], 0, 0, 100)), "the last count is missing");
    assert_eq!(of_histogram(histogram(&[one + 3, u64::MAX], 0, 0, 100)), "more samples than can be");
    assert_eq!(of_histogram(histogram(&[one], 1, 1, 101)), "101 to 101 are not the ends of its buckets");
    assert_eq!(
        of_histogram(histogram(&[one], 0, u64::MAX, 100)),
        format!("100 to {} are not the ends of its buckets", u64::MAX)
    );
    assert_eq!(of_histogram(histogram(&[one], 0, 0, 99)), "its buckets cannot have the sum 99");
    // A sender that lies about the size costs no more than the layout has.
    let many = of_histogram(histogram(&vec![0; 100_000], 0, 0, 1));
    assert_eq!(many, "there is no bucket 4562");
}

#[test]
fn a_greeting_that_is_none_is_refused() {
    let refused = |json: &str| {
        let error = FactoryMessage::greeted(json.as_bytes()).unwrap_err().to_string();
        error.strip_prefix(PREFIX).unwrap().to_owned()
    };
    assert_eq!(refused(r#"{"type":"hello","body":null}"#), "body of hello is missing");
    let heartbeat = r#"{"type":"heartbeat"}"#;
    assert_eq!(refused(heartbeat), "'heartbeat' as JSON");
    assert!(refused(r#"{"type":"hello","body":{"contract":2}}"#).starts_with("hello: missing field `name`"));
    assert!(refused("{").starts_with("hello: EOF"));
    let head = HeadMessage::greeted(br#"{"type":"start","body":7}"#).unwrap_err().to_string();
    assert_eq!(head, format!("{PREFIX}it is JSON, as of a head with contract version 1; rebuild both"));
}
