//! Configuration: defaults, files, environment and flags, in this order of precedence.

mod criteria;
mod entry;
mod environment;
mod expand;
mod file;
pub mod keys;
mod plan;
mod reference;
mod settings;
mod shown;
mod sources;

pub use environment::Environment;
pub use reference::reference;
pub use settings::{Junit, Settings};
pub use sources::Sources;
