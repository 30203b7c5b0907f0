//! Configuration: defaults, files, environment and flags, in this order of precedence.
//!
//! The runner and a scenario that runs alone read the same one. It sends nothing and starts nothing, so that a scenario
//! executable does not link what only the runner needs.

mod criteria;
mod entry;
mod environment;
mod expand;
mod factories;
mod file;
#[cfg(test)]
mod fixtures;
pub mod keys;
mod mailbox;
mod mask;
mod plan;
pub mod problem;
pub mod reason;
mod reference;
mod secret;
pub mod section;
mod settings;
mod shown;
mod sources;
mod split;
mod statuses;

pub use environment::Environment;
pub use factories::LocalFactory;
pub use mask::HIDDEN;
pub use reference::reference;
pub use secret::Secret;
pub use section::{Section, SectionDefinition, SectionKey, Sections};
pub use settings::Settings;
pub use sources::{Given, Sources};
pub use statuses::Statuses;
