//! A logarithmic axis of durations.

use super::{LEFT, WIDTH};
use qalipsis_model::histogram::Histogram;

/// Bars of a distribution.
pub(super) const BARS: usize = 60;

/// A logarithmic axis of durations, divided into [`BARS`].
pub(super) struct Axis {
    low: f64,
    span: f64,
}

impl Axis {
    /// From the shortest to the longest of all; `None` when there is none.
    pub(super) fn over<'a>(sets: impl Iterator<Item = &'a Histogram> + Clone) -> Option<Self> {
        let lowest = sets.clone().filter_map(Histogram::min_ns).min()?;
        let highest = sets.filter_map(Histogram::max_ns).max()?;
        let low = (lowest.max(1) as f64).ln();
        // One value alone still has an axis around it.
        Some(Self { low, span: ((highest.max(1) as f64).ln() - low).max(0.1) })
    }

    pub(super) fn share(&self, ns: u64) -> f64 {
        (((ns.max(1) as f64).ln() - self.low) / self.span).clamp(0.0, 1.0)
    }

    pub(super) fn value(&self, share: f64) -> u64 {
        (self.low + self.span * share).exp() as u64
    }

    pub(super) fn x_of_share(&self, share: f64) -> f64 {
        LEFT + share * (WIDTH - LEFT - 8.0)
    }

    pub(super) fn x(&self, ns: u64) -> f64 {
        self.x_of_share(self.share(ns))
    }

    pub(super) fn bars(&self, times: &Histogram) -> [u64; BARS] {
        let mut bars = [0; BARS];
        for (ns, count) in times.counts() {
            bars[((self.share(ns) * BARS as f64) as usize).min(BARS - 1)] += count;
        }
        bars
    }
}
