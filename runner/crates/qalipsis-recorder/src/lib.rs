//! What minions leave behind until the engine takes it: figures, events, failures and what they exchanged.
//!
//! Everything here is bounded, is emptied every second, and counts what it cannot take. It knows the vocabulary and
//! neither minions nor joins.

pub mod clock;
pub mod events;
pub mod evidence;
pub mod exchanges;
pub mod failures;
pub mod recorder;
