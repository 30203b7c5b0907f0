//! What head and factory say to each other.

use qalipsis_model::event::Event;
use qalipsis_model::evidence::Evidence;
use qalipsis_model::failure::FailedExecution;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{FactoryPlan, Stop};
use qalipsis_model::snapshot::Snapshot;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::trace::Trace;
use serde::{Deserialize, Serialize};

/// A message of the head to a factory, with its place in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadMessage {
    /// From 0, without gaps, among the directives; of an acknowledgement and a request the number of the next directive.
    pub sequence: u64,
    /// What it is.
    pub message: ToFactory,
}

/// A message of a factory to the head, with its place in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactoryMessage {
    /// Which process of the factory sends it: one that was started later has a greater number.
    pub incarnation: u64,
    /// From 0, without gaps, among the reports; of a heartbeat the number of the next report.
    pub sequence: u64,
    /// How many directives the factory has received, in their order.
    pub received: u64,
    /// What it is.
    pub message: ToHead,
}

/// From the head to a factory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", rename_all = "kebab-case")]
pub enum ToFactory {
    /// Open the worlds and position the sources of this plan.
    Prepare(Box<FactoryPlan>),
    /// Start the load at this time.
    Start(Timestamp),
    /// Stop the load.
    Stop(Stop),
    /// All reports with a lower number have been received.
    Acknowledge(u64),
    /// Send the reports from this number on again.
    Resend(u64),
}

impl ToFactory {
    /// Whether it is a directive, which has a number of its own and is sent again until the factory has received it.
    pub fn is_directive(&self) -> bool {
        matches!(self, Self::Prepare(_) | Self::Start(_) | Self::Stop(_))
    }
}

/// From a factory to the head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", rename_all = "kebab-case")]
pub enum ToHead {
    /// The first message: who it is, and which version of the contract it speaks.
    Hello {
        /// [`qalipsis_model::plan::CONTRACT`] of the factory.
        contract: u32,
        /// The name that the head gave it.
        name: String,
    },
    /// Everything planned is open and positioned.
    Ready,
    /// It cannot get ready; nothing follows.
    NotReady(Vec<NotReady>),
    /// It is alive; sent at least every 500 ms.
    Heartbeat,
    /// The difference since the last one.
    Snapshot(Box<Snapshot>),
    /// One of the first failures of a step.
    Evidence(Box<Evidence>),
    /// One execution of a replayed iteration, when the plan asked for a replay.
    Trace(Box<Trace>),
    /// What minions told, when the plan asks for events; at most 1,000 of them.
    Events(Vec<Event>),
    /// Executions that failed, when the plan's limit asks for any; at most 1,000 of them.
    Failures(Vec<FailedExecution>),
    /// Scenario code blocks it for good; says who. Nothing follows.
    Stuck(String),
    /// Everything ended and was told; nothing follows.
    Ended,
}

impl ToHead {
    /// Whether it is a report, which has a number of its own and is sent again when the head asks for it.
    pub fn is_report(&self) -> bool {
        !matches!(self, Self::Heartbeat)
    }

    /// Whether nothing follows.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::NotReady(_) | Self::Stuck(_) | Self::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_model::event::{Executed, Level, Value};
    use qalipsis_model::evidence::FailureKind;
    use qalipsis_model::snapshot::ExecutionOutcome;

    /// What is on the wire may only change with the version of the contract.
    #[test]
    fn the_wire_format_of_contract_1() {
        let event = Event {
            at: Timestamp(7),
            level: Level::Error,
            name: "execution".into(),
            value: Value::Execution(Executed {
                outcome: Some(ExecutionOutcome::Failure),
                failure: Some(FailureKind::Assertion),
                service_ns: 1,
                response_ns: 2,
            }),
            scenario: 0,
            step: Some(2),
            minion: 3,
            iteration: 1,
        };
        let failed = FailedExecution {
            at: Timestamp(7),
            scenario: "checkout".into(),
            step: Some(1),
            key: Some("33cb".into()),
            minion: Some(3),
            iteration: 0,
            kind: FailureKind::JoinMissing,
            message: "none came".into(),
            trace_id: None,
        };
        let cases = [
            (
                serde_json::to_string(&ToHead::Hello { contract: 1, name: "checkout".into() }).unwrap(),
                r#"{"type":"hello","body":{"contract":1,"name":"checkout"}}"#,
            ),
            (
                serde_json::to_string(&ToHead::Events(vec![event])).unwrap(),
                r#"{"type":"events","body":[{"at":7,"level":"error","name":"execution","value":{"execution":{"outcome":"failure","failure":"assertion","service_ns":1,"response_ns":2}},"scenario":0,"step":2,"minion":3,"iteration":1}]}"#,
            ),
            (
                serde_json::to_string(&ToHead::Failures(vec![failed])).unwrap(),
                r#"{"type":"failures","body":[{"at":7,"scenario":"checkout","step":1,"key":"33cb","minion":3,"iteration":0,"kind":"join-missing","message":"none came","trace_id":null}]}"#,
            ),
            (serde_json::to_string(&ToHead::Heartbeat).unwrap(), r#"{"type":"heartbeat"}"#),
            (serde_json::to_string(&ToFactory::Start(Timestamp(7))).unwrap(), r#"{"type":"start","body":7}"#),
            (
                serde_json::to_string(&HeadMessage { sequence: 2, message: ToFactory::Stop(Stop::Hard) })
                    .unwrap(),
                r#"{"sequence":2,"message":{"type":"stop","body":"hard"}}"#,
            ),
            (
                serde_json::to_string(&ToFactory::Acknowledge(7)).unwrap(),
                r#"{"type":"acknowledge","body":7}"#,
            ),
            (serde_json::to_string(&ToFactory::Resend(7)).unwrap(), r#"{"type":"resend","body":7}"#),
            (
                serde_json::to_string(&FactoryMessage {
                    incarnation: 9,
                    sequence: 4,
                    received: 1,
                    message: ToHead::Ready,
                })
                .unwrap(),
                r#"{"incarnation":9,"sequence":4,"received":1,"message":{"type":"ready"}}"#,
            ),
        ];
        for (written, expected) in cases {
            assert_eq!(written, expected);
        }
        assert_eq!(qalipsis_model::plan::CONTRACT, 1);
    }
}
