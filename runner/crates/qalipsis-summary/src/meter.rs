//! One meter.

#[cfg(test)]
use super::schema;
use qalipsis_judge::report::MeasuredReport;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::measured::{Measured, MeterKind};
use qalipsis_model::meter::MeterFigures;
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The percentiles that are shown.
const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

/// One meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Meter {
    /// Name in the scenario.
    pub name: String,
    /// `counter`, `gauge` (watched or set), `timer`, `summary`, `rate` or `throughput`.
    #[serde(default = "gauge")]
    pub kind: String,
    /// What it measures, as people know it: `lag of group fulfilment`; may be empty.
    pub gauge: String,
    /// The unit of the values; may be empty. Of a timer they are in nanoseconds.
    pub unit: String,
    /// Number of readings, durations, amounts or tries; of a counter and a throughput what they counted.
    pub count: u64,
    /// The smallest.
    pub min: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// The last, of a gauge.
    pub last: Option<f64>,
    /// What 50 % of the durations or amounts do not exceed, within 1 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// What 95 % of them do not exceed, within 1 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
    /// What 99 % of them do not exceed, within 1 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// Of a counter and a throughput: what they counted per second, until the last iteration ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// Of a rate: its hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
    /// Of a rate: its hits by its tries, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Of a timer its durations in nanoseconds, of a summary its amounts in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<schema::Histogram>"))]
    pub distribution: Option<Histogram>,
    /// The last value of each part.
    pub parts: BTreeMap<String, f64>,
    /// Readings that failed; amounts that were left out.
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
            kind: gauge(),
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
            p50: None,
            p95: None,
            p99: None,
            per_second: None,
            hits: None,
            rate: None,
            distribution: None,
            series: meter.series.iter().map(|(at, value)| (offset(*at) as i64, *value)).collect(),
        }
    }
}

/// The kind of what is watched: summaries of earlier programs know no other.
fn gauge() -> String {
    MeterKind::Gauge.name().to_owned()
}

impl From<&MeasuredReport> for Meter {
    fn from(meter: &MeasuredReport) -> Self {
        let mut own = Self {
            kind: meter.kind.name().to_owned(),
            unit: meter.unit.clone(),
            per_second: meter.per_second,
            count: meter.figures.as_ref().map_or(0, Measured::count),
            ..Self::new(&meter.name, &MeterFigures::default(), Timestamp::default())
        };
        own.gauge.clone_from(&meter.description);
        match &meter.figures {
            None | Some(Measured::Counter(_) | Measured::Throughput(_)) => {}
            Some(Measured::Rate { hits, tries }) => {
                own.hits = Some(*hits);
                own.rate = (*tries > 0).then(|| *hits as f64 / *tries as f64);
            }
            Some(Measured::Timer(times)) => {
                let value = |ns: Option<u64>| ns.map(|ns| ns as f64);
                "ns".clone_into(&mut own.unit);
                (own.min, own.mean, own.max) =
                    (value(times.min_ns()), value(times.mean_ns()), value(times.max_ns()));
                [own.p50, own.p95, own.p99] = PERCENTILES.map(|p| value(times.percentile_ns(p)));
                own.distribution = Some((**times).clone());
            }
            Some(Measured::Summary(amounts)) => {
                (own.min, own.mean, own.max) = (amounts.min(), amounts.mean(), amounts.max());
                [own.p50, own.p95, own.p99] = PERCENTILES.map(|p| amounts.percentile(p));
                own.failed = amounts.refused();
                own.distribution = Some(amounts.histogram().clone());
            }
        }
        own
    }
}
