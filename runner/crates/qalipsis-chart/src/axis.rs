//! A logarithmic axis of durations.

use crate::frame::{LEFT, RIGHT, WIDTH};
use qalipsis_model::histogram::Histogram;

/// Bars of a distribution.
pub(crate) const BARS: usize = 60;

/// A logarithmic axis of durations, divided into [`BARS`].
pub(crate) struct Axis {
    lowest: u64,
    highest: u64,
    low: f64,
    span: f64,
}

impl Axis {
    /// From the shortest to the longest of all; `None` when there is none.
    pub(crate) fn over<'a>(sets: impl Iterator<Item = &'a Histogram> + Clone) -> Option<Self> {
        let lowest = sets.clone().filter_map(Histogram::min_ns).min()?.max(1);
        // One value alone still has an axis around it.
        let highest = sets.filter_map(Histogram::max_ns).max()?.max(lowest + lowest / 10).max(lowest + 3);
        let low = (lowest as f64).ln();
        Some(Self { lowest, highest, low, span: (highest as f64).ln() - low })
    }

    /// Its ends in nanoseconds.
    pub(crate) fn ends(&self) -> (u64, u64) {
        (self.lowest, self.highest)
    }

    pub(crate) fn share(&self, ns: u64) -> f64 {
        (((ns.max(1) as f64).ln() - self.low) / self.span).clamp(0.0, 1.0)
    }

    pub(crate) fn value(&self, share: f64) -> u64 {
        (self.low + self.span * share).exp() as u64
    }

    pub(crate) fn x_of_share(&self, share: f64) -> f64 {
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    pub(crate) fn x(&self, ns: u64) -> f64 {
        self.x_of_share(self.share(ns))
    }

    pub(crate) fn bars(&self, times: &Histogram) -> [u64; BARS] {
        let mut bars = [0; BARS];
        for (ns, count) in times.counts() {
            bars[((self.share(ns) * BARS as f64) as usize).min(BARS - 1)] += count;
        }
        bars
    }
}
