//! The figure that a criterion is about, or why there is none.

use crate::aggregate::{Aggregate, View};
use qalipsis_model::criterion::{Criterion, Quantity, Statistic, Subject};
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::duration::human;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::measured::Measured;
use qalipsis_model::meter::MeterFigures;
use qalipsis_model::plan::ScenarioPlan;
use qalipsis_model::scope::Window;
use qalipsis_model::snapshot::{JoinFigures, ScenarioFigures, StepFigures, StepKind};
use qalipsis_model::suggest::hint;
use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

/// What was observed for a criterion.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Observed {
    /// This figure.
    Figure(f64),
    /// Nothing, which is what an upper limit asks for: no record was late.
    NoneLate,
    /// Nothing, for this reason.
    Nothing(String),
    /// Nothing, and no run could have: the criterion does not fit what it is about.
    Unfit(String),
}

/// A criterion with what it is judged by.
#[derive(Clone, Copy)]
struct Question<'a> {
    criterion: &'a Criterion,
    scenario: &'a ScenarioDescription,
    /// When the load started.
    started: Option<Timestamp>,
    /// Figures of the entire scenario, whatever the slice that the criterion is about.
    entire: &'a ScenarioFigures,
    view: View<'a>,
}

/// What was observed for a criterion so far.
pub(super) fn observe(
    criterion: &Criterion,
    planned: &ScenarioPlan,
    scenario: &ScenarioDescription,
    aggregate: &Aggregate,
) -> Observed {
    let nothing = ScenarioFigures::default();
    let slice = criterion.scope.slice(&planned.profile);
    let Some(slice) = slice else {
        return Observed::Unfit("the profile has no such stage".to_owned());
    };
    let entire = aggregate.scenario(&planned.name).unwrap_or(&nothing);
    let view = aggregate.view(&planned.name, &slice);
    let view = view.unwrap_or(View { figures: &nothing, time: Duration::ZERO });
    let started = aggregate.started();
    let question = Question { criterion, scenario, started, entire, view };
    match &criterion.subject {
        Subject::Step(name) => question.of_step(name),
        Subject::Meter(name) => question.of_meter(name),
    }
}

impl Question<'_> {
    fn of_step(&self, name: &str) -> Observed {
        let Some(index) = self.scenario.steps.iter().position(|step| step.name == *name) else {
            return Observed::Unfit(format!("the scenario has no step '{name}'"));
        };
        let index = index as u32;
        let nothing = StepFigures::default();
        let total = self.entire.steps.get(&index).unwrap_or(&nothing);
        if total.executions() == 0 {
            return Observed::Nothing(match total.cancelled {
                0 => format!("step '{name}' was never executed"),
                n => format!("no execution of step '{name}' ended, {n} were cancelled before their end"),
            });
        }
        let quantity = self.criterion.quantity;
        if quantity.is_of_joins() && !self.awaits(index) {
            return Observed::Unfit(self.awaits_nothing(name));
        }
        let step = self.view.figures.steps.get(&index).unwrap_or(&nothing);
        let executions = step.executions();
        if executions == 0 {
            return Observed::Nothing(self.outside(&format!("no execution of step '{name}' ended")));
        }
        let of_joins = |count: fn(&JoinFigures) -> u64| {
            let joins = self.view.figures.joins.values().filter(|join| join.steps.contains(&index));
            Observed::Figure(joins.map(count).sum::<u64>() as f64)
        };
        let times = match quantity {
            Quantity::Count => return Observed::Figure(executions as f64),
            Quantity::Throughput => return self.per_second(executions),
            Quantity::ErrorRate => return Observed::Figure(step.failures() as f64 / executions as f64),
            Quantity::Missing => return Observed::Figure(step.of_kind(FailureKind::JoinMissing) as f64),
            Quantity::Late => return Observed::Figure(step.of_kind(FailureKind::JoinLate) as f64),
            Quantity::Duplicates => return of_joins(|join| join.duplicates),
            Quantity::Orphans => return of_joins(JoinFigures::orphan_records),
            Quantity::Value
            | Quantity::Time
            | Quantity::Total
            | Quantity::Rate
            | Quantity::Growth
            | Quantity::Drain => {
                return Observed::Unfit(format!("a step has no {}", quantity.name()));
            }
            Quantity::Lateness => match step.late.as_deref().filter(|late| late.count() > 0) {
                Some(late) => late.clone(),
                // Nothing late is a lateness of nothing, which a lower limit does not allow.
                None if self.criterion.limit.allows(0.0) => return Observed::NoneLate,
                None => {
                    return Observed::Nothing(
                        self.outside(&format!("no record that step '{name}' awaited came late")),
                    );
                }
            },
            Quantity::ResponseTime => step.response(),
            Quantity::ServiceTime => step.service(),
            // What arrived late is part of the latency: leaving it out would flatter a slow system.
            Quantity::Latency => step.arrivals(),
        };
        match of_times(&times, self.criterion.statistic) {
            Some(figure) => Observed::Figure(figure),
            None => Observed::Nothing(format!(
                "{executions} {} of step '{name}' ended{}, but no awaited record came",
                if executions == 1 { "execution" } else { "executions" },
                self.criterion.scope
            )),
        }
    }

    /// Whether the step awaited records.
    fn awaits(&self, index: u32) -> bool {
        let kind = self.entire.steps.get(&index).and_then(|step| step.kind);
        kind == Some(StepKind::Join) || self.entire.joins.values().any(|join| join.steps.contains(&index))
    }

    fn awaits_nothing(&self, name: &str) -> String {
        let awaiting = (0_u32..).zip(&self.scenario.steps).filter(|(index, _)| self.awaits(*index));
        let awaiting: Vec<&str> = awaiting.map(|(_, step)| step.name.as_str()).collect();
        let advice = match awaiting.as_slice() {
            [] => "no step of the scenario awaited any".to_owned(),
            [one] => format!("it belongs on '{one}'"),
            several => format!("it belongs on one of: {}", several.join(", ")),
        };
        format!(
            "step '{name}' awaited no record, so a criterion on {} cannot be judged there; {advice}",
            match self.criterion.quantity {
                Quantity::Latency => "latency",
                Quantity::Late | Quantity::Lateness => "late records",
                Quantity::Duplicates => "duplicates",
                Quantity::Orphans => "orphans",
                _ => "missing records",
            }
        )
    }

    fn of_meter(&self, name: &str) -> Observed {
        let figures = self.view.figures;
        if let Some(measured) = figures.measured.get(name) {
            return self.figure(name, measured);
        }
        if let Some(meter) = figures.meters.get(name) {
            return self.read(name, meter);
        }
        if self.entire.measured.contains_key(name) || self.entire.meters.contains_key(name) {
            return Observed::Nothing(self.outside(&format!("meter '{name}' recorded nothing")));
        }
        if self.scenario.meters.iter().any(|meter| meter.name == *name) {
            return Observed::Nothing(format!("meter '{name}' recorded nothing"));
        }
        let declared = self.scenario.meters.iter().map(|meter| meter.name.as_str());
        let watched = self.entire.meters.keys().map(String::as_str);
        Observed::Unfit(format!(
            "no meter '{name}' is declared or watched, {}",
            hint(name, declared.chain(watched))
        ))
    }

    /// The figure of what a scenario measured itself.
    fn figure(&self, name: &str, measured: &Measured) -> Observed {
        let statistic = self.criterion.statistic;
        let figure = match (self.criterion.quantity, measured) {
            (Quantity::Total, Measured::Counter(total) | Measured::Throughput(total)) => Some(*total as f64),
            (Quantity::Throughput, Measured::Counter(total) | Measured::Throughput(total)) => {
                return self.per_second(*total);
            }
            (Quantity::Rate, Measured::Rate { hits, tries }) => {
                (*tries > 0).then(|| *hits as f64 / *tries as f64)
            }
            (Quantity::Time, Measured::Timer(times)) => of_times(times, statistic),
            (Quantity::Value, Measured::Summary(amounts)) => match statistic {
                Statistic::Percentile(p) => amounts.percentile(p),
                Statistic::Mean => amounts.mean(),
                Statistic::Min => amounts.min(),
                Statistic::Max | Statistic::Value => amounts.max(),
            },
            (Quantity::Count, Measured::Rate { .. } | Measured::Timer(_) | Measured::Summary(_)) => {
                (measured.count() > 0).then(|| measured.count() as f64)
            }
            (quantity, _) => {
                return Observed::Unfit(format!("meter '{name}' has no {}", quantity.name()));
            }
        };
        figure.map_or_else(
            || Observed::Nothing(self.outside(&format!("meter '{name}' recorded nothing"))),
            Observed::Figure,
        )
    }

    /// The figure of what is watched or set.
    fn read(&self, name: &str, meter: &MeterFigures) -> Observed {
        let figure = match self.criterion.quantity {
            Quantity::Count => (meter.count > 0).then_some(meter.count as f64),
            // A single reading neither rose nor fell.
            Quantity::Growth if meter.count == 1 => {
                return Observed::Nothing(format!(
                    "meter '{name}' was read only once{}, a growth needs two readings",
                    self.criterion.scope
                ));
            }
            Quantity::Growth => meter.longest_growth().map(|growth| growth.as_nanos() as f64),
            Quantity::Drain => return self.drain(name, meter),
            _ => match self.criterion.statistic {
                Statistic::Max | Statistic::Percentile(_) => meter.max,
                Statistic::Min => meter.min,
                Statistic::Mean => meter.mean(),
                Statistic::Value => meter.last(),
            },
        };
        figure.map_or_else(|| Observed::Nothing(self.unread(name, meter)), Observed::Figure)
    }

    fn drain(&self, name: &str, meter: &MeterFigures) -> Observed {
        let Some(from) = self.view.figures.last_started else {
            return Observed::Nothing("no iteration started, so nothing had to drain".to_owned());
        };
        if meter.last().is_none() {
            return Observed::Nothing(self.unread(name, meter));
        }
        // The first reading is what the others are compared with.
        if !meter.series.iter().skip(1).any(|(at, _)| *at >= from) {
            let failed = meter.last_failure.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            return Observed::Nothing(format!(
                "no reading of meter '{name}' came after the last iteration had started{failed}"
            ));
        }
        // A backlog that is still there has no time to drain: it is worse than any limit.
        let time = meter.drained_at(from).map_or(f64::INFINITY, |at| at.since(from).as_nanos() as f64);
        Observed::Figure(time)
    }

    fn unread(&self, name: &str, meter: &MeterFigures) -> String {
        match (&meter.last_failure, meter.failures) {
            (Some(why), failures) if failures > 0 => {
                format!("none of {failures} readings of meter '{name}' succeeded, last: {why}")
            }
            _ => self.outside(&format!("meter '{name}' was never read")),
        }
    }

    fn per_second(&self, count: u64) -> Observed {
        let none = || Observed::Nothing(self.outside("no time passed, so nothing happened per second"));
        per_second(count, self.view.time).map_or_else(none, Observed::Figure)
    }

    /// The sentence with the part of the run that it is about, and what there was beside it.
    fn outside(&self, what: &str) -> String {
        let scope = &self.criterion.scope;
        let mut message = format!("{what}{scope}");
        if scope.window != Window::Whole
            && let Some(ended) = self.entire.last_ended
            && let Some(started) = self.started
        {
            message.push_str(&format!("; the last iteration ended after {}", human(ended.since(started))));
        }
        message
    }
}

/// How often something happened per second.
pub(super) fn per_second(count: u64, time: Duration) -> Option<f64> {
    (!time.is_zero()).then(|| count as f64 / time.as_secs_f64())
}

/// One figure of durations, in nanoseconds.
pub(super) fn of_times(times: &Histogram, statistic: Statistic) -> Option<f64> {
    let figure = match statistic {
        Statistic::Percentile(p) => times.percentile_ns(p),
        Statistic::Mean => times.mean_ns(),
        Statistic::Min => times.min_ns(),
        Statistic::Max | Statistic::Value => times.max_ns(),
    };
    figure.map(|ns| ns as f64)
}
