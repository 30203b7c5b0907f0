//! Criteria against what was measured.

use super::{Described, Ending};
use crate::aggregate::{Aggregate, View};
use crate::criterion::{Criterion, Quantity, Statistic, Subject};
use crate::description::ScenarioDescription;
use crate::evidence::FailureKind;
use crate::histogram::Histogram;
use crate::measured::Measured;
use crate::meter::MeterFigures;
use crate::plan::{CampaignPlan, ScenarioPlan};
use crate::report::CriterionReport;
use crate::snapshot::{JoinFigures, ScenarioFigures};
use std::time::Duration;

/// A criterion that was not held and stops the campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Breach {
    /// Name of its scenario.
    pub scenario: String,
    /// The criterion.
    pub criterion: Criterion,
    /// What was observed then.
    pub observed: f64,
    /// When, since the start of the load.
    pub after: Duration,
}

/// The first criterion of a campaign that is to stop it now.
pub fn breach(plan: &CampaignPlan, described: &[Described], aggregate: &Aggregate) -> Option<Breach> {
    plan.scenarios.iter().find_map(|planned| {
        let found = described.iter().find(|d| d.scenario.name == planned.name)?;
        breach_of(planned, &found.scenario, aggregate)
    })
}

fn breach_of(
    planned: &ScenarioPlan,
    scenario: &ScenarioDescription,
    aggregate: &Aggregate,
) -> Option<Breach> {
    let after = aggregate.told_until(&planned.name)?;
    planned.criteria.iter().find_map(|criterion| {
        let delay = criterion.abort_after?;
        let slice = criterion.scope.slice(&planned.profile)?;
        if after < slice.from + delay {
            return None;
        }
        let observed = observed(criterion, planned, scenario, aggregate)?;
        let breach =
            || Breach { scenario: planned.name.clone(), criterion: criterion.clone(), observed, after };
        (!criterion.limit.allows(observed)).then(breach)
    })
}

/// How the criteria of a scenario came out.
pub(super) fn judge(
    planned: &ScenarioPlan,
    scenario: &ScenarioDescription,
    aggregate: &Aggregate,
    ending: &Ending,
) -> Vec<CriterionReport> {
    let report = |criterion: &Criterion| {
        // What stopped the campaign may look better once the last passes have ended.
        if let Ending::Breached(breach) = ending
            && breach.scenario == planned.name
            && breach.criterion == *criterion
        {
            return CriterionReport {
                criterion: criterion.clone(),
                observed: Some(breach.observed),
                held: false,
                stopped_after: Some(breach.after),
            };
        }
        let observed = observed(criterion, planned, scenario, aggregate);
        let held = observed.is_some_and(|value| criterion.limit.allows(value));
        CriterionReport { criterion: criterion.clone(), observed, held, stopped_after: None }
    };
    planned.criteria.iter().map(report).collect()
}

fn observed(
    criterion: &Criterion,
    planned: &ScenarioPlan,
    scenario: &ScenarioDescription,
    aggregate: &Aggregate,
) -> Option<f64> {
    let view = aggregate.view(&planned.name, &criterion.scope.slice(&planned.profile)?)?;
    match &criterion.subject {
        Subject::Step(name) => {
            let index = scenario.steps.iter().position(|step| step.name == *name)?;
            observe(criterion, index as u32, view)
        }
        Subject::Meter(name) => match view.figures.measured.get(name) {
            Some(measured) => figure(criterion, measured, view.time),
            None => view.figures.meters.get(name).and_then(|meter| read(criterion, meter, view.figures)),
        },
    }
}

/// The figure of what a scenario measured itself.
fn figure(criterion: &Criterion, measured: &Measured, time: Duration) -> Option<f64> {
    match (criterion.quantity, measured) {
        (Quantity::Total, Measured::Counter(total) | Measured::Throughput(total)) => Some(*total as f64),
        (Quantity::Throughput, Measured::Counter(total) | Measured::Throughput(total)) => {
            per_second(*total, time)
        }
        (Quantity::Rate, Measured::Rate { hits, tries }) => {
            (*tries > 0).then(|| *hits as f64 / *tries as f64)
        }
        (Quantity::Time, Measured::Timer(times)) => of_times(times, criterion.statistic),
        (Quantity::Value, Measured::Summary(amounts)) => match criterion.statistic {
            Statistic::Percentile(p) => amounts.percentile(p),
            Statistic::Mean => amounts.mean(),
            Statistic::Min => amounts.min(),
            Statistic::Max | Statistic::Value => amounts.max(),
        },
        (Quantity::Count, Measured::Rate { .. } | Measured::Timer(_) | Measured::Summary(_)) => {
            Some(measured.count() as f64)
        }
        _ => None,
    }
}

/// How often something happened per second.
pub(super) fn per_second(count: u64, time: Duration) -> Option<f64> {
    (!time.is_zero()).then(|| count as f64 / time.as_secs_f64())
}

/// One figure of durations, in nanoseconds.
fn of_times(times: &Histogram, statistic: Statistic) -> Option<f64> {
    let figure = match statistic {
        Statistic::Percentile(p) => times.percentile_ns(p),
        Statistic::Mean => times.mean_ns(),
        Statistic::Min => times.min_ns(),
        Statistic::Max | Statistic::Value => times.max_ns(),
    };
    figure.map(|ns| ns as f64)
}

/// The figure of what is watched or set.
fn read(criterion: &Criterion, meter: &MeterFigures, figures: &ScenarioFigures) -> Option<f64> {
    match criterion.quantity {
        Quantity::Count => (meter.count > 0).then_some(meter.count as f64),
        Quantity::Growth => meter.longest_growth().map(|d| d.as_nanos() as f64),
        Quantity::Drain => {
            let from = figures.last_started?;
            meter.last()?;
            // A backlog that is still there has no time to drain: it is worse than any limit.
            Some(meter.drained_at(from).map_or(f64::INFINITY, |at| at.since(from).as_nanos() as f64))
        }
        _ => match criterion.statistic {
            Statistic::Max | Statistic::Percentile(_) => meter.max,
            Statistic::Min => meter.min,
            Statistic::Mean => meter.mean(),
            Statistic::Value => meter.last(),
        },
    }
}

/// The figure of a step.
fn observe(criterion: &Criterion, index: u32, view: View<'_>) -> Option<f64> {
    let View { figures, time } = view;
    let step = figures.steps.get(&index)?;
    let of_joins = |count: fn(&JoinFigures) -> u64| {
        let joins = figures.joins.values().filter(|j| j.steps.contains(&index));
        Some(joins.map(count).sum::<u64>() as f64)
    };
    let times = match criterion.quantity {
        Quantity::Count => return Some(step.executions() as f64),
        Quantity::Throughput => return per_second(step.executions(), time),
        Quantity::ErrorRate => {
            let executions = step.executions();
            return (executions > 0).then(|| step.failures() as f64 / executions as f64);
        }
        Quantity::Missing => return Some(step.of_kind(FailureKind::JoinMissing) as f64),
        Quantity::Late => return Some(step.of_kind(FailureKind::JoinLate) as f64),
        Quantity::Duplicates => return of_joins(|j| j.duplicates),
        Quantity::Orphans => return of_joins(|j| j.orphans),
        Quantity::Value
        | Quantity::Time
        | Quantity::Total
        | Quantity::Rate
        | Quantity::Growth
        | Quantity::Drain => return None,
        Quantity::Lateness => step.late.as_deref().cloned().unwrap_or_default(),
        Quantity::ResponseTime => step.response(),
        Quantity::ServiceTime => step.service(),
        // What arrived late is part of the latency: leaving it out would flatter a slow system.
        Quantity::Latency => step.arrivals(),
    };
    of_times(&times, criterion.statistic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criterion::{Durations, Meter, NumberFigure};
    use crate::description::{Monitor, SourceLocation, StepDescription};
    use crate::plan::{Limits, PropertyValues};
    use crate::profile::{Profile, Stage};
    use crate::snapshot::{ExecutionOutcome, Snapshot};
    use crate::timestamp::Timestamp;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const START: Timestamp = Timestamp(1_000_000_000_000);
    const MS: u64 = 1_000_000;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn described() -> Described {
        let step = |name: &str| StepDescription {
            name: name.into(),
            description: String::new(),
            monitor: Monitor::None,
            optional: false,
        };
        Described {
            crate_name: "shop".into(),
            scenario: ScenarioDescription {
                name: "checkout".into(),
                description: String::new(),
                minions: 10,
                overload: Default::default(),
                profile: Profile::stages([
                    Stage::percent(50).total(secs(10)),
                    Stage::percent(50).total(secs(20)),
                ]),
                steps: vec![step("place"), step("fulfilled")],
                properties: Vec::new(),
                meters: Vec::new(),
                criteria: Vec::new(),
                location: SourceLocation { file: "main.rs".into(), line: 1, column: 1 },
            },
        }
    }

    /// A campaign of 30 s in which `second` gives the response times in milliseconds, by second and zone; a failure is
    /// negative. Nothing happens in the last two seconds.
    struct Run {
        plan: CampaignPlan,
        described: Vec<Described>,
        aggregate: Aggregate,
    }

    fn run(criteria: Vec<Criterion>, second: impl Fn(u64, &str) -> Vec<i64>) -> Run {
        let mut run = prepared(criteria);
        (0..32).for_each(|at| run.tell(at, &second));
        run
    }

    fn prepared(criteria: Vec<Criterion>) -> Run {
        let described = vec![described()];
        let plan = CampaignPlan {
            key: "key".into(),
            name: "name".into(),
            seed: 1,
            scenarios: vec![ScenarioPlan {
                name: "checkout".into(),
                minions: 10,
                overload: None,
                profile: described[0].scenario.profile.clone(),
                properties: PropertyValues::default(),
                criteria,
            }],
            limits: Limits::default(),
            events: None,
        };
        let mut aggregate = Aggregate::of(&plan, &described);
        aggregate.start(START);
        Run { plan, described, aggregate }
    }

    impl Run {
        fn tell(&mut self, at: u64, second: &impl Fn(u64, &str) -> Vec<i64>) {
            for zone in ["eu", "us"] {
                let mut figures = ScenarioFigures::default();
                for ms in second(at, zone).iter().filter(|_| at < 30) {
                    let outcome = if *ms < 0 { ExecutionOutcome::Error } else { ExecutionOutcome::Success };
                    let ns = ms.unsigned_abs() * MS;
                    figures.steps.entry(0).or_default().record(outcome, ns, ns);
                }
                let reading = figures.meters.entry("lag".into()).or_default();
                reading.record(START.plus(secs(at)), at as f64);
                figures.add_measured("sold", &Measured::Counter(u64::from(at < 30) * 3));
                let hits = u64::from(zone == "eu");
                figures.add_measured("taken", &Measured::Rate { hits, tries: 1 });
                let snapshot = Snapshot {
                    sequence: at,
                    since: (at > 0).then(|| START.plus(secs(at))),
                    at: START.plus(secs(at + 1)),
                    scenarios: BTreeMap::from([("checkout".to_owned(), figures)]),
                    ..Snapshot::default()
                };
                self.aggregate.merge("f", Some(zone), &snapshot);
            }
        }

        fn reports(&self) -> Vec<CriterionReport> {
            let planned = &self.plan.scenarios[0];
            judge(planned, &self.described[0].scenario, &self.aggregate, &Ending::Completed)
        }

        fn observed(&self) -> Vec<String> {
            self.reports().iter().map(CriterionReport::observed_text).collect()
        }
    }

    fn place(quantity: Quantity) -> NumberFigure {
        NumberFigure::of("place", quantity)
    }

    fn count() -> Criterion {
        place(Quantity::Count).at_least(0)
    }

    fn max() -> Criterion {
        Durations::of("place", Quantity::ResponseTime).max().below(secs(9))
    }

    #[test]
    fn each_criterion_sees_its_window_and_zone_alone() {
        let criteria = vec![
            count(),
            count().after(secs(10)),
            count().during(secs(10), secs(12)),
            count().in_stage(1),
            count().in_stage(2).in_zone("us"),
            count().in_zone("eu"),
            max(),
            max().during(secs(7), secs(8)),
            max().in_stage(2),
            max().in_zone("us"),
            place(Quantity::ErrorRate).at_most(1).after(secs(20)),
            place(Quantity::Throughput).at_least(0),
            place(Quantity::Throughput).at_least(0).in_zone("eu"),
            place(Quantity::Throughput).at_least(0).during(secs(10), secs(12)),
            Meter::named("lag").max().at_most(0).during(secs(5), secs(9)),
            Meter::named("lag").count().at_most(0).during(secs(5), secs(9)).in_zone("eu"),
            Meter::named("sold").total().at_least(0),
            Meter::named("sold").total().at_least(0).after(secs(28)).in_zone("us"),
            Meter::named("sold").throughput().at_least(0).during(secs(10), secs(20)),
            Meter::named("taken").rate().at_least(0),
            Meter::named("taken").rate().at_least(0).in_stage(2).in_zone("eu"),
        ];
        // Each second two executions in eu and one in us; second 7 is slow in eu, from 20 on all fail in us.
        let run = run(criteria, |second, zone| match (second, zone) {
            (7, "eu") => vec![5_000, 10],
            (20.., "us") => vec![-30],
            (_, "us") => vec![30],
            _ => vec![10, 10],
        });
        assert_eq!(
            run.observed(),
            [
                "90", "60", "6", "30", "20", "60", "5 s", "5 s", "30 ms", "30 ms", "33.33 %", "3 per s",
                "2 per s", "3 per s", "8", "4", "180", "6", "6 per s", "50 %", "100 %",
            ]
        );
    }

    proptest! {
        // A histogram for each second and zone makes cases dear.
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn windows_and_zones_add_up_to_the_whole(
            seconds in proptest::collection::vec((0_usize..6, 0_usize..6), 30),
            cuts in (0_u64..31, 0_u64..31),
        ) {
            let (early, late) = (secs(cuts.0.min(cuts.1)), secs(cuts.0.max(cuts.1)));
            let eu = || count().in_zone("eu");
            let criteria = vec![
                count(),
                count().during(Duration::ZERO, early),
                count().during(early, late),
                count().after(late),
                eu(),
                count().in_zone("us"),
                eu().during(early, late),
                eu().after(late),
            ];
            let run = run(criteria, |second, zone| {
                let (eu, us) = seconds.get(second as usize).copied().unwrap_or_default();
                vec![1; if zone == "eu" { eu } else { us }]
            });
            let observed: Vec<f64> = run.reports().iter().map(|r| r.observed.unwrap_or(0.0)).collect();
            let expected = |from: Duration, to: Duration, us: bool| {
                let range = from.as_secs() as usize..(to.as_secs() as usize).min(30);
                let sum = |(eu, all): &(usize, usize)| eu + if us { *all } else { 0 };
                seconds.get(range).unwrap_or_default().iter().map(sum).sum::<usize>() as f64
            };
            prop_assert_eq!(observed[0], observed[1] + observed[2] + observed[3]);
            prop_assert_eq!(observed[0], observed[4] + observed[5]);
            prop_assert_eq!(observed[2], expected(early, late, true));
            prop_assert_eq!(observed[6], expected(early, late, false));
            prop_assert_eq!(observed[7], expected(late, secs(30), false));
        }
    }

    #[test]
    fn throughput_counts_a_stall_but_not_the_drain() {
        let throughput = || place(Quantity::Throughput).at_least(0);
        let run = run(vec![throughput(), throughput().during(secs(0), secs(20))], |second, _| {
            if second < 10 || second == 29 { vec![1; 15] } else { Vec::new() }
        });
        assert_eq!(run.observed(), ["11 per s", "15 per s"]);
    }

    #[test]
    fn throughput_ends_with_the_last_pass_and_not_with_its_second() {
        let mut run = prepared(vec![place(Quantity::Throughput).at_least(0)]);
        let second = |figures: &mut ScenarioFigures| {
            (0..100)
                .for_each(|_| figures.steps.entry(0).or_default().record(ExecutionOutcome::Success, 1, 1));
        };
        let told = |run: &mut Run, at: f64, change: &dyn Fn(&mut ScenarioFigures)| {
            let mut figures = ScenarioFigures::default();
            change(&mut figures);
            let snapshot = Snapshot {
                since: (at > 1.0).then(|| START.plus(Duration::from_secs_f64(at - 1.0))),
                at: START.plus(Duration::from_secs_f64(at)),
                scenarios: BTreeMap::from([("checkout".to_owned(), figures)]),
                ..Snapshot::default()
            };
            run.aggregate.merge("f", None, &snapshot);
        };
        let ended = |seconds: f64| Some(START.plus(Duration::from_secs_f64(seconds)));
        told(&mut run, 1.0, &|f| {
            second(f);
            f.released = 2;
            f.ended = 1;
            f.last_ended = ended(0.3);
        });
        assert_eq!(run.observed(), ["100 per s"], "a pass still runs");
        told(&mut run, 2.0, &|f| {
            second(f);
            f.ended = 1;
            f.last_ended = ended(1.25);
        });
        assert_eq!(run.observed(), ["160 per s"]);
        // The closing check comes after the load.
        told(&mut run, 3.0, &|f| f.steps.entry(1).or_default().record(ExecutionOutcome::Success, 1, 1));
        assert_eq!(run.observed(), ["160 per s"]);
    }

    #[test]
    fn without_data_a_criterion_is_not_held() {
        let fulfilled = NumberFigure::of("fulfilled", Quantity::Count).at_least(0);
        let early = |second, _: &str| if second < 5 { vec![1] } else { Vec::new() };
        let run = run(
            vec![fulfilled, count().in_zone("mars"), max().after(secs(5)), Meter::named("gap").below(1)],
            early,
        );
        for report in run.reports() {
            assert!(!report.held, "{}", report.criterion);
            assert_eq!(report.observed_text(), "no data");
        }
    }

    #[test]
    fn a_breach_stops_only_after_its_delay() {
        let criterion = place(Quantity::ErrorRate).at_most(0.1).abort_on_breach(secs(5));
        let mut failing = prepared(vec![count(), criterion.clone()]);
        let second = |second: u64, _: &str| if second < 3 { vec![-1] } else { vec![1] };
        for at in 0..4 {
            failing.tell(at, &second);
            assert_eq!(breach(&failing.plan, &failing.described, &failing.aggregate), None, "second {at}");
        }
        failing.tell(4, &second);
        let breach = breach(&failing.plan, &failing.described, &failing.aggregate).unwrap();
        assert_eq!((breach.scenario.as_str(), breach.after, breach.observed), ("checkout", secs(5), 0.6));
        assert_eq!(breach.criterion, criterion);

        // Once stopped it stays not held, whatever the last passes bring.
        (5..30).for_each(|at| failing.tell(at, &|_, _| vec![1; 10]));
        let ending = Ending::Breached(Box::new(breach));
        let planned = &failing.plan.scenarios[0];
        let reports = judge(planned, &failing.described[0].scenario, &failing.aggregate, &ending);
        assert!(reports[0].held && !reports[1].held);
        assert_eq!(
            reports[1].message(),
            "expected error rate at most 10 %, observed 60 %; the campaign was stopped for it after 5 s"
        );
    }

    #[test]
    fn a_breach_in_a_window_counts_its_delay_from_there_and_needs_data() {
        // What is slow before the window does not count. A breach in its first seconds waits for the delay, and one
        // later is seen at once.
        for (slow_at, stopped_after) in [(10, 12), (13, 14)] {
            let mut slow = prepared(vec![max().after(secs(10)).abort_on_breach(secs(2))]);
            for at in 0..stopped_after {
                let breach = breach(&slow.plan, &slow.described, &slow.aggregate);
                assert_eq!(breach, None, "before second {at}");
                slow.tell(at, &|second, _| {
                    if second < 10 || second == slow_at { vec![20_000] } else { Vec::new() }
                });
            }
            let breach = breach(&slow.plan, &slow.described, &slow.aggregate);
            assert_eq!(breach.map(|breach| breach.after), Some(secs(stopped_after)));
        }
    }
}
