//! One iteration of one minion.

/// Which iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Index of the minion in its scenario.
    pub minion: u32,
    /// Iteration of that minion, from 0.
    pub iteration: u64,
}
