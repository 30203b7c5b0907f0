//! The figures of one part of a run, kept apart because a criterion is about it.

use qalipsis_model::criterion::{Criterion, Subject};
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::scope::Slice;
use qalipsis_model::snapshot::ScenarioFigures;
use std::collections::BTreeSet;
use std::time::Duration;

/// A time from one instant to another, both since the start of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Duration,
    pub(crate) until: Duration,
}

impl Span {
    /// From the earlier start to the later end.
    pub(crate) fn cover(covered: &mut Option<Self>, other: Self) {
        let own = covered.get_or_insert(other);
        own.from = own.from.min(other.from);
        own.until = own.until.max(other.until);
    }

    pub(crate) fn middle(self) -> Duration {
        (self.from + self.until) / 2
    }
}

/// The figures of one slice: of the steps and meters that criteria ask for, and of no others.
#[derive(Debug, Default)]
pub(crate) struct SliceFigures {
    pub(crate) slice: Slice,
    steps: BTreeSet<u32>,
    meters: BTreeSet<String>,
    pub(crate) figures: ScenarioFigures,
    /// What the snapshots in it cover.
    pub(crate) span: Option<Span>,
}

impl SliceFigures {
    pub(crate) fn new(slice: Slice) -> Self {
        Self { slice, ..Self::default() }
    }

    /// Keeps what this criterion asks for.
    pub(crate) fn ask(&mut self, criterion: &Criterion, scenario: &ScenarioDescription) {
        match &criterion.subject {
            Subject::Step(name) => {
                let index = scenario.steps.iter().position(|step| step.name == *name);
                self.steps.extend(index.map(|index| index as u32));
            }
            Subject::Meter(name) => _ = self.meters.insert(name.clone()),
        }
    }

    /// Adds the difference that a factory of this zone reports, when it belongs here.
    pub(crate) fn add(&mut self, span: Span, zone: Option<&str>, figures: &ScenarioFigures) {
        if !self.slice.contains(span.middle(), zone) {
            return;
        }
        Span::cover(&mut self.span, span);
        for index in &self.steps {
            if let Some(step) = figures.steps.get(index) {
                self.figures.steps.entry(*index).or_default().merge(step);
            }
        }
        for name in &self.meters {
            if let Some(meter) = figures.meters.get(name) {
                self.figures.meters.entry(name.clone()).or_default().merge(meter);
            }
        }
        for name in &self.meters {
            if let Some(measured) = figures.measured.get(name) {
                self.figures.add_measured(name, measured);
            }
        }
        self.figures.last_started = self.figures.last_started.max(figures.last_started);
        for (index, join) in &figures.joins {
            self.figures.joins.entry(*index).or_default().merge(join);
        }
    }
}
