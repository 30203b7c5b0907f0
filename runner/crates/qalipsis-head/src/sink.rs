//! Where the events, the failed executions and the traces of a campaign go.
//!
//! These are not subscribers of the broadcast: each line must be written once or counted as dropped, and the report
//! judges the number of those. A broadcast that overruns a slow subscriber knows how many messages were lost, and not how
//! many lines.

use qalipsis_model::event::Event;
use qalipsis_model::failure::FailedExecution;
use qalipsis_model::plan::FactoryPlan;
use qalipsis_model::trace::Trace;
use std::fmt::Debug;

/// Takes the events that factories send.
pub trait EventSink: Debug + Send {
    /// Takes events of the factory of this plan, and gives the number of those that it had to drop.
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

/// Takes the executions of a replayed iteration.
pub trait TraceSink: Debug + Send {
    /// Takes one execution. As [`EventSink::take`] it MUST NOT wait.
    fn take(&mut self, trace: Trace);
}

/// Where what is written while a campaign runs goes; `None` for nowhere.
#[derive(Debug, Default)]
pub struct Sinks {
    /// For events.
    pub events: Option<Box<dyn EventSink>>,
    /// For failed executions.
    pub failures: Option<Box<dyn FailureSink>>,
    /// For the executions of a replay.
    pub traces: Option<Box<dyn TraceSink>>,
}
