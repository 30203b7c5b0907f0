//! Whether the load generator itself had a hard time while a criterion was breached: two causes at once.

use crate::aggregate::Aggregate;
use crate::report::CriterionReport;
use qalipsis_model::criterion::Quantity;
use qalipsis_model::duration::{human, human_ns};
use qalipsis_model::health::OUT_OF_CPU;
use qalipsis_model::histogram::Histogram;
use std::time::Duration;

/// From this release lag on, which 1 % of the minions exceed, it is worth a word.
const LATE_NS: u64 = 100_000_000;
/// From this time without CPU on it is worth a word.
const OUT: Duration = Duration::from_secs(1);

/// Says beside each breach that the load generator may have caused it, when it was late or its machine out of CPU.
pub(super) fn hint(criteria: &mut [CriterionReport], release_lag: &Histogram, aggregate: &Aggregate) {
    let Some(hint) = strained(release_lag, aggregate) else { return };
    for criterion in criteria.iter_mut().filter(|criterion| concerns(criterion)) {
        criterion.hint = Some(hint.clone());
    }
}

/// Counts of records and values of meters are those of the system, however late the load was.
fn concerns(criterion: &CriterionReport) -> bool {
    criterion.is_breached()
        && criterion.observed.is_some()
        && !matches!(
            criterion.criterion.quantity,
            Quantity::Duplicates | Quantity::Orphans | Quantity::Value | Quantity::Total | Quantity::Rate
        )
}

fn strained(release_lag: &Histogram, aggregate: &Aggregate) -> Option<String> {
    let lag = release_lag.percentile_ns(99.0).filter(|lag| *lag >= LATE_NS);
    let late = lag.map(|lag| format!("1 % of the minions started more than {} late", human_ns(lag)));
    let longest = aggregate
        .factories()
        .map(|(factory, health)| (factory, health.out_of_cpu(0)))
        .max_by_key(|(_, time)| *time)
        .filter(|(_, time)| *time >= OUT);
    let out = longest.map(|(factory, time)| {
        format!(
            "for {} at least {OUT_OF_CPU} % of the CPU of the machine of factory '{factory}' was in use",
            human(time)
        )
    });
    let facts: Vec<String> = late.into_iter().chain(out).collect();
    (!facts.is_empty()).then(|| {
        format!(
            "the load generator itself had a hard time meanwhile, which may be the cause: {}",
            facts.join(", and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Outcome;
    use qalipsis_model::criterion::{Criterion, Durations, NumberFigure};
    use qalipsis_model::health::{CpuUse, Health};
    use qalipsis_model::snapshot::Snapshot;

    fn breached(criterion: Criterion) -> CriterionReport {
        CriterionReport {
            name: String::new(),
            criterion,
            observed: Some(2e9),
            no_data: None,
            outcome: Outcome::Breached,
            stopped_after: None,
            hint: None,
        }
    }

    #[test]
    fn e16_a_breach_while_the_generator_was_late_names_both_causes() {
        let slow =
            || breached(Durations::of("place", Quantity::ResponseTime).p(95).below(Duration::from_secs(1)));
        let mut criteria =
            vec![slow(), breached(NumberFigure::of("place", Quantity::Orphans).at_most(0)), slow()];
        criteria[2].outcome = Outcome::Met;
        let mut lag = Histogram::default();
        lag.record_n(1_000_000, 1_000);
        let mut aggregate = Aggregate::default();
        hint(&mut criteria, &lag, &aggregate);
        assert!(criteria.iter().all(|criterion| criterion.hint.is_none()), "it was not late");

        lag.record_n(818_000_000, 50);
        let cpu = Some(CpuUse { time_ms: 3_000, machine: 100, own: 20 });
        let health = Health { cpu, ..Health::default() };
        aggregate.merge("f", None, &Snapshot { health, ..Snapshot::default() });
        hint(&mut criteria, &lag, &aggregate);
        let message = criteria[0].message();
        let start = "expected response time p95 below 1 s, observed 2 s; the load generator itself had a hard time \
                     meanwhile, which may be the cause: 1 % of the minions started more than 8";
        assert!(message.starts_with(start), "{message}");
        assert!(
            message
                .ends_with("and for 3 s at least 95 % of the CPU of the machine of factory 'f' was in use"),
            "{message}"
        );
        assert!(criteria[1..].iter().all(|criterion| criterion.hint.is_none()));
    }
}
