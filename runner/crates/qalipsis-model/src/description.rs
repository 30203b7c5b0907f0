//! What a scenario executable says about itself without running anything.

use crate::criterion::Criterion;
use crate::location::SourceLocation;
use crate::measured::MeterKind;
use qalipsis_profile::overload::Overload;
use qalipsis_profile::profile::Profile;
use serde::{Deserialize, Serialize};

/// The answer of a scenario executable to `describe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutableDescription {
    /// The version of the contract between runner and executable ([`crate::plan::CONTRACT`]).
    pub contract: u32,
    /// The crate that the executable was built from.
    pub crate_name: String,
    /// That crate's version.
    pub crate_version: String,
    /// Its scenarios, in the order given to `main`.
    pub scenarios: Vec<ScenarioDescription>,
}

/// One scenario as declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioDescription {
    /// Unique in a campaign.
    pub name: String,
    /// One line for people; may be empty.
    pub description: String,
    /// Minions unless configured otherwise.
    pub minions: u32,
    /// Profile unless configured otherwise.
    pub profile: Profile,
    /// Overload policy unless configured otherwise.
    #[serde(default)]
    pub overload: Overload,
    /// In order of declaration; a step's index is its place here.
    pub steps: Vec<StepDescription>,
    /// What can be configured under `properties.`.
    pub properties: Vec<PropertyDescription>,
    /// What it measures itself. What its world watches is known only when it is open.
    #[serde(default)]
    pub meters: Vec<MeterDescription>,
    /// The criteria: rules on measured values.
    pub criteria: Vec<Criterion>,
    /// Where the scenario is built.
    pub location: SourceLocation,
}

/// One step as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDescription {
    /// In kebab-case unless named otherwise.
    pub name: String,
    /// Its doc comment; may be empty.
    pub description: String,
    /// Which events and extra meters are exported for it.
    pub monitor: Monitor,
    /// Whether a run in which no minion reaches it may still succeed.
    pub optional: bool,
}

/// What is exported for a step beside the figures that every step has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Monitor {
    /// Nothing.
    #[default]
    None,
    /// Events.
    Events,
    /// Extra meters.
    Meters,
    /// Both.
    All,
}

impl Monitor {
    /// Whether executions are emitted as events.
    pub fn events(self) -> bool {
        matches!(self, Self::Events | Self::All)
    }
}

/// One meter of a scenario as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterDescription {
    /// In kebab-case unless named otherwise.
    pub name: String,
    /// What it measures.
    pub kind: MeterKind,
    /// The unit of what it counts or holds; may be empty.
    pub unit: String,
    /// Its doc comment; may be empty.
    pub description: String,
}

/// One configurable property of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyDescription {
    /// The key below `properties.`, in kebab-case.
    pub name: String,
    /// The type as users know it: `string`, `integer`, `duration`, ...
    pub value_type: String,
    /// Its value when it is not set, `***` for a secret; `None` when it must be set or has no default.
    pub default: Option<String>,
    /// Whether it must be set.
    pub required: bool,
    /// Whether its value never appears in any output.
    pub secret: bool,
    /// Its doc comment; may be empty.
    pub description: String,
}
