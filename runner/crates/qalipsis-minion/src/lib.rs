//! A minion: what it does in its iterations, and how each execution of a step is timed, counted and explained.
//!
//! Scenarios see a [`Minion`](minion::Minion), what they do with it, and the failures that end their steps. The engine
//! sees its [`MinionState`](state::MinionState), which has what belongs to the scenario, to its worker and to the iteration.
//! Joins and data find the one that is being polled through [`current`]. Authors use all of it through `qalipsis-core`, which
//! shows them their part alone.

pub mod active_minions;
pub mod both;
pub mod collect;
pub mod current;
pub mod cursor;
mod evidence;
pub mod execution;
pub mod fault;
pub mod minion;
pub mod panics;
pub mod pause;
pub mod replay;
pub mod retry;
pub mod rng;
pub mod setup_error;
pub mod spans;
pub mod stage;
pub mod state;
pub mod step;
mod step_failed;
pub mod steps;
pub mod tolerance;
pub mod verify;
