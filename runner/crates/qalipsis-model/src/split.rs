//! How the load of a campaign is divided among zones, as configured.

use crate::plan::PropertyValues;
use std::collections::BTreeMap;

/// What is configured of the zones of a campaign.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ZoneSplit {
    /// By scenario: how much of it each zone has, in percent, which sum to 100. A scenario that is not among them is divided
    /// among all its factories.
    pub percents: BTreeMap<String, BTreeMap<String, u32>>,
    /// By zone and scenario: properties that have another value there.
    pub properties: BTreeMap<String, BTreeMap<String, PropertyValues>>,
}
