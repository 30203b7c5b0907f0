//! What authors of scenarios and plugins implement against: steps, minions, sources, joins, setup.
//!
//! The engine drives what is declared here; see `runner/ARCHITECTURE.md`. Authors of scenarios
//! use the crate `qalipsis`, which re-exports what they need in its prelude.

pub mod active_minions;
mod awaiting;
pub mod both;
pub mod clock;
pub mod collect;
pub mod data;
pub mod events;
pub mod evidence;
mod exchanges;
pub mod execution;
pub mod failures;
pub mod fault;
mod gaps;
pub mod join;
pub mod ledger;
pub mod meter;
pub mod meters;
pub mod minion;
pub mod panics;
pub mod pause;
pub mod probe;
pub mod properties;
pub mod recorder;
pub mod replay;
pub mod retry;
pub mod rng;
pub mod scenario;
pub mod setup;
mod slot;
pub mod source;
pub mod spans;
pub mod stage;
pub mod step;
mod step_failed;
pub mod steps;
pub mod text;
pub mod tolerance;
pub mod verify;
pub mod warm_up;

pub use qalipsis_model as model;
pub use qalipsis_profile as profile;
