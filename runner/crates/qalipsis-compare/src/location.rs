//! Where a part of a distribution of durations lies, in one figure per run.

use super::noise::Sample;
use qalipsis_model::histogram::Histogram;

/// How many independent executions an execution is worth: the ones of a run follow each other, and a pause of
/// the system hits many. Kish (1965) calls the inverse the design effect.
const DESIGN_EFFECT: f64 = 4.0;

/// A part of a distribution, between two of its quantiles.
///
/// What lies beyond 99 % is left out: the longest of a run is the chance of that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DistributionPart {
    /// The middle four fifths: all that a user usually sees.
    Body,
    /// From 90 % to 99 %: what hits some and spares most.
    Tail,
}

impl DistributionPart {
    /// Every part.
    pub const ALL: [Self; 2] = [Self::Body, Self::Tail];

    /// Its quantiles, as shares.
    pub(super) fn range(self) -> (f64, f64) {
        match self {
            Self::Body => (0.10, 0.90),
            Self::Tail => (0.90, 0.99),
        }
    }

    /// The fewest earlier runs that show how much it differs between runs of the same system.
    ///
    /// One pause of the system can make up the tail of a run: that it was not in a few earlier runs says nothing.
    pub(super) fn fewest_baselines(self) -> usize {
        match self {
            Self::Body => 1,
            Self::Tail => 5,
        }
    }

    /// The fewest executions from which its location can be estimated.
    pub(super) fn fewest(self) -> u64 {
        match self {
            Self::Body => 20,
            Self::Tail => 200,
        }
    }
}

/// The mean of the logarithms of all durations in the part, and its variance within this run.
///
/// The difference of two such means is the mean vertical distance of two quantile functions on a logarithmic
/// scale, signed: the Wasserstein distance of the parts, as a factor. Its variance within a run is that of a
/// trimmed mean, which is the winsorised variance (Tukey and McLaughlin 1963).
///
/// `trimmed_share` is the share of executions that is left out at the slow end, before the part is taken.
pub(super) fn of(histogram: &Histogram, part: DistributionPart, trimmed_share: f64) -> Option<Sample> {
    let count = histogram.count();
    if ((count as f64 * (1.0 - trimmed_share)) as u64) < part.fewest() {
        return None;
    }
    let (from, to) = part.range();
    let (from, to) = (from * (1.0 - trimmed_share), to * (1.0 - trimmed_share));
    let mut seen = 0_u64;
    let mut within = Vec::new();
    let (mut weighted, mut lowest, mut highest) = (0.0, None, 0.0);
    for (ns, n) in histogram.counts() {
        let before = seen as f64 / count as f64;
        seen += n;
        let after = seen as f64 / count as f64;
        let value = (ns as f64).ln();
        let share = (after.min(to) - before.max(from)).max(0.0);
        if share > 0.0 {
            weighted += share * value;
            lowest.get_or_insert(value);
            highest = value;
        }
        within.push((value, n));
    }
    let (lowest, width) = (lowest?, to - from);
    let clamped = |value: f64| value.clamp(lowest, highest);
    let total = count as f64;
    let mean = within.iter().map(|(value, n)| clamped(*value) * *n as f64).sum::<f64>() / total;
    let spread =
        within.iter().map(|(value, n)| (clamped(*value) - mean).powi(2) * *n as f64).sum::<f64>() / total;
    let variance = spread / (width * width * total) * DESIGN_EFFECT;
    Some(Sample { value: weighted / width, variance, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_millis(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|ms| histogram.record(ms * 1_000_000));
        histogram
    }

    fn factor(before: &Histogram, after: &Histogram, part: DistributionPart) -> f64 {
        (of(after, part, 0.0).unwrap().value - of(before, part, 0.0).unwrap().value).exp()
    }

    #[test]
    fn what_is_slower_by_a_factor_lies_higher_by_that_factor() {
        let (before, after) = (of_millis(100..400), of_millis((100..400).map(|ms| ms * 13 / 10)));
        for part in DistributionPart::ALL {
            let factor = factor(&before, &after, part);
            assert!((factor - 1.3).abs() < 0.01, "{part:?}: {factor}");
        }
    }

    #[test]
    fn a_slow_minority_moves_the_tail_and_hardly_the_body() {
        let before = of_millis((0..1_000).map(|i| 100 + i % 20));
        let after = of_millis((0..1_000).map(|i| if i % 20 == 0 { 1_000 } else { 100 + i % 20 }));
        assert!((factor(&before, &after, DistributionPart::Body) - 1.0).abs() < 0.01);
        assert!(factor(&before, &after, DistributionPart::Tail) > 2.0);
    }

    #[test]
    fn the_longest_of_a_run_moves_nothing() {
        let before = of_millis((0..1_000).map(|i| 100 + i % 20));
        let mut after = before.clone();
        after.record(60_000_000_000);
        assert!((factor(&before, &after, DistributionPart::Tail) - 1.0).abs() < 0.01);
    }

    #[test]
    fn the_error_of_one_run_is_that_of_often_repeated_runs() {
        // Pseudo-random durations without memory: the estimated error is the one seen, times the design effect.
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 100
        };
        let runs: Vec<Sample> = (0..400)
            .map(|_| of(&of_millis((0..300).map(|_| 50 + next())), DistributionPart::Body, 0.0).unwrap())
            .collect();
        let mean = runs.iter().map(|r| r.value).sum::<f64>() / 400.0;
        let seen = runs.iter().map(|r| (r.value - mean).powi(2)).sum::<f64>() / 399.0;
        let estimated = runs.iter().map(|r| r.variance).sum::<f64>() / 400.0 / DESIGN_EFFECT;
        assert!((0.8..1.25).contains(&(estimated / seen)), "estimated {estimated}, seen {seen}");
    }

    #[test]
    fn few_executions_have_no_location() {
        assert!(of(&of_millis(0..19), DistributionPart::Body, 0.0).is_none());
        assert!(of(&of_millis(0..20), DistributionPart::Body, 0.0).is_some());
        assert!(of(&of_millis(0..199), DistributionPart::Tail, 0.0).is_none());
    }
}
