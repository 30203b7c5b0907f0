//! What several plugins need beside `qalipsis-core`.
//!
//! Each part is a feature, so that a scenario compiles only what its plugins use.

#[cfg(feature = "reader")]
pub mod reader;
#[cfg(feature = "tls")]
pub mod tls;
