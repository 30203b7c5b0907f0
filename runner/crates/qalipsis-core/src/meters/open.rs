//! The meters that a scenario opened in this factory.

use super::cells::Cells;
use crate::clock::Clock;
use parking_lot::Mutex;
use qalipsis_model::description::MeterDescription;
use qalipsis_model::snapshot::ScenarioFigures;
use std::fmt;
use std::sync::Arc;

/// A meter whose samples can be taken.
pub trait Instrument: fmt::Debug + Send + Sync {
    /// Its name in the scenario.
    fn name(&self) -> &str;

    /// Adds what it measured since the last call.
    fn drain(&self, figures: &mut ScenarioFigures);
}

/// All meters of one scenario in one factory.
#[derive(Debug)]
pub struct Instruments {
    workers: usize,
    opened: Mutex<Vec<Arc<dyn Instrument>>>,
}

impl Default for Instruments {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Instruments {
    /// None yet; to be recorded by so many workers.
    pub fn new(workers: usize) -> Self {
        Self { workers, opened: Mutex::new(Vec::new()) }
    }

    /// Those that were opened, in order.
    pub fn opened(&self) -> Vec<Arc<dyn Instrument>> {
        self.opened.lock().clone()
    }
}

/// What meters are opened with.
#[derive(Debug)]
pub struct Opening<'a> {
    instruments: &'a Instruments,
    pub(super) clock: Clock,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(instruments: &'a Instruments, clock: Clock) -> Self {
        Self { instruments, clock }
    }

    /// Opens a meter. `drain` empties all its cells and adds their figures to those of the scenario.
    pub(super) fn open<T, F>(&self, description: MeterDescription, drain: F) -> Arc<Cells<T>>
    where
        T: Default + fmt::Debug + Send + 'static,
        F: Fn(&MeterDescription, &Cells<T>, &mut ScenarioFigures) + Send + Sync + 'static,
    {
        let cells = Arc::new(Cells::new(self.instruments.workers));
        let opened = MeterInstrument { description, cells: Arc::clone(&cells), drain };
        self.instruments.opened.lock().push(Arc::new(opened));
        cells
    }
}

struct MeterInstrument<T, F> {
    description: MeterDescription,
    cells: Arc<Cells<T>>,
    drain: F,
}

impl<T, F> fmt::Debug for MeterInstrument<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrument").field("name", &self.description.name).finish_non_exhaustive()
    }
}

impl<T, F> Instrument for MeterInstrument<T, F>
where
    T: Send,
    F: Fn(&MeterDescription, &Cells<T>, &mut ScenarioFigures) + Send + Sync,
{
    fn name(&self) -> &str {
        &self.description.name
    }

    fn drain(&self, figures: &mut ScenarioFigures) {
        (self.drain)(&self.description, &self.cells, figures);
    }
}
