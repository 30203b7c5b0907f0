//! The meters of a scenario in its report.

use super::observe::per_second;
use crate::aggregate::Aggregate;
use crate::report::{MeasuredReport, ScenarioReport};
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::measured::Measured;
use qalipsis_model::plan::ScenarioPlan;
use qalipsis_model::scope::Slice;

/// What the declared meters measured; gauges that were set are among what was read.
pub(super) fn report(
    aggregate: &Aggregate,
    planned: &ScenarioPlan,
    scenario: &ScenarioDescription,
) -> Vec<MeasuredReport> {
    let view = aggregate.view(&planned.name, &Slice::WHOLE);
    let set = |name: &str| view.is_some_and(|view| view.figures.meters.contains_key(name));
    let declared = scenario.meters.iter().filter(|meter| !set(&meter.name));
    let report = declared.map(|meter| {
        let figures = view.and_then(|view| view.figures.measured.get(&meter.name)).cloned();
        let per_second = match (&figures, view) {
            (Some(Measured::Counter(total) | Measured::Throughput(total)), Some(view)) => {
                per_second(*total, view.time)
            }
            _ => None,
        };
        MeasuredReport {
            name: meter.name.clone(),
            kind: meter.kind,
            unit: meter.unit.clone(),
            description: meter.description.clone(),
            figures,
            per_second,
        }
    });
    report.collect()
}

/// What was left out.
pub(super) fn warnings(scenario: &ScenarioReport) -> impl Iterator<Item = String> {
    scenario.measured.iter().filter_map(|meter| {
        let Some(Measured::Summary(amounts)) = &meter.figures else { return None };
        let refused = amounts.refused();
        let values = if refused == 1 { "value" } else { "values" };
        (refused > 0).then(|| {
            format!(
                "{}: meter {}: {refused} {values} left out that were negative or no number",
                scenario.name, meter.name
            )
        })
    })
}
