//! One meter over time.

use qalipsis_model::meter::MeterFigures;
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Meter {
    /// Name in the scenario.
    pub name: String,
    /// What is read, as people know it: `lag of group fulfilment`.
    pub gauge: String,
    /// The unit of the values; may be empty.
    pub unit: String,
    /// Number of readings.
    pub count: u64,
    /// The smallest.
    pub min: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// The last.
    pub last: Option<f64>,
    /// The last value of each part.
    pub parts: BTreeMap<String, f64>,
    /// Readings that failed.
    pub failed: u64,
    /// Why the last of them did.
    pub last_failure: Option<String>,
    /// Milliseconds since the start of the load (negative before it) and value; at most 4,096, thinned to the larger of
    /// neighbours.
    pub series: Vec<(i64, f64)>,
}

impl Meter {
    pub(super) fn new(name: &str, meter: &MeterFigures, started: Timestamp) -> Self {
        let offset = |at: Timestamp| (i128::from(at.0) - i128::from(started.0)) / 1_000_000;
        Self {
            name: name.to_owned(),
            gauge: meter.gauge.clone(),
            unit: meter.unit.clone(),
            count: meter.count,
            min: meter.min,
            mean: meter.mean(),
            max: meter.max,
            last: meter.last(),
            parts: meter.parts.clone(),
            failed: meter.failures,
            last_failure: meter.last_failure.clone(),
            series: meter.series.iter().map(|(at, value)| (offset(*at) as i64, *value)).collect(),
        }
    }
}
