//! Keys that are remembered for a while after they stopped to matter.

use super::hashed::{HashedKey, hash};
use crate::key::Key;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Keys in two generations: when the young one is full, the old one is forgotten as a whole. So of `limit`
/// keys at least the last half is remembered.
///
/// The memory of the generation that is forgotten becomes that of the next, so that it does not have to grow again.
pub(super) struct Generations<K, V> {
    young: HashTable<(K, V)>,
    old: HashTable<(K, V)>,
    limit: usize,
}

impl<K: Key, V: Copy> Generations<K, V> {
    /// Of at most so many keys.
    pub(super) fn new(limit: usize) -> Self {
        Self { young: HashTable::new(), old: HashTable::new(), limit }
    }

    /// What is remembered of a key.
    pub(super) fn get(&self, key: &HashedKey<K>) -> Option<V> {
        let find = |table: &HashTable<(K, V)>| {
            let (_, value) = table.find(key.hash(), |(own, _)| *own == key.key)?;
            Some(*value)
        };
        find(&self.young).or_else(|| find(&self.old))
    }

    /// Remembers a key; gives the number of keys that are forgotten for it.
    pub(super) fn insert(&mut self, key: HashedKey<K>, value: V) -> usize {
        match self.young.entry(key.hash(), |(own, _)| *own == key.key, |(own, _)| hash(own)) {
            Entry::Occupied(mut place) => place.get_mut().1 = value,
            Entry::Vacant(place) => _ = place.insert((key.key, value)),
        }
        if self.young.len() <= self.limit / 2 {
            return 0;
        }
        let forgotten = self.old.len();
        std::mem::swap(&mut self.young, &mut self.old);
        self.young.clear();
        forgotten
    }

    /// Forgets a key; gives what was remembered of it.
    pub(super) fn remove(&mut self, key: &HashedKey<K>) -> Option<V> {
        let take = |table: &mut HashTable<(K, V)>| {
            let found = table.find_entry(key.hash(), |(own, _)| *own == key.key).ok()?;
            let ((_, value), _) = found.remove();
            Some(value)
        };
        if self.young.is_empty() && self.old.is_empty() {
            return None;
        }
        // It may be in both, and the younger one counts.
        let old = take(&mut self.old);
        take(&mut self.young).or(old)
    }

    /// The keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.young.iter().chain(&self.old).map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_the_last_half_of_the_limit_is_remembered_with_the_last_value() {
        let mut keys = Generations::new(100);
        let mut forgotten = 0;
        for key in 0..1_000_u32 {
            forgotten += keys.insert(HashedKey::new(key), 'a');
            keys.insert(HashedKey::new(key), 'b');
            for last in key.saturating_sub(49)..=key {
                assert_eq!(keys.get(&HashedKey::new(last)), Some('b'), "{last} after {key}");
            }
        }
        assert!(forgotten > 0 && keys.keys().count() <= 102);
        let last = HashedKey::new(999);
        assert_eq!((keys.remove(&last), keys.get(&last), keys.remove(&last)), (Some('b'), None, None));
    }
}
