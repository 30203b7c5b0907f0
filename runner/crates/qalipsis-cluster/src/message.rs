//! What head and factory send to each other.

use qalipsis_model::event::Event;
use qalipsis_model::evidence::Evidence;
use qalipsis_model::failure::FailedExecution;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{FactoryPlan, Stop};
use qalipsis_model::snapshot::Snapshot;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::trace::Trace;
use std::time::Duration;

/// A message of the head to a factory, with its place in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadMessage {
    /// From 0, without gaps, among the directives; of an acknowledgement and a request the number of the next directive.
    pub sequence: u64,
    /// What it is.
    pub message: ToFactory,
}

/// A message of a factory to the head, with its place in their order.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
pub enum ToFactory {
    /// Open the worlds and position the sources of this plan.
    Prepare(Box<FactoryPlan>),
    /// Start the load at this time.
    Start(Timestamp),
    /// Stop the load.
    Stop(Stop),
    /// Release no minion and begin no further iteration until the load goes on or is stopped.
    Pause,
    /// Go on after a pause of this length, by which all that is still to be released is moved.
    Resume(Duration),
    /// The load of the other factories of its scenarios is over, and those that it leads have ended: no record comes any more
    /// that another one awaits.
    Conclude,
    /// All reports with a lower number have been received.
    Acknowledge(u64),
    /// Send the reports from this number on again.
    Resend(u64),
}

impl ToFactory {
    /// Whether it is a directive, which has a number of its own and is sent again until the factory has received it.
    pub fn is_directive(&self) -> bool {
        !matches!(self, Self::Acknowledge(_) | Self::Resend(_))
    }
}

/// From a factory to the head.
#[derive(Debug, Clone, PartialEq)]
pub enum ToHead {
    /// The first message: who it is, and which version of the contract it uses.
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
    /// Events of minions, when the plan asks for events; at most [`BATCH`] of them.
    Events(Vec<Event>),
    /// Executions that failed, when the plan's limit asks for any; at most [`BATCH`] of them.
    Failures(Vec<FailedExecution>),
    /// Scenario code blocks it for good; names it. Nothing follows.
    Stuck(String),
    /// The last minion of a factory that shares a scenario with others has ended. It reads on until it is to conclude.
    Finished,
    /// Everything ended and was reported; nothing follows.
    Ended,
}

/// The most events, or failed executions, of one message: with the longest texts about 2.5 MB.
pub const BATCH: usize = 1_000;

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
