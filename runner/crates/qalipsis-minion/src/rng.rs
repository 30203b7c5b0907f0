//! Randomness that a seed reproduces.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};
use uuid::{Builder, Uuid};

/// The generator that [`Minion::rng`](crate::minion::Minion::rng) returns.
pub type MinionRng = ChaCha8Rng;

/// The generator of the `draw`-th call in one iteration of one minion.
///
/// Its key is made of the ingredients themselves, so that different iterations never share a stream.
pub fn generator(seed: u64, scenario: &str, minion: u32, iteration: u64, draw: u32) -> MinionRng {
    let mut key = [0; 32];
    key[0..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(scenario.as_bytes()).to_le_bytes());
    key[16..24].copy_from_slice(&iteration.to_le_bytes());
    key[24..28].copy_from_slice(&minion.to_le_bytes());
    key[28..32].copy_from_slice(&draw.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// The `draw`-th id of one iteration of one minion in the campaign of this number.
pub(crate) fn unique(campaign: u64, scenario: &str, minion: u32, iteration: u64, draw: u32) -> Uuid {
    /// Apart from the streams of a seed that happens to be the number of the campaign.
    const IDS: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut bytes = [0; 16];
    generator(campaign ^ IDS, scenario, minion, iteration, draw).fill_bytes(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// 64-bit FNV-1a (Fowler, Noll, Vo), stable over versions and platforms.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn b9_a_unique_id_differs_in_each_campaign_minion_iteration_and_call() {
        let ids = [
            unique(1, "a", 1, 1, 0),
            unique(2, "a", 1, 1, 0),
            unique(1, "b", 1, 1, 0),
            unique(1, "a", 2, 1, 0),
            unique(1, "a", 1, 2, 0),
            unique(1, "a", 1, 1, 1),
        ];
        let distinct: std::collections::HashSet<Uuid> = ids.into_iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(ids[0], unique(1, "a", 1, 1, 0), "it depends on nothing else");
        assert_eq!(ids[0].get_version_num(), 4);
    }

    #[test]
    fn the_same_pass_draws_the_same_and_any_other_differs() {
        let first = |seed, scenario, minion, iteration, draw| {
            generator(seed, scenario, minion, iteration, draw).next_u64()
        };
        let base = first(1, "a", 1, 1, 0);
        assert_eq!(base, first(1, "a", 1, 1, 0));
        for other in [
            first(2, "a", 1, 1, 0),
            first(1, "b", 1, 1, 0),
            first(1, "a", 2, 1, 0),
            first(1, "a", 1, 2, 0),
            first(1, "a", 1, 1, 1),
        ] {
            assert_ne!(base, other);
        }
    }
}
