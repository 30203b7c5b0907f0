//! One source of awaited records, and how the steps that await it came out.

#[cfg(test)]
use super::schema;
use super::step::Times;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::{JoinFigures, StepFigures};
use serde::{Deserialize, Serialize};

/// One source of awaited records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Join {
    /// The source, as people know it: `kafka topic orders.fulfilled`.
    pub name: String,
    /// The steps that await it.
    pub awaited_by: Vec<Awaiting>,
    /// Keys that were awaited.
    pub expected: u64,
    /// Records read.
    pub records: u64,
    /// Bytes read, where the source tells.
    pub bytes: u64,
    /// Further records of keys already matched.
    pub duplicates: u64,
    /// Records that nobody awaited.
    pub orphans: u64,
    /// Records that came in another order than theirs.
    pub out_of_order: u64,
    /// Unawaited records that a full buffer gave up.
    pub evicted: u64,
    /// Records that could not be decoded.
    pub undecodable: u64,
    /// Keys forgotten because the ledger was full.
    pub forgotten: u64,
    /// Records that the source has not read yet, last known.
    pub own_lag: Option<u64>,
    /// The largest own lag seen.
    pub own_lag_max: Option<u64>,
}

/// One step that awaits records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Awaiting {
    /// Name of the step.
    pub step: String,
    /// Records that came in time.
    pub matched: u64,
    /// Records that came after their deadline.
    pub late: u64,
    /// Records that never came.
    pub missing: u64,
    /// Figures of the latency of all that came, late ones included; null when none did.
    pub latency_time: Option<Times>,
    /// From the start of the trigger to the arrival, of those in time.
    #[cfg_attr(test, schemars(with = "schema::Histogram"))]
    pub latency: Histogram,
    /// From the start of the trigger to the arrival, of late ones.
    #[cfg_attr(test, schemars(with = "schema::Histogram"))]
    pub lateness: Histogram,
}

impl Join {
    /// `step` gives the name and the figures of a step by its index.
    pub(super) fn new<'a>(
        join: &JoinFigures,
        step: impl Fn(u32) -> Option<(&'a str, &'a StepFigures)>,
    ) -> Self {
        let steps = join.steps.iter().filter_map(|index| step(*index));
        Self {
            name: join.name.clone(),
            awaited_by: steps.map(|(name, figures)| Awaiting::new(name, figures)).collect(),
            expected: join.expected,
            records: join.records,
            bytes: join.bytes,
            duplicates: join.duplicates,
            orphans: join.orphans,
            out_of_order: join.out_of_order,
            evicted: join.evicted,
            undecodable: join.undecodable,
            forgotten: join.forgotten,
            own_lag: join.own_lag,
            own_lag_max: join.own_lag_max,
        }
    }
}

impl Awaiting {
    fn new(step: &str, figures: &StepFigures) -> Self {
        let latency = figures.latency.as_deref().cloned().unwrap_or_default();
        let lateness = figures.late.as_deref().cloned().unwrap_or_default();
        Self {
            step: step.to_owned(),
            matched: latency.count(),
            late: lateness.count(),
            missing: figures.of_kind(FailureKind::JoinMissing),
            latency_time: Times::of(&figures.arrivals()),
            latency,
            lateness,
        }
    }
}
