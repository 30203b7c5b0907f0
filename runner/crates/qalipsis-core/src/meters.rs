//! What a scenario measures itself: counters, gauges, timers, summaries, rates, throughputs.
//!
//! Handles are cheap to clone and record from anywhere: from minions, from the closing check, from tasks that the
//! world starts. Each worker records in a cell of its own, so that no lock is shared where it matters; every second the
//! cells are emptied and sent as a difference. No sample is kept.

mod cells;
mod counter;
mod gauge;
mod open;
mod rate;
mod summary;
mod throughput;
mod timer;

pub use cells::claim;
pub use counter::Counter;
pub use gauge::Gauge;
pub use open::{Instrument, Instruments, Opening};
pub use qalipsis_model::description::MeterDescription;
pub use rate::Rate;
pub use summary::Summary;
pub use throughput::Throughput;
pub use timer::Timer;

use qalipsis_model::measured::MeterKind;

/// The meters of a scenario: a struct with `#[derive(Meters)]`, or `()` for none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not describe the meters of a scenario",
    label = "not a struct with `#[derive(Meters)]`",
    note = "declare `#[derive(Meters)] struct {Self} {{ ... }}`, or use `Setup<P>` for a scenario without meters"
)]
pub trait Meters: Sized + Send + Sync + 'static {
    /// Names, kinds, units and docs.
    fn describe() -> Vec<MeterDescription>;

    /// Opens all of them, once for each factory.
    fn open(opening: &Opening<'_>) -> Self;

    /// Further handles of the same meters.
    fn share(&self) -> Self;
}

impl Meters for () {
    fn describe() -> Vec<MeterDescription> {
        Vec::new()
    }

    fn open(_: &Opening<'_>) -> Self {}

    fn share(&self) -> Self {}
}

/// A handle of one meter: the type of a field of a struct with `#[derive(Meters)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no meter",
    label = "does not implement `Measure`",
    note = "use `Counter`, `Gauge`, `Timer`, `Summary`, `Rate` or `Throughput`"
)]
pub trait Measure: Clone + Send + Sync + 'static {
    /// What it measures.
    const KIND: MeterKind;

    /// Opens it, once for each factory.
    fn open(opening: &Opening<'_>, description: MeterDescription) -> Self;
}

/// Describes one meter. The derive calls it.
pub fn describe<M: Measure>(name: &str, unit: &str, description: &str) -> MeterDescription {
    MeterDescription {
        name: name.to_owned(),
        kind: M::KIND,
        unit: unit.to_owned(),
        description: description.to_owned(),
    }
}
