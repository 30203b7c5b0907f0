//! Where the events and the failed executions of a campaign go.

use qalipsis_model::event::Event;
use qalipsis_model::failure::FailedExecution;
use qalipsis_model::plan::FactoryPlan;
use std::fmt::Debug;

/// Takes the events that factories tell.
pub trait EventSink: Debug + Send {
    /// Takes events that the factory of this plan tells, and gives the number of those that it had to drop.
    ///
    /// It is called in the loop that leads the campaign, so it MUST NOT wait: not for a disk, not for a network.
    fn take(&mut self, factory: &FactoryPlan, events: Vec<Event>) -> u64;
}

/// Takes the failed executions that factories report.
pub trait FailureSink: Debug + Send {
    /// Takes failures of the factory of this plan, and gives the number of those that it had to drop.
    ///
    /// As [`EventSink::take`] it MUST NOT wait.
    fn take(&mut self, factory: &FactoryPlan, failed: Vec<FailedExecution>) -> u64;
}
