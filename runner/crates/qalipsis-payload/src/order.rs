//! A campaign as it is asked for.

use qalipsis_config::Given;
use qalipsis_model::description::ScenarioDescription;
use qalipsis_profile::profile::Profile;
use std::collections::BTreeMap;
use std::time::Duration;

/// A scenario of this head.
#[derive(Debug, Clone)]
pub struct Offered {
    /// The crate that it is compiled in.
    pub crate_name: String,
    /// The version of that crate.
    pub crate_version: String,
    /// The scenario.
    pub scenario: ScenarioDescription,
}

/// A campaign as it is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Order {
    /// Names of the scenarios.
    pub scenarios: Vec<String>,
    /// Values of configuration keys.
    pub given: Vec<Given>,
    /// Profiles that replace those of scenarios, by name of the scenario.
    pub profiles: BTreeMap<String, OrderedProfile>,
    /// How long the campaign waits before it starts, once it is its turn.
    pub start_offset: Duration,
}

/// A profile that replaces the one of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderedProfile {
    /// The profile.
    pub profile: Profile,
    /// How many minions the scenario has, when the profile gives it.
    pub minions: Option<u32>,
    /// Whether random arrivals follow the seed of the campaign, which then gives the number of minions.
    pub follows_seed: bool,
}
