//! From the figures of factories to a report: merging, windows and zones, criteria, validity.
//!
//! Nothing here does I/O, spawns, or reads a clock.

pub mod aggregate;
mod comparison;
pub mod described;
pub mod judge;
pub mod report;
mod slice_figures;
pub mod timeline;
pub mod zone;
