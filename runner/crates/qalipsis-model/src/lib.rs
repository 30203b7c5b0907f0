//! Plain data and pure functions: what a campaign is, what it measured, and what follows from that.
//!
//! Nothing here does I/O, spawns, or reads a clock. Every other crate may depend on this one.

pub mod aggregate;
pub mod blocked;
pub mod compare;
pub mod criterion;
pub mod description;
pub mod duration;
pub mod environment;
pub mod event;
pub mod evidence;
pub mod failure;
pub mod health;
pub mod histogram;
pub mod join;
pub mod judge;
pub mod measured;
pub mod meter;
pub mod number;
pub mod overload;
mod part;
pub mod plan;
pub mod profile;
pub mod report;
pub mod scope;
pub mod segment;
pub mod smoke;
pub mod snapshot;
pub mod speed;
pub mod suggest;
pub mod timeline;
pub mod timestamp;
pub mod trace;
pub mod verdict;
pub mod zone;
