//! The agent of a machine: it starts scenario executables as factories, and relays between the head's transport and the
//! local socket of each.
//!
//! It knows the head only by the transport's [`FactoryEnd`](qalipsis_cluster::FactoryEnd)s, so that a head in the same
//! process and one on another machine are the same to it.

mod agent;
mod exit;
mod output;

pub use agent::{Agent, HostError, Hosted};
pub use output::Output;
