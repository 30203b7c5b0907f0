//! The vocabulary of all crates: descriptions, plans, figures, evidence, events, criteria.
//!
//! Plain data and pure functions: nothing here does I/O, spawns, or reads a clock.

pub mod blocked;
pub mod control;
pub mod criterion;
pub mod description;
pub mod environment;
pub mod event;
pub mod evidence;
pub mod failure;
pub mod health;
pub mod histogram;
pub mod impossible;
pub mod join;
pub mod location;
pub mod measured;
pub mod meter;
pub mod not_ready;
pub mod number;
pub mod plan;
pub mod scope;
pub mod smoke;
pub mod snapshot;
pub mod split;
pub mod suggest;
pub mod timestamp;
pub mod trace;
pub mod verdict;

pub use qalipsis_profile::duration;
