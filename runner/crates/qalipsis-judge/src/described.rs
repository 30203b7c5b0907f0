//! Scenarios and where they come from.

use qalipsis_model::description::ScenarioDescription;

/// A scenario and the crate that it comes from.
#[derive(Debug, Clone)]
pub struct Described {
    /// Crate of the scenario executable.
    pub crate_name: String,
    /// The scenario.
    pub scenario: ScenarioDescription,
}
