//! One source of awaited records, and how the steps that await it came out.

use super::failure::Kept;
use super::instant;
#[cfg(test)]
use super::schema;
use super::step::Times;
use qalipsis_model::evidence::{Evidence, FailureKind};
use qalipsis_model::histogram::Histogram;
use qalipsis_model::join::{self, JoinFigures};
use qalipsis_model::snapshot::StepFigures;
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// One source of awaited records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Join {
    /// The source, as people know it: `kafka topic orders.fulfilled`.
    pub name: String,
    /// The steps that await it.
    pub awaited_by: Vec<Awaiting>,
    /// Keys that were awaited: the sum of `matched`, `late`, `missing`, `absent` and `abandoned`.
    pub expected: u64,
    /// Keys whose records came in time and were taken.
    #[serde(default)]
    pub matched: u64,
    /// Keys whose records came after their deadline.
    #[serde(default)]
    pub late: u64,
    /// Keys whose records never came.
    #[serde(default)]
    pub missing: u64,
    /// Optional keys whose records did not come in time.
    #[serde(default)]
    pub absent: u64,
    /// Keys that the scenario gave up before their outcome was known.
    #[serde(default)]
    pub abandoned: u64,
    /// Late and missing keys that an interval in `gaps` explains.
    #[serde(default)]
    pub in_gap: u64,
    /// Records read: the sum of `taken`, `duplicates`, `orphans`, `undecodable` and `abandoned_records`.
    pub records: u64,
    /// Records that belong to an awaited key.
    #[serde(default)]
    pub taken: u64,
    /// Records of keys that were given up.
    #[serde(default)]
    pub abandoned_records: u64,
    /// Keys that were expected only after a record of them had come.
    #[serde(default)]
    pub before_expected: u64,
    /// Bytes read, where the source counts them.
    pub bytes: u64,
    /// Further records of keys already matched.
    pub duplicates: u64,
    /// Records that no minion expected.
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
    /// The largest consumer lag seen.
    pub own_lag_max: Option<u64>,
    /// When the source could not read, at most the first hundred; absent when it always could.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// How many of them there were; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps_total: Option<u64>,
    /// Passing events at the source; absent when there were none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Why the source ended for good before the campaign did; absent when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Evidence of duplicates, of records that no minion expected, and of records out of order; absent when there is
    /// none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptRecord>,
}

/// Evidence of a record that warns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KeptRecord {
    /// `join-duplicate`, `join-orphan` or `join-out-of-order`.
    pub kind: String,
    /// What is known of it.
    #[serde(flatten)]
    pub kept: Kept,
}

/// An interval in which the source could not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Gap {
    /// When reading ended.
    #[serde(with = "instant")]
    #[cfg_attr(test, schemars(with = "schema::Instant"))]
    pub from: Timestamp,
    /// When it went on; null when it never did.
    #[serde(with = "instant::optional", default)]
    #[cfg_attr(test, schemars(with = "Option<schema::Instant>"))]
    pub to: Option<Timestamp>,
    /// Whether what came meanwhile may be lost for ever.
    pub lossy: bool,
    /// Why, in one clause.
    pub cause: String,
}

/// Passing events of one kind at the source, which are no gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Notice {
    /// A stable word for the kind.
    pub code: String,
    /// How often.
    pub count: u64,
    /// When first.
    #[serde(with = "instant")]
    #[cfg_attr(test, schemars(with = "schema::Instant"))]
    pub first: Timestamp,
    /// When last.
    #[serde(with = "instant")]
    #[cfg_attr(test, schemars(with = "schema::Instant"))]
    pub last: Timestamp,
    /// What the first one said.
    pub message: String,
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
        evidence: &[Evidence],
        step: impl Fn(u32) -> Option<(&'a str, &'a StepFigures)>,
    ) -> Self {
        let steps = join.steps.iter().filter_map(|index| step(*index));
        Self {
            name: join.name.clone(),
            awaited_by: steps.map(|(name, figures)| Awaiting::new(name, figures)).collect(),
            expected: join.expected,
            matched: join.matched,
            late: join.late,
            missing: join.missing_keys(),
            absent: join.absent,
            abandoned: join.abandoned,
            in_gap: join.in_gap,
            records: join.records,
            taken: join.taken,
            abandoned_records: join.abandoned_records,
            before_expected: join.before_expected,
            bytes: join.bytes,
            duplicates: join.duplicates,
            orphans: join.orphan_records(),
            out_of_order: join.out_of_order,
            evicted: join.evicted,
            undecodable: join.undecodable,
            forgotten: join.forgotten,
            own_lag: join.consumer_lag,
            own_lag_max: join.consumer_lag_max,
            gaps: join.gaps.iter().map(Gap::from).collect(),
            gaps_total: Some(join.gaps_total).filter(|total| *total > 0),
            notices: join.notices.iter().map(Notice::new).collect(),
            failed: join.failed.clone(),
            kept: evidence
                .iter()
                .filter(|one| one.source.as_ref() == Some(&join.name))
                .map(|one| KeptRecord { kind: one.kind.name().to_owned(), kept: Kept::from(one) })
                .collect(),
        }
    }
}

impl From<&join::Gap> for Gap {
    fn from(gap: &join::Gap) -> Self {
        Self { from: gap.from, to: gap.to, lossy: gap.lossy, cause: gap.cause.clone() }
    }
}

impl Notice {
    fn new((code, notice): (&String, &join::Notice)) -> Self {
        let join::Notice { count, first, last, message } = notice.clone();
        Self { code: code.clone(), count, first, last, message }
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
