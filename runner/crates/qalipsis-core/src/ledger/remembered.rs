//! Keys that are remembered for a while after they stopped to matter.

use crate::join::Key;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Keys in two generations: when the young one is full, the old one is forgotten as a whole. So of `limit`
/// keys at least the last half is remembered.
pub(super) struct Generations<K, V> {
    young: HashMap<K, V, FixedState>,
    old: HashMap<K, V, FixedState>,
    limit: usize,
}

impl<K: Key, V: Copy> Generations<K, V> {
    /// Of at most so many keys.
    pub(super) fn new(limit: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), limit }
    }

    /// What is remembered of a key.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        if self.is_empty() {
            return None;
        }
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    /// Remembers a key; gives the number of keys that are forgotten for it.
    pub(super) fn insert(&mut self, key: K, value: V) -> usize {
        self.young.insert(key, value);
        if self.young.len() <= self.limit / 2 {
            return 0;
        }
        std::mem::replace(&mut self.old, std::mem::take(&mut self.young)).len()
    }

    /// Forgets a key; gives what was remembered of it.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        if self.is_empty() {
            return None;
        }
        // It may be in both, and the younger one counts.
        let old = self.old.remove(key);
        self.young.remove(key).or(old)
    }

    fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    /// The keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.young.keys().chain(self.old.keys())
    }
}
