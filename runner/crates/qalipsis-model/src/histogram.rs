//! Distributions of durations that merge exactly.

use hdrhistogram::Histogram as Hdr;
use serde::{Deserialize, Serialize};

/// The longest duration that keeps its place; longer ones count there, and in the exact maximum.
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// A distribution of durations in nanoseconds, from 1 ns to 1 h.
///
/// The layout is fixed (an HDR histogram of 2 significant digits, so under 1 % error), hence the
/// merge of any histograms is the histogram of all their samples. Count, sum, minimum and maximum
/// are exact. See Gil Tene, <https://hdrhistogram.github.io/HdrHistogram/>.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    buckets: Hdr<u64>,
    sum_ns: u128,
    min_ns: u64,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = Hdr::new_with_bounds(1, HIGHEST_NS, 2).expect("bounds are valid constants");
        Self { buckets, sum_ns: 0, min_ns: u64::MAX, max_ns: 0 }
    }
}

impl Histogram {
    /// Adds one duration.
    pub fn record(&mut self, ns: u64) {
        self.record_n(ns, 1);
    }

    /// Adds the same duration `count` times.
    pub fn record_n(&mut self, ns: u64, count: u64) {
        if count == 0 {
            return;
        }
        self.buckets.saturating_record_n(ns.clamp(1, HIGHEST_NS), count);
        self.sum_ns += u128::from(ns) * u128::from(count);
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds all samples of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.buckets.add(&other.buckets).expect("all histograms share one layout");
        self.sum_ns += other.sum_ns;
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Number of samples.
    pub fn count(&self) -> u64 {
        self.buckets.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Each used bucket: its value in nanoseconds, and how many samples it holds. Values rise.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buckets.iter_recorded().map(|b| (b.value_iterated_to(), b.count_since_last_iteration()))
    }

    /// The shortest sample in nanoseconds, exact.
    pub fn min_ns(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.min_ns)
    }

    /// The longest sample in nanoseconds, exact.
    pub fn max_ns(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.max_ns)
    }

    /// The mean in nanoseconds, exact but for rounding.
    pub fn mean_ns(&self) -> Option<u64> {
        (!self.is_empty()).then(|| (self.sum_ns / u128::from(self.count())) as u64)
    }

    /// The duration in nanoseconds that `percent` % of the samples do not exceed, within 1 %.
    pub fn percentile_ns(&self, percent: f64) -> Option<u64> {
        (!self.is_empty()).then(|| {
            // `percent / 100 * count` can round to just above a whole rank, which would be taken for the
            // next one. Multiplied first it is exact for whole percents; half a rank less stays in the rank.
            let count = self.count() as f64;
            let rank = (percent * count / 100.0).ceil().max(1.0);
            self.buckets.value_at_quantile((rank - 0.5) / count).clamp(self.min_ns, self.max_ns)
        })
    }
}

/// The sparse form in which histograms travel: each used bucket's value and count.
#[derive(Serialize, Deserialize)]
struct Sparse {
    /// As text, for JSON readers that keep numbers as doubles.
    sum_ns: String,
    min_ns: u64,
    max_ns: u64,
    buckets: Vec<(u64, u64)>,
}

impl Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sum_ns = self.sum_ns.to_string();
        let buckets = self.counts().collect();
        let min_ns = self.min_ns().unwrap_or(0);
        Sparse { sum_ns, min_ns, max_ns: self.max_ns, buckets }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sparse = Sparse::deserialize(deserializer)?;
        let mut histogram = Self::default();
        if sparse.buckets.is_empty() {
            return Ok(histogram);
        }
        for (value, count) in sparse.buckets {
            histogram.buckets.saturating_record_n(value.clamp(1, HIGHEST_NS), count);
        }
        histogram.sum_ns = sparse.sum_ns.parse().map_err(serde::de::Error::custom)?;
        histogram.min_ns = sparse.min_ns;
        histogram.max_ns = sparse.max_ns;
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(samples: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        samples.iter().for_each(|s| histogram.record(*s));
        histogram
    }

    proptest! {
        #[test]
        fn merging_any_split_gives_the_whole(
            samples in proptest::collection::vec((0_u64..4_000_000_000_000, 0_usize..5), 0..300),
        ) {
            let whole = of(&samples.iter().map(|s| s.0).collect::<Vec<_>>());
            let mut merged = Histogram::default();
            for part in (0..5).rev() {
                let part: Vec<u64> = samples.iter().filter(|s| s.1 == part).map(|s| s.0).collect();
                let sent = serde_json::to_string(&of(&part)).unwrap();
                merged.merge(&serde_json::from_str(&sent).unwrap());
            }
            prop_assert_eq!(merged, whole);
        }

        #[test]
        fn percentiles_are_within_one_percent(mut samples in proptest::collection::vec(1_u64..3_000_000_000_000, 1..300), percent in 1_u32..=100) {
            let histogram = of(&samples);
            samples.sort_unstable();
            let rank = (samples.len() * percent as usize).div_ceil(100);
            let exact = samples[rank - 1];
            let got = histogram.percentile_ns(f64::from(percent)).unwrap();
            prop_assert!(got.abs_diff(exact) as f64 <= exact as f64 * 0.01, "{got} for {exact}");
            prop_assert_eq!(histogram.max_ns(), samples.last().copied());
            prop_assert_eq!(histogram.min_ns(), samples.first().copied());
        }
    }

    /// Distributions that are hard on buckets and ranks, in ns; up to 1 h, where the layout ends.
    fn adversarial() -> impl Strategy<Value = Vec<u64>> {
        let value = || 1_u64..=HIGHEST_NS;
        let count = || 1_usize..200;
        let several = |values: &[(u64, usize)]| {
            values.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count)).collect::<Vec<_>>()
        };
        // From 1 ns to nearly 1 h, each magnitude as often.
        let magnitude = || (0.0..12.55_f64).prop_map(|exponent| 10_f64.powf(exponent) as u64);
        prop_oneof![
            (value(), count()).prop_map(move |(all, count)| several(&[(all, count)])),
            (value(), count(), value(), count()).prop_map(move |(a, n, b, m)| several(&[(a, n), (b, m)])),
            (1_u64..1_000_000, count(), value())
                .prop_map(move |(all, n, outlier)| several(&[(all, n), (outlier, 1)])),
            proptest::collection::vec(magnitude(), count()),
            // Pareto's tail with shape 1: a mean that does not exist.
            proptest::collection::vec(0.000_001..1.0_f64, count())
                .prop_map(|uniform| uniform.iter().map(|u| (1_000_000.0 / u) as u64).collect()),
            proptest::collection::vec(0_u32..=12, count())
                .prop_map(|powers| powers.iter().map(|power| 10_u64.pow(*power)).collect()),
            // Around powers of two lie the edges of the buckets.
            proptest::collection::vec((1_u32..41, -1_i64..=1), count()).prop_map(|edges| edges
                .iter()
                .map(|(bits, by)| (1_u64 << bits).saturating_add_signed(*by))
                .collect()),
        ]
    }

    proptest! {
        #[test]
        fn no_distribution_moves_a_percentile_by_one_percent(
            mut samples in adversarial().prop_shuffle(),
            tenths in 0_u32..=1000,
            cut in any::<proptest::sample::Index>(),
        ) {
            let whole = of(&samples);
            // Merged backwards, cut anywhere: the order is no matter.
            let (head, tail) = samples.split_at(cut.index(samples.len() + 1));
            let mut merged = of(tail);
            merged.merge(&of(head));
            prop_assert_eq!(&merged, &whole);
            samples.sort_unstable();
            let sum: u128 = samples.iter().map(|ns| u128::from(*ns)).sum();
            prop_assert_eq!(whole.count(), samples.len() as u64);
            prop_assert_eq!(whole.mean_ns(), Some((sum / samples.len() as u128) as u64));
            prop_assert_eq!(whole.min_ns(), samples.first().copied());
            prop_assert_eq!(whole.max_ns(), samples.last().copied());
            let rank = (samples.len() * tenths as usize).div_ceil(1000).max(1);
            let exact = samples[rank - 1];
            let got = whole.percentile_ns(f64::from(tenths) / 10.0).unwrap();
            prop_assert!(got.abs_diff(exact) as f64 <= exact as f64 * 0.01, "{got} for {exact}");
        }
    }

    #[test]
    fn one_outlier_of_a_million_is_the_maximum_and_nothing_else() {
        let mut histogram = Histogram::default();
        histogram.record_n(1_000_000, 999_999);
        histogram.record(3_599_999_999_999);
        assert!(histogram.percentile_ns(99.9999).unwrap() < 1_010_000);
        assert_eq!(histogram.percentile_ns(100.0), Some(3_599_999_999_999));
        assert_eq!((histogram.min_ns(), histogram.max_ns()), (Some(1_000_000), Some(3_599_999_999_999)));
    }

    #[test]
    fn an_empty_one_has_no_figures() {
        let empty = Histogram::default();
        assert_eq!(
            (empty.min_ns(), empty.max_ns(), empty.mean_ns(), empty.percentile_ns(95.0)),
            (None, None, None, None)
        );
    }
}
