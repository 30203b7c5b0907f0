//! What scenarios measure themselves: counters, timers, amounts, shares.

use crate::criterion::{Quantity, Statistic};
use crate::histogram::Histogram;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a meter of a scenario measures. How factories merge is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeterKind {
    /// A number that only grows. Factories merge to the sum.
    Counter,
    /// A value that is set. Factories merge to the smallest, the largest, the mean of all settings, and the last in
    /// time.
    Gauge,
    /// Durations. The histograms of factories merge to that of all durations.
    Timer,
    /// Amounts. The histograms of factories merge to that of all amounts.
    Summary,
    /// Hits among tries. Factories merge to the sum of the hits by the sum of the tries.
    Rate,
    /// What happens per second. Factories merge to the sum, by the time in which the scenario ran.
    Throughput,
}

impl MeterKind {
    /// As people read and write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Timer => "timer",
            Self::Summary => "summary",
            Self::Rate => "rate",
            Self::Throughput => "throughput",
        }
    }

    /// Whether a meter of this kind has such a figure.
    pub fn has(self, quantity: Quantity, statistic: Statistic) -> bool {
        match self {
            Self::Counter | Self::Throughput => matches!(quantity, Quantity::Total | Quantity::Throughput),
            Self::Gauge => match quantity {
                Quantity::Value => !matches!(statistic, Statistic::Percentile(_)),
                other => other == Quantity::Count,
            },
            Self::Timer => matches!(quantity, Quantity::Time | Quantity::Count),
            Self::Summary => match quantity {
                Quantity::Value => statistic != Statistic::Value,
                other => other == Quantity::Count,
            },
            Self::Rate => matches!(quantity, Quantity::Rate | Quantity::Count),
        }
    }
}

impl fmt::Display for MeterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The figures of one meter. What a scenario sets as a gauge is kept as the readings of a
/// [watched one](crate::meter::MeterFigures).
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// Of a counter: its total.
    Counter(u64),
    /// Of a throughput: how often it happened.
    Throughput(u64),
    /// Of a rate.
    Rate {
        /// Tries that were a hit.
        hits: u64,
        /// All tries.
        tries: u64,
    },
    /// Of a timer: its durations.
    Timer(Box<Histogram>),
    /// Of a summary: its amounts.
    Summary(Box<Amounts>),
}

impl Measured {
    /// Adds all of `other`. Kinds never differ, for a meter has one; another kind would be left out.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Counter(ours), Self::Counter(theirs))
            | (Self::Throughput(ours), Self::Throughput(theirs)) => *ours += theirs,
            (Self::Rate { hits, tries }, Self::Rate { hits: their_hits, tries: their_tries }) => {
                *hits += their_hits;
                *tries += their_tries;
            }
            (Self::Timer(ours), Self::Timer(theirs)) => ours.merge(theirs),
            (Self::Summary(ours), Self::Summary(theirs)) => ours.merge(theirs),
            _ => {}
        }
    }

    /// Number of samples: durations, amounts, tries; of a counter and a throughput what they counted.
    pub fn count(&self) -> u64 {
        match self {
            Self::Counter(total) | Self::Throughput(total) => *total,
            Self::Rate { tries, .. } => *tries,
            Self::Timer(times) => times.count(),
            Self::Summary(amounts) => amounts.histogram().count(),
        }
    }
}

/// A distribution of amounts from 0 to 3.6 billion, in thousandths: each is kept within 1 % or a thousandth,
/// whichever is more. Larger amounts count at the upper end, and in the exact maximum.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Amounts {
    thousandths: Histogram,
    /// Amounts that were negative or no number, and so left out.
    refused: u64,
}

/// In how many parts an amount of 1 is kept.
const PARTS: f64 = 1_000.0;

impl Amounts {
    /// From a distribution in thousandths, and the number of amounts that were left out.
    pub fn of(thousandths: Histogram, refused: u64) -> Self {
        Self { thousandths, refused }
    }

    /// Adds one amount.
    pub fn record(&mut self, amount: f64) {
        if amount.is_finite() && amount >= 0.0 {
            self.thousandths.record((amount * PARTS).round() as u64);
        } else {
            self.refused += 1;
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.thousandths.merge(&other.thousandths);
        self.refused += other.refused;
    }

    /// Amounts that were negative or no number, and so left out.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The distribution, in thousandths.
    pub fn histogram(&self) -> &Histogram {
        &self.thousandths
    }

    /// The smallest, to the thousandth.
    pub fn min(&self) -> Option<f64> {
        self.thousandths.min_ns().map(whole)
    }

    /// The largest, to the thousandth.
    pub fn max(&self) -> Option<f64> {
        self.thousandths.max_ns().map(whole)
    }

    /// The mean, to the thousandth.
    pub fn mean(&self) -> Option<f64> {
        self.thousandths.mean_ns().map(whole)
    }

    /// The amount that `percent` % of them do not exceed.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        self.thousandths.percentile_ns(percent).map(whole)
    }
}

fn whole(thousandths: u64) -> f64 {
    thousandths as f64 / PARTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy)]
    struct Sample {
        kind: usize,
        value: u64,
        factory: usize,
    }

    fn nothing() -> [Measured; 5] {
        [
            Measured::Counter(0),
            Measured::Throughput(0),
            Measured::Rate { hits: 0, tries: 0 },
            Measured::Timer(Box::default()),
            Measured::Summary(Box::default()),
        ]
    }

    fn record(measured: &mut Measured, value: u64) {
        match measured {
            Measured::Counter(total) | Measured::Throughput(total) => *total += value,
            Measured::Rate { hits, tries } => {
                *hits += value % 2;
                *tries += 1;
            }
            Measured::Timer(times) => times.record(value),
            Measured::Summary(amounts) => amounts.record(value as f64 / 7.0 - 10.0),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn n_factories_merged_are_one_factory_with_all_samples(
            samples in proptest::collection::vec(
                (0_usize..5, 0_u64..10_000_000_000, 0_usize..4).prop_map(|(kind, value, factory)| Sample { kind, value, factory }),
                0..200,
            ),
        ) {
            let mut whole = nothing();
            let mut factories = vec![nothing(); 4];
            for Sample { kind, value, factory } in samples {
                record(&mut whole[kind], value);
                record(&mut factories[factory][kind], value);
            }
            let mut merged = nothing();
            for factory in factories.iter().rev() {
                merged.iter_mut().zip(factory).for_each(|(ours, theirs)| ours.merge(theirs));
            }
            prop_assert_eq!(merged, whole);
        }
    }

    #[test]
    fn amounts_are_kept_in_thousandths_and_refused_when_they_are_none() {
        let mut amounts = Amounts::default();
        let given = [0.0, 0.0014, 49.99, 1e300, -1.0, f64::NAN, f64::INFINITY];
        given.into_iter().for_each(|amount| amounts.record(amount));
        assert_eq!((amounts.histogram().count(), amounts.refused()), (4, 3));
        assert_eq!(amounts.min(), Some(0.0));
        assert_eq!(amounts.percentile(50.0), Some(0.001));
        let middle = amounts.percentile(75.0).unwrap();
        assert!((middle - 49.99).abs() < 0.5, "{middle}");
        assert!(amounts.max() > Some(1e16));
        let mut one = Amounts::default();
        one.record(49.99);
        assert_eq!(
            (one.min(), one.mean(), one.percentile(99.0), one.max()),
            (Some(49.99), Some(49.99), Some(49.99), Some(49.99))
        );
    }
}
