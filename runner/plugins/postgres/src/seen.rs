//! Which rows were handed over already.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Most rows remembered: what changes within the overlap. 1,000,000 take some 70 MB.
pub(crate) const MOST_SEEN: usize = 1_000_000;

/// Keys, of each of which it keeps 128 bits, and what their rows looked like.
#[derive(Default)]
pub(crate) struct Seen(HashMap<u128, u64>);

/// Two hashes with keys of their own, so that two rows are taken for one with a chance of 1 in 2^128.
pub(crate) struct Hasher(RandomState, RandomState);

impl Hasher {
    pub(crate) fn new() -> Self {
        Self(RandomState::new(), RandomState::new())
    }

    pub(crate) fn hash(&self, key: &[String]) -> u128 {
        (u128::from(self.0.hash_one(key)) << 64) | u128::from(self.1.hash_one(key))
    }

    /// What a row looks like.
    pub(crate) fn content(&self, row: &str) -> u64 {
        self.0.hash_one(row)
    }
}

impl Seen {
    pub(crate) fn insert(&mut self, hash: u128, content: u64) {
        self.0.insert(hash, content);
    }

    /// Whether the row was handed over, and looked like this the last time.
    pub(crate) fn contains(&self, hash: u128, content: u64) -> bool {
        self.0.get(&hash) == Some(&content)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes over what the other one has, which is newer.
    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_distinguished_by_their_parts() {
        let hasher = Hasher::new();
        let hash = |key: [&str; 2]| hasher.hash(&key.map(str::to_owned));
        let mut seen = Seen::default();
        seen.insert(hash(["a", "bc"]), 0);
        assert!(seen.contains(hash(["a", "bc"]), 0));
        assert!(!seen.contains(hash(["ab", "c"]), 0));
        let mut newer = Seen::default();
        newer.insert(hash(["a", "bc"]), 1);
        seen.merge(newer);
        assert!(!seen.contains(hash(["a", "bc"]), 0));
    }
}
