//! Amounts.

use super::cells::Cells;
use super::{Measure, MeterDescription, Opening};
use qalipsis_model::measured::{Amounts, Measured, MeterKind};
use std::sync::Arc;

/// The distribution of amounts: sizes, prices, rows of an answer. From 0 to 3.6 billion, within 1 % or a thousandth.
#[derive(Debug, Clone)]
pub struct Summary {
    cells: Arc<Cells<Option<Box<Amounts>>>>,
}

impl Summary {
    /// Adds one amount. A negative one, or one that is no number, is left out, counted and a warning in the report.
    pub fn record(&self, amount: impl Into<f64>) {
        let amount = amount.into();
        self.cells.change(|amounts| amounts.get_or_insert_default().record(amount));
    }
}

impl Measure for Summary {
    const KIND: MeterKind = MeterKind::Summary;

    fn open(opening: &Opening<'_>, description: MeterDescription) -> Self {
        let cells = opening.open(description, |own, cells: &Cells<Option<Box<Amounts>>>, figures| {
            for amounts in cells.drain().flatten() {
                figures.add_measured(&own.name, &Measured::Summary(amounts));
            }
        });
        Self { cells }
    }
}
