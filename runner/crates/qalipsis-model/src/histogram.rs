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

/// Buckets of each doubling of a value, in bits.
const DOUBLING_BITS: u32 = 7;

/// The largest number of samples in one histogram that comes from elsewhere: sums of many stay far from overflow.
const MOST_SAMPLES: u64 = 1 << 48;

/// Index of the bucket of a value from 1 on: the value itself below 256, and from there on each doubling is divided
/// into 128.
const fn bucket(value: u64) -> u32 {
    let shift = value.ilog2().saturating_sub(DOUBLING_BITS);
    (shift << DOUBLING_BITS) + (value >> shift) as u32
}

/// Index of the bucket of a sample.
fn bucket_of_sample(ns: u64) -> u32 {
    bucket(ns.clamp(1, HIGHEST_NS))
}

/// A value that has this bucket: the lowest one.
fn value(bucket: u32) -> u64 {
    let shift = (bucket >> DOUBLING_BITS).saturating_sub(1);
    u64::from(bucket - (shift << DOUBLING_BITS)) << shift
}

/// Why figures are no histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidHistogram {
    /// The bucket of this index is not part of the layout, or is used without samples.
    Bucket(u32),
    /// There are more samples than any factory can have taken.
    TooMany,
    /// The shortest sample does not lie in the first bucket, or the longest in the last one.
    Range,
    /// No samples of these buckets have this sum.
    Sum,
}

impl Histogram {
    /// The highest index of a bucket; the lowest is 1.
    pub const LAST_BUCKET: u32 = bucket(HIGHEST_NS);

    /// The shortest sample that belongs to a bucket, in nanoseconds.
    pub fn lowest(bucket: u32) -> u64 {
        // Samples of 0 have no bucket of their own.
        if bucket <= 1 { 0 } else { value(bucket) }
    }

    /// Each used bucket of the fixed layout: its index, and how many samples it has. Indices rise.
    pub fn buckets(&self) -> impl Iterator<Item = (u32, u64)> {
        let last = if self.is_empty() { 0 } else { bucket_of_sample(self.max_ns) };
        (bucket_of_sample(self.min_ns)..=last)
            .map(|index| (index, self.buckets.count_at(value(index))))
            .filter(|(_, count)| *count > 0)
    }

    /// The sum of all samples in nanoseconds, exact.
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// From used buckets with rising indices, and the exact figures; without buckets it is empty.
    ///
    /// # Errors
    /// When no samples have such figures.
    pub fn from_buckets(
        buckets: impl IntoIterator<Item = (u32, u64)>,
        sum_ns: u128,
        min_ns: u64,
        max_ns: u64,
    ) -> Result<Self, InvalidHistogram> {
        let mut histogram = Self::default();
        let (first, last) = (bucket_of_sample(min_ns), bucket_of_sample(max_ns));
        let mut before = 0;
        let mut samples = 0_u64;
        for (index, count) in buckets {
            if index <= before || index > Self::LAST_BUCKET || count == 0 {
                return Err(InvalidHistogram::Bucket(index));
            }
            samples = samples.saturating_add(count);
            if samples > MOST_SAMPLES {
                return Err(InvalidHistogram::TooMany);
            }
            if before == 0 && index != first {
                return Err(InvalidHistogram::Range);
            }
            histogram.buckets.saturating_record_n(value(index), count);
            before = index;
        }
        if before == 0 {
            return Ok(histogram);
        }
        if before != last || min_ns > max_ns {
            return Err(InvalidHistogram::Range);
        }
        let times = |ns| u128::from(ns) * u128::from(samples);
        if !(times(min_ns)..=times(max_ns)).contains(&sum_ns) {
            return Err(InvalidHistogram::Sum);
        }
        Ok(Self { sum_ns, min_ns, max_ns, ..histogram })
    }
}

/// The sparse form of histograms in `summary.json`: each used bucket's value and count.
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

    proptest! {
        #[test]
        fn buckets_are_those_of_the_layout_and_give_the_histogram_again(samples in adversarial()) {
            let histogram = of(&samples);
            for sample in &samples {
                let index = bucket_of_sample(*sample);
                prop_assert_eq!(value(index), histogram.buckets.lowest_equivalent(*sample));
                prop_assert_eq!(bucket(value(index)), index);
                prop_assert_eq!(bucket_of_sample(Histogram::lowest(index)), index);
            }
            prop_assert_eq!(histogram.buckets().map(|(_, count)| count).sum::<u64>(), samples.len() as u64);
            let (min_ns, max_ns) = (histogram.min_ns, histogram.max_ns);
            let again = Histogram::from_buckets(histogram.buckets(), histogram.sum_ns, min_ns, max_ns);
            prop_assert_eq!(again, Ok(histogram));
        }
    }

    #[test]
    fn figures_that_no_samples_have_are_no_histogram() {
        let one = |index, count, sum, min, max| Histogram::from_buckets([(index, count)], sum, min, max);
        assert_eq!(one(100, 2, 200, 100, 100), Ok(of(&[100, 100])));
        assert_eq!(Histogram::from_buckets([], 7, 7, 7), Ok(Histogram::default()));
        assert_eq!(one(0, 1, 0, 0, 0), Err(InvalidHistogram::Bucket(0)));
        assert_eq!(one(100, 0, 0, 100, 100), Err(InvalidHistogram::Bucket(100)), "no samples");
        assert_eq!(one(u32::MAX, 1, 100, 100, 100), Err(InvalidHistogram::Bucket(u32::MAX)));
        assert_eq!(
            Histogram::from_buckets([(100, 1), (100, 1)], 200, 100, 100),
            Err(InvalidHistogram::Bucket(100)),
            "twice"
        );
        assert_eq!(one(100, MOST_SAMPLES + 1, 0, 100, 100), Err(InvalidHistogram::TooMany));
        assert_eq!(
            Histogram::from_buckets([(100, u64::MAX), (101, u64::MAX)], 0, 100, 101),
            Err(InvalidHistogram::TooMany)
        );
        assert_eq!(one(100, 1, 101, 101, 101), Err(InvalidHistogram::Range));
        assert_eq!(one(100, 1, 100, 100, 101), Err(InvalidHistogram::Range));
        assert_eq!(one(100, 2, 199, 100, 100), Err(InvalidHistogram::Sum));
        assert_eq!(one(100, 2, 201, 100, 100), Err(InvalidHistogram::Sum));
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
