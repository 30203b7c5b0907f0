//! The figures of each zone, kept apart when a campaign has several, and where they differ.

use qalipsis_model::criterion::Quantity;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::{JoinFigures, ScenarioFigures, StepFigures};
use std::collections::BTreeMap;

/// The percentile by which zones are compared.
pub const PERCENTILE: f64 = 95.0;

/// A zone is only compared at a step that it executed so often.
const FEWEST: u64 = 20;
/// How many times the figure of the best zone is a difference.
const FACTOR: f64 = 1.5;
/// Times that are nearer to each other, in nanoseconds, do not differ: that is what schedulers do.
const NEAR_NS: f64 = 5e6;
/// How many standard errors two shares must be apart, so that chance names no zone.
const ERRORS_APART: f64 = 3.0;

/// What one zone did of one scenario. It merges exactly, as all figures do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ZoneFigures {
    /// Minions released.
    pub released: u64,
    /// By index of the step.
    pub steps: BTreeMap<u32, StepFigures>,
    /// By index of the join.
    pub joins: BTreeMap<u32, JoinFigures>,
}

impl ZoneFigures {
    /// Adds the difference that a factory of this zone reports.
    pub fn add(&mut self, figures: &ScenarioFigures) {
        self.released += figures.released;
        for (index, step) in &figures.steps {
            self.steps.entry(*index).or_default().merge(step);
        }
        for (index, join) in &figures.joins {
            self.joins.entry(*index).or_default().merge(join);
        }
    }
}

/// What one of several zones did.
#[derive(Debug, Clone)]
pub struct ZoneReport {
    /// Name.
    pub name: String,
    /// What its factories reported.
    pub figures: ZoneFigures,
}

/// A step at which a zone is worse than another by more than chance explains.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneDifference {
    /// Name of the step.
    pub step: String,
    /// Response time, or latency of a join, both of the 95th percentile; or error rate.
    pub quantity: Quantity,
    /// The worst zone.
    pub worst: ZoneFigure,
    /// The best one.
    pub best: ZoneFigure,
}

/// A zone and its figure: durations in nanoseconds, rates from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneFigure {
    /// Name of the zone.
    pub zone: String,
    /// The figure.
    pub value: f64,
}

impl ZoneDifference {
    /// How many times the best the worst is; infinite when the best is zero.
    pub fn ratio(&self) -> f64 {
        self.worst.value / self.best.value
    }

    /// Whether it is about a time, not about failures.
    pub fn is_time(&self) -> bool {
        self.quantity != Quantity::ErrorRate
    }

    /// One line: `zone us is slowest: place-order response time p95 2.1 s, 110 ms in zone eu`.
    pub fn message(&self) -> String {
        let show = |value| self.quantity.show(value);
        let (worse, what) = match self.quantity {
            Quantity::ErrorRate => ("fails most", self.quantity.name().to_owned()),
            quantity => ("is slowest", format!("{} p{PERCENTILE}", quantity.name())),
        };
        let (zone, step, best) = (&self.worst.zone, &self.step, &self.best.zone);
        let (worst_value, best_value) = (show(self.worst.value), show(self.best.value));
        format!("zone {zone} {worse}: {step} {what} {worst_value}, {best_value} in zone {best}")
    }
}

/// Where zones differ by more than chance and schedulers explain: failures first, then times, largest first.
pub(crate) fn differences(zones: &[ZoneReport], steps: &[&str]) -> Vec<ZoneDifference> {
    let mut found: Vec<ZoneDifference> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let compared: Vec<(&str, &StepFigures)> = zones
            .iter()
            .filter_map(|zone| Some((zone.name.as_str(), zone.figures.steps.get(&(index as u32))?)))
            .filter(|(_, figures)| figures.executions() >= FEWEST)
            .collect();
        found.extend(failures(step, &compared));
        found.extend(times(step, &compared));
    }
    found.sort_by(|a, b| a.is_time().cmp(&b.is_time()).then_with(|| b.ratio().total_cmp(&a.ratio())));
    found
}

fn failures(step: &str, zones: &[(&str, &StepFigures)]) -> Option<ZoneDifference> {
    let share = |f: &StepFigures| f.failures() as f64 / f.executions() as f64;
    let of = |(zone, figures): &(&str, &StepFigures)| ((*zone).to_owned(), share(figures));
    let by_share = |a: &&(&str, &StepFigures), b: &&(&str, &StepFigures)| share(a.1).total_cmp(&share(b.1));
    let (worst, best) = (zones.iter().max_by(by_share)?, zones.iter().min_by(by_share)?);
    let counts = |f: &StepFigures| (f.failures(), f.executions());
    let differs = share(worst.1) > share(best.1) * FACTOR && apart(counts(worst.1), counts(best.1));
    differs.then(|| difference(step, Quantity::ErrorRate, of(worst), of(best)))
}

fn times(step: &str, zones: &[(&str, &StepFigures)]) -> Option<ZoneDifference> {
    // How long a join waits is how late its record is; it may also begin to wait after the arrival.
    let is_join = zones.iter().any(|(_, figures)| figures.latency.is_some() || figures.late.is_some());
    let quantity = if is_join { Quantity::Latency } else { Quantity::ResponseTime };
    let measured: Vec<(&str, Histogram, u64)> = zones
        .iter()
        .filter_map(|(zone, figures)| {
            let times = if is_join { figures.arrivals() } else { figures.response() };
            let figure = times.percentile_ns(PERCENTILE)?;
            (times.count() >= FEWEST).then_some((*zone, times, figure))
        })
        .collect();
    let worst = measured.iter().max_by_key(|(_, _, figure)| *figure)?;
    let best = measured.iter().min_by_key(|(_, _, figure)| *figure)?;
    let threshold = (best.2 as f64 * FACTOR).max(best.2 as f64 + NEAR_NS);
    let above = |times: &Histogram| {
        let count = times.counts().filter(|(ns, _)| *ns as f64 > threshold).map(|(_, n)| n).sum::<u64>();
        (count, times.count())
    };
    let of = |one: &(&str, Histogram, u64)| (one.0.to_owned(), one.2 as f64);
    let differs = worst.2 as f64 > threshold && apart(above(&worst.1), above(&best.1));
    differs.then(|| difference(step, quantity, of(worst), of(best)))
}

fn difference(step: &str, quantity: Quantity, worst: (String, f64), best: (String, f64)) -> ZoneDifference {
    let figure = |(zone, value)| ZoneFigure { zone, value };
    ZoneDifference { step: step.to_owned(), quantity, worst: figure(worst), best: figure(best) }
}

/// Whether two shares, each so many of so many, are further apart than chance explains (pooled two-proportion z test).
fn apart((worse, all_worse): (u64, u64), (better, all_better): (u64, u64)) -> bool {
    let share = |part: u64, all: u64| part as f64 / all as f64;
    let pooled = share(worse + better, all_worse + all_better);
    let error = (pooled * (1.0 - pooled) * (1.0 / all_worse as f64 + 1.0 / all_better as f64)).sqrt();
    let distance = share(worse, all_worse) - share(better, all_better);
    distance > 0.0 && distance >= ERRORS_APART * error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Aggregate;
    use proptest::prelude::*;
    use qalipsis_model::evidence::FailureKind;
    use qalipsis_model::snapshot::{ExecutionOutcome, Snapshot};
    use qalipsis_model::timestamp::Timestamp;

    const MS: u64 = 1_000_000;
    const ZONES: [&str; 5] = ["africa", "asia", "eu", "oceania", "us"];

    /// Figures of step 0 that took these times, the last so many of them failed.
    fn executed(times: impl IntoIterator<Item = u64>, failed: usize) -> StepFigures {
        let mut figures = StepFigures::default();
        let times: Vec<u64> = times.into_iter().collect();
        for (index, ns) in times.iter().enumerate() {
            let failed = index >= times.len() - failed;
            let outcome = if failed { ExecutionOutcome::Failure } else { ExecutionOutcome::Success };
            figures.record(outcome, *ns, *ns);
        }
        figures
    }

    fn zones(of: impl IntoIterator<Item = (&'static str, StepFigures)>) -> Vec<ZoneReport> {
        let zone = |(name, step): (&str, StepFigures)| ZoneReport {
            name: name.into(),
            figures: ZoneFigures { steps: [(0, step)].into(), ..ZoneFigures::default() },
        };
        of.into_iter().map(zone).collect()
    }

    fn messages(zones: &[ZoneReport]) -> Vec<String> {
        differences(zones, &["order"]).iter().map(ZoneDifference::message).collect()
    }

    #[test]
    fn the_slow_zone_is_named_with_the_best_one() {
        let time = |zone: &str| if zone == "asia" { 2_000 } else { 100 };
        let zones = zones(ZONES.map(|zone| (zone, executed((0..50).map(|n| (time(zone) + n) * MS), 0))));
        let said = messages(&zones);
        assert_eq!(said, ["zone asia is slowest: order response time p95 2.05 s, 148 ms in zone africa"]);
    }

    #[test]
    fn a_join_is_compared_by_latency_and_what_came_late_belongs_to_it() {
        let join = |late: u64| {
            let mut figures = executed((0..100).map(|n| n * MS), 0);
            for n in 0..100 {
                let place = if n < late { &mut figures.late } else { &mut figures.latency };
                place.get_or_insert_default().record(if n < late { 9_000 * MS } else { 10 * MS });
            }
            figures
        };
        let said = messages(&zones([("eu", join(0)), ("us", join(10))]));
        assert_eq!(said, ["zone us is slowest: order latency p95 9 s, 10 ms in zone eu"]);
    }

    #[test]
    fn failures_go_before_times() {
        let said = messages(&zones([
            ("eu", executed((0..400).map(|_| 10 * MS), 0)),
            ("us", executed((0..400).map(|_| 100 * MS), 12)),
        ]));
        assert_eq!(said[0], "zone us fails most: order error rate 3 %, 0 % in zone eu");
        assert!(said[1].starts_with("zone us is slowest"), "{said:?}");
    }

    #[test]
    fn what_chance_explains_names_no_zone() {
        let even = |n: u64| (90 + n % 40) * MS;
        let similar = ZONES
            .into_iter()
            .enumerate()
            .map(|(i, zone)| (zone, executed((0..500).map(|n| even(n + i as u64)), i)));
        assert_eq!(messages(&zones(similar)), [""; 0]);
        // Three times longer, and yet what a scheduler does.
        let quick = [("eu", executed([MS; 500], 0)), ("us", executed([3 * MS; 500], 0))];
        assert_eq!(messages(&zones(quick)), [""; 0]);
        // Two slow executions of thirty are no slow zone, though the 95th percentile is one of them.
        let outlier = executed((0..30).map(|n| if n < 2 { 900 * MS } else { 10 * MS }), 0);
        assert_eq!(messages(&zones([("eu", executed([10 * MS; 30], 0)), ("us", outlier)])), [""; 0]);
        let few = [("eu", executed([10 * MS; 500], 0)), ("us", executed([900 * MS; 19], 19))];
        assert_eq!(messages(&zones(few)), [""; 0]);
    }

    fn snapshot(figures: ScenarioFigures) -> Snapshot {
        Snapshot { scenarios: [("checkout".to_owned(), figures)].into(), ..Snapshot::default() }
    }

    #[test]
    fn one_zone_is_not_kept_apart_and_two_are() {
        let apart = |planned: &[&str], reported_by: &[&str]| {
            let mut aggregate = Aggregate::default();
            aggregate.split_by_zone(planned.iter().copied());
            let figures = ScenarioFigures { released: 1, ..ScenarioFigures::default() };
            reported_by.iter().for_each(|zone| aggregate.merge("f", Some(zone), &snapshot(figures.clone())));
            aggregate.zones("checkout").into_iter().map(|z| (z.name, z.figures.released)).collect::<Vec<_>>()
        };
        assert_eq!(apart(&["eu", "eu"], &["eu", "us"]), [], "nothing was kept apart");
        assert_eq!(apart(&["eu", "us"], &["us", "eu", "us"]), [("eu".into(), 1), ("us".into(), 2)]);
        assert_eq!(apart(&["eu", "us"], &["us"]), [], "the other one was lost before it reported anything");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]

        #[test]
        fn zones_are_what_their_factories_reported_and_add_up_to_the_total(
            samples in proptest::collection::vec((0_usize..5, 0_u32..3, 1_u64..10_000_000_000, 0_u8..3), 1..60),
        ) {
            let mut aggregate = Aggregate::default();
            aggregate.split_by_zone(ZONES);
            let mut expected: BTreeMap<&str, ZoneFigures> = BTreeMap::new();
            for (zone, index, ns, kind) in samples {
                let mut figures = ScenarioFigures { released: 1, ..ScenarioFigures::default() };
                let record = |step: &mut StepFigures, join: &mut JoinFigures| {
                    let outcome = if kind == 0 { ExecutionOutcome::Success } else { ExecutionOutcome::Failure };
                    step.record(outcome, ns, ns + 7);
                    step.minions += 1;
                    join.expected += 1;
                    match kind {
                        0 => step.latency.get_or_insert_default().record(ns),
                        1 => step.late.get_or_insert_default().record(ns),
                        _ => step.record_failure(FailureKind::JoinMissing, Timestamp(ns)),
                    }
                };
                record(figures.steps.entry(index).or_default(), figures.joins.entry(index).or_default());
                let own = expected.entry(ZONES[zone]).or_default();
                own.released += 1;
                record(own.steps.entry(index).or_default(), own.joins.entry(index).or_default());
                aggregate.merge("f", Some(ZONES[zone]), &snapshot(figures));
            }
            let whole = aggregate.scenario("checkout").unwrap().clone();
            let zones = aggregate.zones("checkout");
            if expected.len() == 1 {
                prop_assert!(zones.is_empty());
                return Ok(());
            }
            let mut sum = ZoneFigures::default();
            for zone in &zones {
                prop_assert_eq!(&zone.figures, &expected[zone.name.as_str()]);
                let ZoneFigures { released, steps, joins } = zone.figures.clone();
                sum.add(&ScenarioFigures { released, steps, joins, ..ScenarioFigures::default() });
            }
            prop_assert_eq!(zones.len(), expected.len());
            prop_assert_eq!((sum.released, sum.steps, sum.joins), (whole.released, whole.steps, whole.joins));
        }
    }
}
