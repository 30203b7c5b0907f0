//! Events.

use super::common::{Texts, at_most, mirror, read_outcome, read_text, required, write_outcome};
use super::failure::{read_failure_kind, write_failure_kind};
use crate::malformed::Malformed;
use crate::message::BATCH;
use crate::wire::event as wire;
use qalipsis_model::event::{Event, Executed, Level, Value};
use qalipsis_model::timestamp::Timestamp;
use std::borrow::Cow;

mirror!(write_level, read_level, Level, wire::Level, "level", [Trace, Debug, Info, Warn, Error]);

pub(super) fn write_events(events: &[Event]) -> wire::Events {
    let mut names = Texts::default();
    let events = events.iter().map(|event| write_event(event, names.index(&event.name))).collect();
    wire::Events { names: names.into_list(), events }
}

fn write_event(event: &Event, name: u32) -> wire::Event {
    wire::Event {
        at_unix_ns: event.at.0,
        level: write_level(event.level),
        name,
        value: Some(write_value(&event.value)),
        scenario: event.scenario,
        step: event.step,
        minion: event.minion,
        iteration: event.iteration,
    }
}

fn write_value(value: &Value) -> wire::event::Value {
    use wire::event::Value as Wire;
    match value {
        Value::Integer(integer) => Wire::Integer(*integer),
        Value::Number(number) => Wire::Number(*number),
        Value::Duration(ns) => Wire::DurationNs(*ns),
        Value::Text(text) => Wire::Text(text.clone().into_owned()),
        Value::Bool(boolean) => Wire::Boolean(*boolean),
        Value::Execution(executed) => Wire::Execution(wire::Execution {
            outcome: executed.outcome.map_or(0, write_outcome),
            failure: executed.failure.map_or(0, write_failure_kind),
            service_ns: executed.service_ns,
            response_ns: executed.response_ns,
        }),
    }
}

pub(super) fn read_events(events: wire::Events) -> Result<Vec<Event>, Malformed> {
    let wire::Events { names, events } = events;
    at_most(BATCH, events.len(), "events")?;
    let read =
        |(place, event)| read_event(event, &names).map_err(|error| error.within(format!("event {place}")));
    events.into_iter().enumerate().map(read).collect()
}

fn read_event(event: wire::Event, names: &[String]) -> Result<Event, Malformed> {
    Ok(Event {
        at: Timestamp(event.at_unix_ns),
        level: required(read_level(event.level)?, "level")?,
        name: Cow::Owned(read_text(names, event.name, "name")?.clone()),
        value: read_value(required(event.value, "value")?)?,
        scenario: event.scenario,
        step: event.step,
        minion: event.minion,
        iteration: event.iteration,
    })
}

fn read_value(value: wire::event::Value) -> Result<Value, Malformed> {
    use wire::event::Value as Wire;
    Ok(match value {
        Wire::Integer(integer) => Value::Integer(integer),
        Wire::Number(number) => Value::Number(number),
        Wire::DurationNs(ns) => Value::Duration(ns),
        Wire::Text(text) => Value::Text(Cow::Owned(text)),
        Wire::Boolean(boolean) => Value::Bool(boolean),
        Wire::Execution(executed) => Value::Execution(Executed {
            outcome: read_outcome(executed.outcome)?,
            failure: read_failure_kind(executed.failure)?,
            service_ns: executed.service_ns,
            response_ns: executed.response_ns,
        }),
    })
}
