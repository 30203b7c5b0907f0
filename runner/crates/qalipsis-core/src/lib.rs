//! What authors of scenarios and plugins implement against: scenarios and their worlds, sources, probes, properties, meters.
//!
//! A plugin links this crate and none below it: minions (`qalipsis-minion`), joins (`qalipsis-join`) and data
//! (`qalipsis-data`) are here as far as authors see them. The engine drives what is declared; see `runner/ARCHITECTURE.md`.
//! Authors of scenarios use the crate `qalipsis`, which re-exports what they need in its prelude.

pub mod meter;
pub mod meters;
pub mod probe;
pub mod properties;
pub mod scenario;
pub mod setup;
pub mod text;
pub mod warm_up;

pub use qalipsis_data as data;
pub use qalipsis_join::{join, source};
pub use qalipsis_minion::{
    both, collect, fault, panics, pause, retry, stage, step, steps, tolerance, verify,
};
pub use qalipsis_model as model;
pub use qalipsis_profile as profile;
pub use qalipsis_recorder::clock;

/// One simulated user.
pub mod minion {
    pub use qalipsis_minion::minion::Minion;
}

/// The randomness of minions.
pub mod rng {
    pub use qalipsis_minion::rng::MinionRng;
}

/// The execution that is being polled on this thread, for plugins.
///
/// A step action is any future, so it is not handed anything. What it may want to know (whose step
/// it serves, the trace to continue) or to record (what was exchanged) goes through here. Outside of
/// a step every call does nothing or returns `None`.
pub mod execution {
    pub use qalipsis_minion::current::{minion_state, remember, remember_at, traceparent, worker};
    pub use qalipsis_recorder::exchanges::{Exchange, Exchanged};
}
