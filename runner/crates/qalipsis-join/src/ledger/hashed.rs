//! A key and its hash, which is computed once for the shard and for all maps inside it.

use super::SHARDS;
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hash};

/// A key that was hashed.
#[derive(Debug, Clone)]
pub(crate) struct HashedKey<K> {
    pub(crate) key: K,
    hash: u64,
}

impl<K: Hash> HashedKey<K> {
    pub(crate) fn new(key: K) -> Self {
        let hash = hash(&key);
        Self { key, hash }
    }

    /// An equal key, which has the same hash.
    pub(super) fn with(&self, equal: K) -> Self {
        Self { key: equal, hash: self.hash }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// The shard that knows it. The maps inside use the low bits of the same hash, and its highest ones.
    pub(super) fn shard(&self) -> usize {
        (self.hash >> 48) as usize % SHARDS
    }
}

/// The hash of a key in every ledger.
pub(super) fn hash(key: &impl Hash) -> u64 {
    FixedState::default().hash_one(key)
}
