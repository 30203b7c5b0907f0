//! The steps of a scenario, declared as an enum.

use qalipsis_model::criterion::{Durations, NumberFigure, Quantity};
pub use qalipsis_model::description::Monitor;

/// One step as declared.
#[derive(Debug, Clone, Copy)]
pub struct StepSpec {
    /// Unique in its scenario.
    pub name: &'static str,
    /// The doc comment of the variant; may be empty.
    pub description: &'static str,
    /// Which events and extra meters are exported.
    pub monitor: Monitor,
    /// Whether a run in which nobody reaches it may still pass.
    pub optional: bool,
}

/// The steps of a scenario: an enum with `#[derive(Steps)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not list the steps of a scenario",
    label = "not an enum with `#[derive(Steps)]`",
    note = "declare `#[derive(Steps)] enum {Self} {{ ... }}` with one variant for each step"
)]
pub trait Steps: Copy + Send + Sync + 'static {
    /// Name and version of the crate that declares them; filled in by the derive.
    const CRATE: (&'static str, &'static str);

    /// Folder of the package that declares them; filled in by the derive.
    const FOLDER: &'static str = "";

    /// All steps, in order of declaration.
    const ALL: &'static [StepSpec];

    /// The place of this step in [`Self::ALL`].
    fn index(self) -> u32;

    /// The name of this step.
    fn name(self) -> &'static str {
        Self::ALL[self.index() as usize].name
    }

    /// Durations from the intended start of an execution to its end.
    ///
    /// They contain the time that a release was late, so a slow generator or a stalled system
    /// cannot hide (coordinated omission).
    fn response_time(self) -> Durations {
        Durations::of(self.name(), Quantity::ResponseTime)
    }

    /// Durations from the start of an execution to its end.
    fn service_time(self) -> Durations {
        Durations::of(self.name(), Quantity::ServiceTime)
    }

    /// Of a join: durations from the start of the triggering step to the arrival of the record,
    /// late arrivals included.
    fn latency(self) -> Durations {
        Durations::of(self.name(), Quantity::Latency)
    }

    /// Number of executions that ended.
    fn count(self) -> NumberFigure {
        NumberFigure::of(self.name(), Quantity::Count)
    }

    /// Executions that ended, per second: over the time from the start of the load, or of the criterion's window, to the
    /// end of the last iteration, or of the window.
    fn throughput(self) -> NumberFigure {
        NumberFigure::of(self.name(), Quantity::Throughput)
    }

    /// Of a join: number of awaited records that never came.
    fn missing(self) -> NumberFigure {
        NumberFigure::of(self.name(), Quantity::Missing)
    }

    /// Of a join: number of awaited records that came after their deadline.
    fn late(self) -> NumberFigure {
        NumberFigure::of(self.name(), Quantity::Late)
    }

    /// Of a join: latency of the records that came after their deadline.
    fn lateness(self) -> Durations {
        Durations::of(self.name(), Quantity::Lateness)
    }

    /// Of a join: number of further records of keys already matched. They warn; a criterion makes them fail.
    fn duplicates(self) -> NumberFigure {
        NumberFigure::of(self.name(), Quantity::Duplicates)
    }

    /// Of a join: number of records that no minion expected. They warn; a criterion makes them fail.
    fn orphans(self) -> NumberFigure {
        NumberFigure::of(self.name(), Quantity::Orphans)
    }

    /// Share of the executions that did not succeed, from 0 to 1.
    fn error_rate(self) -> NumberFigure {
        NumberFigure::of(self.name(), Quantity::ErrorRate)
    }
}
