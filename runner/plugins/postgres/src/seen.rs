//! Which rows were handed over already.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// Most rows remembered: what changes within the overlap. 1,000,000 take some 40 MB.
pub(crate) const MOST_SEEN: usize = 1_000_000;

/// A set of keys, of each of which it keeps 128 bits.
#[derive(Default)]
pub(crate) struct Seen(HashSet<u128>);

/// Two hashes with keys of their own, so that two rows are taken for one with a chance of 1 in 2^128.
pub(crate) struct Hasher(RandomState, RandomState);

impl Hasher {
    pub(crate) fn new() -> Self {
        Self(RandomState::new(), RandomState::new())
    }

    pub(crate) fn hash(&self, key: &[String]) -> u128 {
        (u128::from(self.0.hash_one(key)) << 64) | u128::from(self.1.hash_one(key))
    }
}

impl Seen {
    pub(crate) fn insert(&mut self, hash: u128) {
        self.0.insert(hash);
    }

    pub(crate) fn contains(&self, hash: u128) -> bool {
        self.0.contains(&hash)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes over what the other one has.
    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_by_their_parts() {
        let hasher = Hasher::new();
        let hash = |key: [&str; 2]| hasher.hash(&key.map(str::to_owned));
        let mut seen = Seen::default();
        seen.insert(hash(["a", "bc"]));
        assert!(seen.contains(hash(["a", "bc"])));
        assert!(!seen.contains(hash(["ab", "c"])));
    }
}
