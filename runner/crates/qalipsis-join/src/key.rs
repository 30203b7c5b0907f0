//! What both sides of a join know.

use std::fmt::Debug;
use std::hash::Hash;

/// What can be the key of a join: a value that both sides know.
pub trait Key: Eq + Hash + Clone + Debug + Send + Sync + 'static {}

impl<K: Eq + Hash + Clone + Debug + Send + Sync + 'static> Key for K {}
