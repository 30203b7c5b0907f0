//! The head: leads factories through a campaign, merges their figures, notices which are lost, and judges.
//!
//! A campaign is a fold: `State::apply` takes what happened and when, and gives what is to be done. It does no IO,
//! awaits nothing and reads no clock, so that it can be simulated. [`Campaign::run`] drives it over a
//! [`Transport`](qalipsis_cluster::Transport).

mod campaign;
mod command;
mod directives;
mod driver;
mod effect;
mod event;
mod factory;
#[cfg(test)]
mod fixture;
mod inbox;
mod input;
mod now;
mod planner;
mod progress;
mod silence;
#[cfg(test)]
mod simulation;
mod sink;
mod state;

pub use campaign::{Campaign, Goal};
pub use command::{Command, Control, Refusal};
pub use event::{Broadcast, CampaignEvent, EVENTS, Part, Phase, Second};
pub use planner::{Indivisible, Site, divide};
pub use progress::Progress;
pub use sink::{EventSink, FailureSink, Sinks, TraceSink};
