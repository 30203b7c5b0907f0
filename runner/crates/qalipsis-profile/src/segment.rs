//! Which factory hosts which minion, computed by each factory alone.

use serde::{Deserialize, Serialize};

/// A share `[from, to)` of `of` equal parts of a load.
///
/// Every factory computes its own minions from its segment alone. Any set of segments that covers
/// `[0, of)` without overlap hosts every minion exactly once, whatever the profile (k6 calls the
/// same idea execution segments).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// First part, included.
    pub from: u32,
    /// Last part, excluded.
    pub to: u32,
    /// Number of parts of the whole.
    pub of: u32,
}

impl Segment {
    /// The whole load.
    pub const WHOLE: Self = Self { from: 0, to: 1, of: 1 };

    /// Splits the whole in proportion to `weights`, in their order.
    ///
    /// A weight of zero gets an empty segment.
    pub fn split(weights: &[u32]) -> Vec<Self> {
        let of = weights.iter().sum::<u32>().max(1);
        let mut from = 0;
        weights
            .iter()
            .map(|weight| {
                let segment = Self { from, to: from + weight, of };
                from += weight;
                segment
            })
            .collect()
    }

    /// The segment that hosts one of so many minions, and no other of them.
    pub fn of_minion(minion: u32, minions: u32) -> Self {
        let of = minions.max(1);
        let part = part(minion, stride(of.into()), of.into()) as u32;
        Self { from: part, to: part + 1, of }
    }

    /// Whether this segment hosts the minion of this index.
    pub fn hosts(&self, minion: u32) -> bool {
        self.hosting()(minion)
    }

    /// Answers [`hosts`](Self::hosts) for many minions.
    ///
    /// Indices are dealt with a stride coprime to the number of parts and near its golden section,
    /// so that consecutive minions alternate between segments of any size.
    pub fn hosting(&self) -> impl Fn(u32) -> bool + use<> {
        let of = u64::from(self.of.max(1));
        let parts = u64::from(self.from)..u64::from(self.to);
        let stride = stride(of);
        move |minion| parts.contains(&part(minion, stride, of))
    }

    /// How many of the first `minions` minions it hosts.
    pub fn hosted(&self, minions: u32) -> u64 {
        let of = self.of.max(1);
        // Each round of `of` minions gives it all of its parts.
        let rounds = u64::from(minions / of) * u64::from(self.to.saturating_sub(self.from));
        let hosts = self.hosting();
        rounds + (0..minions % of).filter(|&minion| hosts(minion)).count() as u64
    }
}

/// The part of the load that a minion belongs to.
fn part(minion: u32, stride: u64, of: u64) -> u64 {
    (u64::from(minion) % of) * stride % of
}

fn stride(of: u64) -> u64 {
    let mut stride = ((of as f64) * 0.618_033_988_75).round().max(1.0) as u64;
    while gcd(stride, of) != 1 {
        stride += 1;
    }
    stride
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_minion_is_hosted_exactly_once(
            weights in proptest::collection::vec(0_u32..200, 1..8).prop_filter("some weight", |w| w.iter().sum::<u32>() > 0),
            minion in any::<u32>(),
        ) {
            let hosts = Segment::split(&weights).iter().filter(|s| s.hosts(minion)).count();
            prop_assert_eq!(hosts, 1);
        }

        #[test]
        fn minions_are_counted_as_they_are_hosted(
            weights in proptest::collection::vec(0_u32..20, 1..5).prop_filter("some weight", |w| w.iter().sum::<u32>() > 0),
            minions in 0_u32..500,
        ) {
            for segment in Segment::split(&weights) {
                let hosted = (0..minions).filter(|minion| segment.hosts(*minion)).count();
                prop_assert_eq!(segment.hosted(minions), hosted as u64);
            }
        }

        #[test]
        fn one_minion_is_hosted_alone(minions in 1_u32..2_000, minion in any::<u32>()) {
            let minion = minion % minions;
            let segment = Segment::of_minion(minion, minions);
            let hosted: Vec<u32> = (0..minions).filter(|m| segment.hosts(*m)).collect();
            prop_assert_eq!(hosted, [minion]);
        }

        #[test]
        fn every_round_gives_each_segment_its_weight(weights in proptest::collection::vec(1_u32..100, 1..5)) {
            let of: u32 = weights.iter().sum();
            for (segment, weight) in Segment::split(&weights).iter().zip(&weights) {
                let hosted = (0..of).filter(|m| segment.hosts(*m)).count();
                prop_assert_eq!(hosted as u32, *weight);
            }
        }
    }
}
