//! Joins: sources read records, the ledger matches them with the minions that expect them.
//!
//! It knows minions and their recorders, and neither protocols nor the engine. Authors use it through `qalipsis-core`.

mod awaiting;
mod gaps;
pub mod join;
mod key;
pub mod ledger;
mod slot;
pub mod source;
