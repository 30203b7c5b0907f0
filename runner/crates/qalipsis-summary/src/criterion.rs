//! One criterion and how it came out.

use super::failure::Location;
use qalipsis_judge::report::CriterionReport;
use qalipsis_model::criterion::Subject;
use serde::{Deserialize, Serialize};

/// One criterion and how it came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Criterion {
    /// The step that it is about.
    pub step: Option<String>,
    /// The meter that it is about.
    pub meter: Option<String>,
    /// What is measured, in words: `response time p95`.
    pub measure: String,
    /// What it must be, in words: `below 130 ms`.
    pub expected: String,
    /// What it was, in words: `1.2 s`, `no data`.
    pub observed: String,
    /// What it was: durations in nanoseconds, rates from 0 to 1; null without data, and for a time without end.
    pub observed_value: Option<f64>,
    /// Whether what was observed is within the limit; without data it is not.
    pub held: bool,
    /// Unique in its scenario, and without the limit: `place response time p95`. Absent in files of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `met`, `breached`, `not-judged` or `repeats`; only `breached` is a failure of its own. Absent in files of older
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why there was nothing to observe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_data: Option<String>,
    /// The failure from which it follows, when it is not a failure of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Where it is written.
    pub location: Location,
}

impl From<&CriterionReport> for Criterion {
    fn from(report: &CriterionReport) -> Self {
        let criterion = &report.criterion;
        let (step, meter) = match &criterion.subject {
            Subject::Step(name) => (Some(name.clone()), None),
            Subject::Meter(name) => (None, Some(name.clone())),
        };
        Self {
            step,
            meter,
            measure: criterion.measure(),
            expected: criterion.expectation(),
            observed: report.observed_text(),
            observed_value: report.observed.filter(|value| value.is_finite()),
            held: report.is_met(),
            name: Some(report.name.clone()),
            outcome: Some(report.outcome.name().to_owned()),
            no_data: report.no_data.clone(),
            cause: report.cause().map(str::to_owned),
            location: Location::from(&criterion.location),
        }
    }
}
