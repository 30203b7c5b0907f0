//! A number that only grows.

use super::cells::Cells;
use super::{Measure, MeterDescription, Opening};
use qalipsis_model::measured::{Measured, MeterKind};
use std::sync::Arc;

/// Counts: orders, retries, bytes. Of several factories it is the sum. Nothing counted is 0, and not without data.
#[derive(Debug, Clone)]
pub struct Counter {
    cells: Arc<Cells<u64>>,
}

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds so many.
    pub fn add(&self, count: u64) {
        self.cells.change(|total| *total = total.saturating_add(count));
    }
}

impl Measure for Counter {
    const KIND: MeterKind = MeterKind::Counter;

    fn open(opening: &Opening<'_>, description: MeterDescription) -> Self {
        let cells = opening.open(description, |own, cells, figures| {
            figures.add_measured(&own.name, &Measured::Counter(cells.drain().sum()));
        });
        Self { cells }
    }
}
