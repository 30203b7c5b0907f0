//! Scales on which the noise of a measure is about the same, wherever it stands.

use super::location::DistributionPart;
use super::noise::{Prior, Sample};
use super::run::{Measure, Share};

/// A share: the angle whose squared sine it is (Anscombe 1948), whose variance does not depend on the share.
pub(super) fn share(share: Share) -> Option<Sample> {
    if share.of == 0 {
        return None;
    }
    let (hits, of) = (share.hits.min(share.of) as f64, share.of as f64);
    let value = ((hits + 0.375) / (of + 0.75)).sqrt().asin();
    Some(Sample { value, variance: SHARE_DESIGN_EFFECT / (4.0 * of + 2.0), count: share.of })
}

/// A number per second: its logarithm.
pub(super) fn rate(count: u64, seconds: f64) -> Option<Sample> {
    (count >= FEWEST && seconds >= SHORTEST).then(|| Sample {
        value: (count as f64 / seconds).ln(),
        variance: 1.0 / count as f64,
        count,
    })
}

/// Failures come in groups: one pause of the system makes several.
const SHARE_DESIGN_EFFECT: f64 = 2.0;

/// The fewest executions from which a rate is estimated.
const FEWEST: u64 = 20;

/// The shortest run from which a rate is estimated: below, it is the inverse of the longest execution.
const SHORTEST: f64 = 1.0;

/// Between runs on a machine that does other work besides, a part of a distribution differs by this much;
/// measured, see `runner/docs/baseline.md`. A latency goes through more queues than an answer.
pub(super) fn times(measure: Measure, part: DistributionPart) -> Prior {
    let deviation = match (measure, part) {
        (Measure::Latency, DistributionPart::Body) => 0.05,
        (Measure::Latency, DistributionPart::Tail) => 0.12,
        (_, DistributionPart::Body) => 0.035,
        (_, DistributionPart::Tail) => 0.10,
    };
    Prior { deviation }
}

/// Of shares, as an angle: 0.1 percentage points around 1 %.
pub(super) const SHARE: Prior = Prior { deviation: 0.005 };
/// Of rates: 6 %.
pub(super) const RATE: Prior = Prior { deviation: 0.06 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_same_error_wherever_they_stand() {
        let at = |hits| share(Share { hits, of: 1_000 }).unwrap();
        // One standard deviation up and down of the binomial distribution is about the same angle everywhere.
        let step = |hits: u64| {
            let deviation = (hits as f64 * (1.0 - hits as f64 / 1_000.0)).sqrt();
            at(hits + deviation as u64).value - at(hits).value
        };
        assert!((step(100) / step(500) - 1.0).abs() < 0.1, "{} {}", step(100), step(500));
        assert!(share(Share { hits: 0, of: 0 }).is_none());
        assert!(at(0).value < at(1).value);
    }

    #[test]
    fn short_runs_have_no_rate() {
        assert!(rate(1_000, 0.5).is_none() && rate(5, 10.0).is_none());
        assert!((rate(1_000, 10.0).unwrap().value - 100.0_f64.ln()).abs() < 1e-12);
    }
}
