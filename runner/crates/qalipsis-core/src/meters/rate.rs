//! Hits among tries.

use super::cells::Cells;
use super::{Measure, MeterDescription, Opening};
use qalipsis_model::measured::{Measured, MeterKind};
use std::sync::Arc;

/// The share of tries that were a hit: a cache that answers, an offer that is taken. Of several factories it is the sum of
/// their hits by the sum of their tries.
#[derive(Debug, Clone)]
pub struct Rate {
    cells: Arc<Cells<Tries>>,
}

#[derive(Debug, Default)]
struct Tries {
    hits: u64,
    all: u64,
}

impl Rate {
    /// Adds one try.
    pub fn record(&self, hit: bool) {
        self.add(u64::from(hit), 1);
    }

    /// Adds several tries, of which so many were a hit; more hits than tries count as that many tries.
    pub fn add(&self, hits: u64, tries: u64) {
        self.cells.change(|cell| {
            cell.hits += hits;
            cell.all += tries.max(hits);
        });
    }
}

impl Measure for Rate {
    const KIND: MeterKind = MeterKind::Rate;

    fn open(opening: &Opening<'_>, description: MeterDescription) -> Self {
        let cells = opening.open(description, |own, cells: &Cells<Tries>, figures| {
            for Tries { hits, all } in cells.drain().filter(|cell| cell.all > 0) {
                figures.add_measured(&own.name, &Measured::Rate { hits, tries: all });
            }
        });
        Self { cells }
    }
}
