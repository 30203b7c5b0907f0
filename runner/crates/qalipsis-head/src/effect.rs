//! What a campaign asks for.

use crate::command::Refusal;
use crate::event::CampaignEvent;
use qalipsis_cluster::{FactoryId, HeadMessage};
use qalipsis_model::event::Event;
use qalipsis_model::failure::FailedExecution;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::trace::Trace;

/// Something to be done outside of the fold.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Send a message to a factory.
    Send(FactoryId, HeadMessage),
    /// Answer the user, who controls the campaign: with the instant at which that took effect, or why it cannot be done.
    Answer(Result<Timestamp, Refusal>),
    /// Publish an event to all subscribers.
    Publish(CampaignEvent),
    /// Write events of a factory.
    WriteEvents(FactoryId, Vec<Event>),
    /// List failed executions of a factory.
    ListFailures(FactoryId, Vec<FailedExecution>),
    /// Show one execution of a replayed iteration.
    Trace(Box<Trace>),
}
