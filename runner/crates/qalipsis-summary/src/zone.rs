//! The figures of one of several zones, and where zones differ.

use super::join::Join;
use super::step::Figures;
use qalipsis_judge::report::StepReport;
use qalipsis_judge::zone::{self, ZoneReport};
use serde::{Deserialize, Serialize};

/// What one of several zones did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Zone {
    /// Name.
    pub zone: String,
    /// Minions released in it.
    pub released: u64,
    /// The steps that were executed in it, in order of declaration.
    pub steps: Vec<ZoneStep>,
    /// Its sources of awaited records, in order of opening.
    pub joins: Vec<Join>,
}

/// One step in one zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ZoneStep {
    /// Name of the step.
    pub step: String,
    /// What was counted and timed.
    pub figures: Figures,
}

/// A step at which a zone is worse than another by more than chance explains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ZoneDifference {
    /// Name of the step.
    pub step: String,
    /// `response time` or `latency`, both of the 95th percentile, or `error rate`.
    pub measure: String,
    /// The worst zone.
    pub worst_zone: String,
    /// Its figure: durations in nanoseconds, rates from 0 to 1.
    pub worst_value: f64,
    /// The best zone.
    pub best_zone: String,
    /// Its figure.
    pub best_value: f64,
    /// The same in one line.
    pub message: String,
}

impl Zone {
    pub(super) fn new(zone: &ZoneReport, steps: &[StepReport]) -> Self {
        let figures = |index: u32| Some((steps.get(index as usize)?, zone.figures.steps.get(&index)?));
        let step = |(step, figures): (&StepReport, _)| ZoneStep {
            step: step.name.clone(),
            figures: Figures::from(figures),
        };
        let join =
            |join| Join::new(join, &[], |index| figures(index).map(|(step, f)| (step.name.as_str(), f)));
        Self {
            zone: zone.name.clone(),
            released: zone.figures.released,
            steps: (0..steps.len() as u32).filter_map(figures).map(step).collect(),
            joins: zone.figures.joins.values().map(join).collect(),
        }
    }
}

impl From<&zone::ZoneDifference> for ZoneDifference {
    fn from(difference: &zone::ZoneDifference) -> Self {
        Self {
            step: difference.step.clone(),
            measure: difference.quantity.name().to_owned(),
            worst_zone: difference.worst.zone.clone(),
            worst_value: difference.worst.value,
            best_zone: difference.best.zone.clone(),
            best_value: difference.best.value,
            message: difference.message(),
        }
    }
}
