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
        let part = Self { from: 0, to: 0, of }.part(minion) as u32;
        Self { from: part, to: part + 1, of }
    }

    /// Whether this segment hosts the minion of this index.
    ///
    /// Indices are dealt with a stride coprime to the number of parts and near its golden section,
    /// so that consecutive minions alternate between segments of any size.
    pub fn hosts(&self, minion: u32) -> bool {
        (u64::from(self.from)..u64::from(self.to)).contains(&self.part(minion))
    }

    /// The part of the load that a minion belongs to.
    fn part(&self, minion: u32) -> u64 {
        let of = u64::from(self.of.max(1));
        (u64::from(minion) % of) * stride(of) % of
    }
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
