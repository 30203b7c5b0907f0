//! How far a campaign is.

use std::time::Duration;

/// The state of a running campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Since the start of the load.
    pub elapsed: Duration,
    /// Minions planned.
    pub planned: u64,
    /// Minions released.
    pub released: u64,
    /// Minions that ended.
    pub ended: u64,
    /// Executions of steps.
    pub executions: u64,
    /// Executions that did not succeed.
    pub failures: u64,
}
