//! What an onlooker sees of a running campaign.

use qalipsis_model::evidence::Evidence;
use qalipsis_model::trace::Trace;
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

/// Watches a campaign; nothing that it does can change the verdict.
pub trait Observer {
    /// All factories are ready, the load starts.
    fn started(&mut self) {}
    /// About every second.
    fn progress(&mut self, _progress: &Progress) {}
    /// One of the first failures of a step; `step` is its name, when it happened in one.
    fn failure(&mut self, _step: Option<&str>, _evidence: &Evidence) {}
    /// One execution of a replayed pass.
    fn trace(&mut self, _trace: &Trace) {}
    /// Something that the user should know now.
    fn notice(&mut self, _text: &str) {}
}
