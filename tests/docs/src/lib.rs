//! The examples of pages that need a protocol, compiled as the crate of a scenario would compile them.
//!
//! The examples of a plugin's README are compiled with the plugin, those of other pages with the crate `qalipsis`.

/// A crate of one's own.
#[cfg(doctest)]
#[doc = include_str!("../../../runner/docs/own-repository.md")]
struct OwnRepository;

/// Properties and secrets.
#[cfg(doctest)]
#[doc = include_str!("../../../runner/docs/properties.md")]
struct Properties;

/// Joins.
#[cfg(doctest)]
#[doc = include_str!("../../../runner/docs/joins.md")]
struct Joins;
