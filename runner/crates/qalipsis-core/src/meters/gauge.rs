//! A value that is set.

use super::cells::Cells;
use super::{Measure, MeterDescription, Opening};
use crate::clock::Clock;
use qalipsis_model::measured::MeterKind;
use qalipsis_model::meter::MeterFigures;
use qalipsis_model::snapshot::ScenarioFigures;
use qalipsis_model::timestamp::Timestamp;
use std::sync::Arc;

/// A value that the scenario sets: the stock that an answer shows, the size of a pool. Its smallest, its largest, the mean
/// of all settings and the last one in time, over all factories; and over time the last of each second and factory.
///
/// What can be asked for at any time is better watched, with [`Setup::watch`](crate::setup::Setup::watch).
#[derive(Debug, Clone)]
pub struct Gauge {
    cells: Arc<Cells<Settings>>,
    clock: Clock,
}

/// What was set since the last drain.
#[derive(Debug, Default)]
struct Settings {
    count: u64,
    sum: f64,
    min: Option<f64>,
    max: Option<f64>,
    last: Option<(Timestamp, f64)>,
    refused: u64,
}

impl Gauge {
    /// Sets it. What is no number is left out, counted and a warning in the report.
    pub fn set(&self, value: impl Into<f64>) {
        let (value, at) = (value.into(), self.clock.now());
        self.cells.change(|settings| settings.record(at, value));
    }
}

impl Settings {
    fn record(&mut self, at: Timestamp, value: f64) {
        if !value.is_finite() {
            self.refused += 1;
            return;
        }
        self.count += 1;
        self.sum += value;
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
        self.last = Some((at, value));
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = [self.min, other.min].into_iter().flatten().reduce(f64::min);
        self.max = [self.max, other.max].into_iter().flatten().reduce(f64::max);
        self.last = [self.last, other.last].into_iter().flatten().max_by_key(|(at, _)| *at);
        self.refused += other.refused;
    }
}

impl Measure for Gauge {
    const KIND: MeterKind = MeterKind::Gauge;

    fn open(opening: &Opening<'_>, description: MeterDescription) -> Self {
        Self { cells: opening.open(description, drain), clock: opening.clock }
    }
}

fn drain(own: &MeterDescription, cells: &Cells<Settings>, figures: &mut ScenarioFigures) {
    let mut settings = Settings::default();
    cells.drain().for_each(|cell| settings.merge(cell));
    if settings.count == 0 && settings.refused == 0 {
        return;
    }
    let drained = MeterFigures {
        gauge: if own.description.is_empty() { "set by the scenario" } else { &own.description }.to_owned(),
        unit: own.unit.clone(),
        series: settings.last.into_iter().collect(),
        count: settings.count,
        sum: settings.sum,
        min: settings.min,
        max: settings.max,
        failures: settings.refused,
        last_failure: (settings.refused > 0).then(|| "it was set to what is no number".to_owned()),
        ..MeterFigures::default()
    };
    figures.meters.entry(own.name.clone()).or_default().merge(&drained);
}
