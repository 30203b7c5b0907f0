//! Where executions are counted and timed: one recorder per worker, drained every second.
//!
//! A recorder belongs to one worker thread, so its lock is free but for the drain. It is a lock
//! all the same, because scenario code may poll a minion's future on another thread.

use parking_lot::Mutex;
use qalipsis_model::snapshot::{ScenarioFigures, StepFigures, StepKind};
use std::collections::BTreeMap;
use std::panic::Location;

/// The figures of one worker since the last drain.
#[derive(Debug)]
pub struct Recorder {
    scenarios: Mutex<Vec<ScenarioRecord>>,
}

/// Figures of one scenario at one worker.
#[derive(Debug, Default)]
pub struct ScenarioRecord {
    /// Minions released and ended, release lag, whole iterations.
    pub figures: ScenarioFigures,
    steps: Vec<StepRecord>,
}

/// Figures of one step at one worker.
#[derive(Debug, Default)]
pub struct StepRecord {
    /// Since the last drain.
    pub figures: StepFigures,
    touched: bool,
    place: Option<(StepKind, &'static Location<'static>)>,
}

impl Recorder {
    /// For scenarios with these numbers of steps.
    pub fn new(steps: impl IntoIterator<Item = usize>) -> Self {
        let record = |n| ScenarioRecord {
            figures: ScenarioFigures::default(),
            steps: std::iter::repeat_with(StepRecord::default).take(n).collect(),
        };
        Self { scenarios: Mutex::new(steps.into_iter().map(record).collect()) }
    }

    /// Changes the figures of a scenario.
    pub fn scenario(&self, scenario: usize, change: impl FnOnce(&mut ScenarioFigures)) {
        change(&mut self.scenarios.lock()[scenario].figures);
    }

    /// Changes the figures of a step, which `kind` and `location` describe.
    pub fn step(
        &self,
        scenario: usize,
        step: u32,
        place: (StepKind, &'static Location<'static>),
        change: impl FnOnce(&mut StepFigures),
    ) {
        let mut scenarios = self.scenarios.lock();
        let record = &mut scenarios[scenario].steps[step as usize];
        record.touched = true;
        record.place = Some(place);
        change(&mut record.figures);
    }

    /// Takes everything since the last call, in the order of the scenarios.
    pub fn drain(&self) -> Vec<ScenarioFigures> {
        let mut scenarios = self.scenarios.lock();
        scenarios
            .iter_mut()
            .map(|scenario| {
                let steps: BTreeMap<u32, StepFigures> = scenario
                    .steps
                    .iter_mut()
                    .enumerate()
                    .filter(|(_, step)| step.touched)
                    .map(|(index, step)| {
                        step.touched = false;
                        let mut figures = std::mem::take(&mut step.figures);
                        if let Some((kind, location)) = step.place {
                            figures.kind = Some(kind);
                            figures.location = Some(location.into());
                        }
                        (index as u32, figures)
                    })
                    .collect();
                ScenarioFigures { steps, ..std::mem::take(&mut scenario.figures) }
            })
            .collect()
    }
}
