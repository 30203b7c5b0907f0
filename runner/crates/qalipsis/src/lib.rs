#![doc = include_str!("../README.md")]

mod command;
mod describe;
mod factory;
mod logging;
mod standalone;
mod stderr;

pub use command::main;
/// What authors of plugins implement against.
pub use qalipsis_core as core;
pub use qalipsis_macros::{Meters, Properties, Steps};
/// The random number crate that [`core::minion::Minion::rng`] is made for.
pub use rand;

/// The examples of the page on steps and data, to be compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/steps.md")]
struct StepsPage;

/// The examples of the page on events, to be compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/events.md")]
struct EventsPage;

/// Everything that a scenario needs: `use qalipsis::prelude::*;`.
pub mod prelude {
    pub use crate::core::both::both;
    pub use crate::core::collect::Collect;
    pub use crate::core::data::{AtEnd, Data, Records, csv, json_lines, records};
    pub use crate::core::fault::Fault;
    pub use crate::core::join::{Join, zip};
    pub use crate::core::meters::{Counter, Gauge, Meters, Rate, Summary, Throughput, Timer};
    pub use crate::core::minion::Minion;
    pub use crate::core::model::criterion::Meter;
    pub use crate::core::model::event::Level;
    pub use crate::core::model::evidence::FailureKind;
    pub use crate::core::pause::Pace;
    pub use crate::core::profile::overload::Overload;
    pub use crate::core::profile::profile::{ArrivalRate, Completion, Profile, Stage};
    pub use crate::core::properties::{Properties, PropertyValue, Secret};
    pub use crate::core::retry::{Retry, repeat};
    pub use crate::core::scenario::Scenario;
    pub use crate::core::setup::{Setup, SetupError};
    pub use crate::core::step::{Outcome, StepFailed};
    pub use crate::core::steps::Steps;
    pub use crate::core::tolerance::Tolerance;
    pub use crate::core::verify::{Verify, check};
    pub use crate::{Meters, Properties, Steps};
    pub use std::process::ExitCode;
    pub use std::sync::Arc;
    pub use std::time::Duration;

    /// A duration of whole seconds.
    pub const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A duration of whole milliseconds.
    pub const fn millis(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }
}
