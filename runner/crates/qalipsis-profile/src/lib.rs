//! How load is shaped over time: profiles and the instants at which minions are released, the segments into which a
//! load is split, the speed factor, and what is done when the generator falls behind; and the
//! notation of durations, which profiles and everything above them write.
//!
//! Pure functions of integers: nothing here does I/O, spawns, or reads a clock. No other crate of ours is below this one.

pub mod apportion;
pub mod duration;
pub mod overload;
pub mod profile;
pub mod segment;
pub mod speed;
