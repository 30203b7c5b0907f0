//! Converts messages between the types of the model and those of the wire.
//!
//! Writing cannot fail. Reading takes any bytes: what is missing, unknown or impossible is an error that names the
//! place, never a panic.

mod common;
mod criterion;
mod event;
mod failure;
mod figures;
mod greeting;
mod histogram;
mod join;
mod meter;
mod plan;
#[cfg(test)]
mod tests;

use crate::malformed::{Cause, Malformed};
use crate::message::{FactoryMessage, HeadMessage, ToFactory, ToHead};
use crate::wire;
use bytes::Bytes;
use common::{mirror, required};
use prost::Message as _;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::Stop;
use qalipsis_model::snapshot::ScenarioFigures;
use qalipsis_model::timestamp::Timestamp;

/// A message that can cross the border of a process.
pub trait Message: Sized {
    /// What travels, and whether it may be split: a greeting may not, for every version of the contract reads it.
    fn encode(&self) -> Encoded;

    /// The message that travelled as these bytes, put together again.
    ///
    /// # Errors
    /// When they are none.
    fn decode(bytes: Bytes) -> Result<Self, Malformed>;

    /// The message that travelled as this greeting.
    ///
    /// # Errors
    /// When it is none, or nothing that this side gets.
    fn greeted(greeting: &[u8]) -> Result<Self, Malformed>;
}

/// A message as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoded {
    /// In frames.
    Framed(Bytes),
    /// Alone, as JSON.
    Greeting(Bytes),
}

impl Message for HeadMessage {
    fn encode(&self) -> Encoded {
        use wire::head_message::Body;
        let body = match &self.message {
            ToFactory::Prepare(plan) => Body::Prepare(plan::write_factory(plan)),
            ToFactory::Start(at) => Body::StartUnixNs(at.0),
            ToFactory::Stop(stop) => Body::Stop(write_stop(*stop)),
            ToFactory::Pause => Body::Pause(wire::Pause {}),
            ToFactory::Conclude => Body::Conclude(wire::Conclude {}),
            ToFactory::Resume(paused) => {
                Body::Resume(wire::Resume { paused: Some(common::write_duration(*paused)) })
            }
            ToFactory::Acknowledge(next) => Body::Acknowledge(*next),
            ToFactory::Resend(from) => Body::Resend(*from),
        };
        let message = wire::HeadMessage { sequence: self.sequence, body: Some(body) };
        Encoded::Framed(message.encode_to_vec().into())
    }

    fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        use wire::head_message::Body;
        let message = wire::HeadMessage::decode(bytes)?;
        let sequence = message.sequence;
        let message = match required(message.body, "kind of message")? {
            Body::Prepare(plan) => {
                let plan = plan::read_factory(plan).map_err(|e| e.within("prepare"))?;
                ToFactory::Prepare(Box::new(plan))
            }
            Body::StartUnixNs(at) => ToFactory::Start(Timestamp(at)),
            Body::Stop(stop) => ToFactory::Stop(required(read_stop(stop)?, "stop")?),
            Body::Pause(_) => ToFactory::Pause,
            Body::Conclude(_) => ToFactory::Conclude,
            Body::Resume(resume) => {
                let paused = common::read_required(resume.paused, "length of the pause");
                ToFactory::Resume(paused.map_err(|e| e.within("resume"))?)
            }
            Body::Acknowledge(next) => ToFactory::Acknowledge(next),
            Body::Resend(from) => ToFactory::Resend(from),
        };
        Ok(Self { sequence, message })
    }

    fn greeted(_: &[u8]) -> Result<Self, Malformed> {
        Err(Cause::EarlierHead.into())
    }
}

impl Message for FactoryMessage {
    fn encode(&self) -> Encoded {
        use wire::factory_message::{Body, Ended, Finished, Heartbeat, Ready};
        let body = match &self.message {
            ToHead::Hello { contract, name } => {
                return Encoded::Greeting(greeting::write(self, *contract, name));
            }
            ToHead::Ready => Body::Ready(Ready {}),
            ToHead::Finished => Body::Finished(Finished {}),
            ToHead::NotReady(causes) => Body::NotReady(write_not_ready(causes)),
            ToHead::Heartbeat => Body::Heartbeat(Heartbeat {}),
            ToHead::Snapshot(snapshot) => Body::Snapshot(figures::write_snapshot(snapshot)),
            ToHead::Evidence(evidence) => Body::Evidence(failure::write_evidence(evidence)),
            ToHead::Trace(trace) => Body::Trace(failure::write_trace(trace)),
            ToHead::Events(events) => Body::Events(event::write_events(events)),
            ToHead::Failures(failed) => Body::Failures(failure::write_failed(failed)),
            ToHead::Stuck(who) => Body::Stuck(who.clone()),
            ToHead::Ended => Body::Ended(Ended {}),
        };
        let message = wire::FactoryMessage {
            incarnation: self.incarnation,
            sequence: self.sequence,
            received: self.received,
            body: Some(body),
        };
        Encoded::Framed(message.encode_to_vec().into())
    }

    fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        use wire::factory_message::Body;
        let message = wire::FactoryMessage::decode(bytes)?;
        let wire::FactoryMessage { incarnation, sequence, received, body } = message;
        let message = match required(body, "kind of message")? {
            Body::Ready(_) => ToHead::Ready,
            Body::Finished(_) => ToHead::Finished,
            Body::NotReady(causes) => ToHead::NotReady(read_not_ready(causes)),
            Body::Heartbeat(_) => ToHead::Heartbeat,
            Body::Snapshot(snapshot) => {
                let snapshot = figures::read_snapshot(snapshot).map_err(|e| e.within("snapshot"))?;
                ToHead::Snapshot(Box::new(snapshot))
            }
            Body::Evidence(evidence) => {
                let evidence = failure::read_evidence(evidence).map_err(|e| e.within("evidence"))?;
                ToHead::Evidence(Box::new(evidence))
            }
            Body::Trace(trace) => {
                ToHead::Trace(Box::new(failure::read_trace(trace).map_err(|e| e.within("trace"))?))
            }
            Body::Events(events) => {
                ToHead::Events(event::read_events(events).map_err(|e| e.within("events"))?)
            }
            Body::Failures(failed) => {
                ToHead::Failures(failure::read_failed(failed).map_err(|e| e.within("failures"))?)
            }
            Body::Stuck(who) => ToHead::Stuck(who),
            Body::Ended(_) => ToHead::Ended,
        };
        Ok(Self { incarnation, sequence, received, message })
    }

    fn greeted(greeting: &[u8]) -> Result<Self, Malformed> {
        greeting::read(greeting)
    }
}

/// The figures of a scenario as bytes, for who keeps them: as they travel, so that later versions read them too.
pub fn encode_figures(figures: &ScenarioFigures) -> Vec<u8> {
    figures::write_alone(figures).encode_to_vec()
}

/// The figures that were kept as these bytes.
///
/// # Errors
/// When they are none.
pub fn decode_figures(bytes: &[u8]) -> Result<ScenarioFigures, Malformed> {
    figures::read_alone(wire::figures::Snapshot::decode(bytes)?)
}

mirror!(write_stop, read_stop, Stop, wire::Stop, "stop", [Graceful, Hard]);

fn write_not_ready(causes: &[NotReady]) -> wire::NotReady {
    let cause = |cause: &NotReady| wire::not_ready::Cause {
        scenario: cause.scenario.clone(),
        message: cause.message.clone(),
    };
    wire::NotReady { causes: causes.iter().map(cause).collect() }
}

fn read_not_ready(causes: wire::NotReady) -> Vec<NotReady> {
    let cause = |cause: wire::not_ready::Cause| NotReady { scenario: cause.scenario, message: cause.message };
    causes.causes.into_iter().map(cause).collect()
}
