//! The factory: opens worlds, releases minions at their intended instants, drains the sources, and
//! sends what happened as differences of figures.
//!
//! [`prepare`] opens everything; [`Factory::run`] runs the load and sends [`Event`]s until
//! [`Event::Ended`]. Threads: one per core runs minions, one releases them, one reads sources.

mod cores;
mod course;
mod event;
mod factory;
mod forwarding;
mod health;
mod host;
mod minions;
mod pacing;
mod snapshots;
mod sources;
mod worker;

pub use event::Event;
pub use factory::{Factory, Handle, prepare};
pub use host::host;
pub use snapshots::Waiting;
