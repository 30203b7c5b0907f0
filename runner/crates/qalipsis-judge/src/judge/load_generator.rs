//! Whether the load generator, and not the system under test, made records late.

use crate::report::ScenarioReport;
use qalipsis_model::duration::human;
use qalipsis_model::evidence::FailureKind;
use std::time::Duration;

/// A source that is further behind than this gets a warning when records were late.
const BEHIND: Duration = Duration::from_millis(500);

/// One line per source that was behind while awaited records were late or missing.
///
/// What waits to be read, by the pace of reading, is the time by which the source is behind (Little's law,
/// J. D. C. Little, A Proof for the Queuing Formula L = λW, 1961).
pub(super) fn late(scenario: &ScenarioReport, duration: Duration) -> Vec<String> {
    let behind = scenario.joins.iter().filter_map(|join| {
        let awaiting = join.steps.iter().filter_map(|index| scenario.steps.get(*index as usize));
        let late: u64 = awaiting
            .map(|step| {
                step.figures.of_kind(FailureKind::JoinLate) + step.figures.of_kind(FailureKind::JoinMissing)
            })
            .sum();
        let lag = join.consumer_lag_max.filter(|lag| *lag > 0 && late > 0 && join.records > 0)?;
        let behind = duration.mul_f64(lag as f64 / join.records as f64);
        (behind >= BEHIND).then(|| {
            format!(
                "{}: {}: the load generator may be late, not the system: up to {lag} records waited to be read, {} at \
                 its pace, and {late} awaited ones were late or missing; give it more cores, or less to \
                 read",
                scenario.name,
                join.name,
                human(Duration::from_millis(behind.as_millis() as u64)),
            )
        })
    });
    behind.collect()
}
