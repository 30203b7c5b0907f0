//! What happens per second.

use super::cells::Cells;
use super::{Measure, MeterDescription, Opening};
use qalipsis_model::measured::{Measured, MeterKind};
use std::sync::Arc;

/// Counts what is shown and judged per second: messages, rows, bytes. Of several factories it is the sum, by the time
/// from the start of the load to the end of the last iteration.
#[derive(Debug, Clone)]
pub struct Throughput {
    cells: Arc<Cells<u64>>,
}

impl Throughput {
    /// Adds so many.
    pub fn add(&self, count: u64) {
        self.cells.change(|total| *total = total.saturating_add(count));
    }
}

impl Measure for Throughput {
    const KIND: MeterKind = MeterKind::Throughput;

    fn open(opening: &Opening<'_>, description: MeterDescription) -> Self {
        let cells = opening.open(description, |own, cells, figures| {
            figures.add_measured(&own.name, &Measured::Throughput(cells.drain().sum()));
        });
        Self { cells }
    }
}
