//! Finding scenario executables, and learning from them what they can run.

mod cargo;
mod check;
mod describe;
mod executable;
#[cfg(test)]
pub(crate) mod fixtures;
mod select;
mod targets;

pub use check::problems;
pub use describe::{DESCRIBE_LIMIT, describe, describe_all};
pub use executable::Executable;
pub use select::{Selected, select};
pub use targets::{BuildProfile, Targets};
