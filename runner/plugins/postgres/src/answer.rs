//! What a statement gives.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// How long an action took, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timings {
    /// Until a connection of the pool was free and, if need be, made. Zero inside of a transaction, which
    /// has its connection already.
    pub pool_wait: Duration,
    /// From then on until the last row was read or, of a transaction, until it was committed.
    pub query: Duration,
}

/// What a statement gave, with its timings. It can be used as the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// What it gave.
    pub value: T,
    /// How long it took.
    pub timings: Timings,
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Answer<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: IntoIterator> IntoIterator for Answer<T> {
    type Item = T::Item;
    type IntoIter = T::IntoIter;

    fn into_iter(self) -> T::IntoIter {
        self.value.into_iter()
    }
}
