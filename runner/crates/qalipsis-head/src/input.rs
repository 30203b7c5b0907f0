//! What can happen to a campaign.

use crate::command::Control;
use qalipsis_cluster::{Arrival, FactoryId, FactoryMessage};
use qalipsis_model::plan::Stop;

/// Everything that can happen to a campaign.
#[derive(Debug)]
pub(crate) enum Input {
    /// Time has passed; at least every 100 ms.
    Tick,
    /// A factory has sent a message.
    Message(FactoryId, Box<FactoryMessage>),
    /// The connection to a factory has ended; says why, when the factory did not close it.
    Closed(FactoryId, Option<String>),
    /// The process of a factory has ended; says how: `its process ended with signal: 9 (SIGKILL)`.
    Exited(FactoryId, String),
    /// The user asks to stop.
    StopRequested(Stop),
    /// The user controls the campaign.
    Control(Control),
    /// A sink could not take so many events.
    EventsDropped(u64),
    /// A sink could not take so many failed executions.
    FailuresDropped(u64),
}

impl From<(FactoryId, Arrival)> for Input {
    fn from((factory, arrival): (FactoryId, Arrival)) -> Self {
        match arrival {
            Arrival::Message(message) => Self::Message(factory, message),
            Arrival::Closed(why) => Self::Closed(factory, why),
            Arrival::Exited(how) => Self::Exited(factory, how),
        }
    }
}
