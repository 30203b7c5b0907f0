//! Load and response times over time.

use qalipsis_judge::report::{StepTimeline as StepReport, TimelineReport};
use serde::{Deserialize, Serialize};

/// How load and response times went, in at most 300 buckets of equal width from the start of the load. All lists are of
/// one length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Timeline {
    /// Time that each bucket takes.
    pub width_ns: u64,
    /// Minions released.
    pub released: Vec<u64>,
    /// Minions released and not ended, at the end of each bucket.
    pub active: Vec<u64>,
    /// Executions of all steps that ended.
    pub executions: Vec<u64>,
    /// Those that did not succeed.
    pub failed: Vec<u64>,
    /// By step, in order of declaration.
    pub steps: Vec<StepTimeline>,
}

/// One step over time. Response times, of a join latencies, are right within 3 %, their maximum is exact; null where
/// there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepTimeline {
    /// Name of the step.
    pub step: String,
    /// Executions that ended.
    pub executions: Vec<u64>,
    /// Those that did not succeed.
    pub failed: Vec<u64>,
    /// Their median.
    pub p50_ns: Vec<Option<u64>>,
    /// Their 95th percentile.
    pub p95_ns: Vec<Option<u64>>,
    /// The longest.
    pub max_ns: Vec<Option<u64>>,
}

impl Timeline {
    pub(super) fn new<'a>(timeline: &TimelineReport, names: impl Iterator<Item = &'a str>) -> Self {
        let step = |(name, step): (&str, &StepReport)| StepTimeline {
            step: name.to_owned(),
            executions: step.executions.clone(),
            failed: step.failures.clone(),
            p50_ns: step.p50_ns.clone(),
            p95_ns: step.p95_ns.clone(),
            max_ns: step.max_ns.clone(),
        };
        Self {
            width_ns: timeline.width.as_nanos() as u64,
            released: timeline.released.clone(),
            active: timeline.active.clone(),
            executions: timeline.executions.clone(),
            failed: timeline.failures.clone(),
            steps: names.zip(&timeline.steps).map(step).collect(),
        }
    }
}
