//! A scenario executable that has described itself.

use qalipsis_model::description::{ExecutableDescription, ScenarioDescription};
use std::path::PathBuf;

/// A scenario executable and its description.
#[derive(Debug, Clone, PartialEq)]
pub struct Executable {
    /// Where it is.
    pub path: PathBuf,
    /// What it said about itself.
    pub description: ExecutableDescription,
}

impl Executable {
    /// Its scenario of this name.
    pub fn scenario(&self, name: &str) -> Option<&ScenarioDescription> {
        self.description.scenarios.iter().find(|s| s.name == name)
    }
}
