//! Scenario code that keeps a worker thread without an await, so that all other minions of the worker wait.

use std::time::Duration;

/// From this time on it is noted.
pub const BLOCKED: Duration = Duration::from_millis(50);

/// How long and where scenario code kept a worker thread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocked {
    /// The longest time, at least.
    pub longest: Duration,
    /// How often it was noted.
    pub count: u64,
    /// The scenario in which it was the longest.
    pub scenario: String,
    /// The step; `None` before the first one of an iteration.
    pub step: Option<String>,
}

impl Blocked {
    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        if other.longest > self.longest {
            let count = self.count;
            *self = Self { count, ..other.clone() };
        }
    }
}
