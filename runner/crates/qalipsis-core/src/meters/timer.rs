//! Durations.

use super::cells::Cells;
use super::{Measure, MeterDescription, Opening};
use qalipsis_model::histogram::Histogram;
use qalipsis_model::measured::{Measured, MeterKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Times what is no step: a part of one, something that several steps make up, or a duration that the system reports.
/// From 1 ns to 1 h, within 1 %.
#[derive(Debug, Clone)]
pub struct Timer {
    cells: Arc<Cells<Option<Box<Histogram>>>>,
}

impl Timer {
    /// Adds one duration.
    pub fn record(&self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.cells.change(|times| times.get_or_insert_default().record(ns));
    }

    /// Awaits `action` and adds how long that took, whatever came out. One that is dropped before its end is left out.
    pub async fn time<A: IntoFuture>(&self, action: A) -> A::Output {
        let started = Instant::now();
        let output = action.await;
        self.record(started.elapsed());
        output
    }
}

impl Measure for Timer {
    const KIND: MeterKind = MeterKind::Timer;

    fn open(opening: &Opening<'_>, description: MeterDescription) -> Self {
        let cells = opening.open(description, |own, cells: &Cells<Option<Box<Histogram>>>, figures| {
            for times in cells.drain().flatten() {
                figures.add_measured(&own.name, &Measured::Timer(times));
            }
        });
        Self { cells }
    }
}
