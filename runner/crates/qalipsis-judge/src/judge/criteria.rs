//! Criteria against what was measured.

use super::cause::Causes;
use super::consequence::of_breach;
use super::observe::{Observed, observe};
use super::{Described, Ending, JudgeInput};
use crate::aggregate::Aggregate;
use crate::report::{CriterionReport, Outcome};
use qalipsis_model::criterion::{Criterion, Subject};
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::plan::{CampaignPlan, ScenarioPlan};
use qalipsis_model::snapshot::ScenarioFigures;
use std::time::Duration;

/// A criterion that was breached and stops the campaign.
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
    let after = aggregate.reported_until(&planned.name)?;
    planned.criteria.iter().find_map(|criterion| {
        let delay = criterion.abort_after?;
        let slice = criterion.scope.slice(&planned.profile)?;
        if after < slice.from + delay {
            return None;
        }
        let Observed::Figure(observed) = observe(criterion, planned, scenario, aggregate) else {
            return None;
        };
        let breach =
            || Breach { scenario: planned.name.clone(), criterion: criterion.clone(), observed, after };
        (!criterion.limit.allows(observed)).then(breach)
    })
}

/// How the criteria of a scenario came out.
pub(super) fn judge(
    planned: &ScenarioPlan,
    scenario: &ScenarioDescription,
    input: &JudgeInput<'_>,
    causes: &Causes,
) -> Vec<CriterionReport> {
    let mut reports: Vec<CriterionReport> = Vec::with_capacity(planned.criteria.len());
    for criterion in &planned.criteria {
        let measure = format!("{} {}", criterion.subject.name(), criterion.measure());
        let earlier = reports.iter().filter(|report| measure_of(&report.criterion) == measure).count();
        let name = if earlier == 0 { measure } else { format!("{measure} ({})", earlier + 1) };
        let mut report = one(name, criterion, planned, scenario, input, causes);
        // What one criterion says of its subject, another need not repeat.
        let same = |other: &&CriterionReport| {
            other.is_breached()
                && other.no_data.is_some()
                && other.no_data == report.no_data
                && other.criterion.subject == criterion.subject
        };
        if report.is_breached()
            && let Some(first) = reports.iter().find(same)
        {
            report.outcome = Outcome::NotJudged { cause: format!("as for the criterion '{}'", first.name) };
        }
        reports.push(report);
    }
    reports
}

fn measure_of(criterion: &Criterion) -> String {
    format!("{} {}", criterion.subject.name(), criterion.measure())
}

fn one(
    name: String,
    criterion: &Criterion,
    planned: &ScenarioPlan,
    scenario: &ScenarioDescription,
    input: &JudgeInput<'_>,
    causes: &Causes,
) -> CriterionReport {
    let report = |observed, no_data, outcome| CriterionReport {
        name,
        criterion: criterion.clone(),
        observed,
        no_data,
        outcome,
        stopped_after: None,
        hint: None,
    };
    // What stopped the campaign may look better once the last iterations have ended.
    if let Ending::Breached(breach) = input.ending
        && breach.scenario == planned.name
        && breach.criterion == *criterion
    {
        let report = report(Some(breach.observed), None, Outcome::Breached);
        return CriterionReport { stopped_after: Some(breach.after), ..report };
    }
    if causes.not_started() {
        // Without a load there was nothing to observe, and why is reported already.
        let cause = causes.of_skipping().unwrap_or_default();
        return report(None, None, Outcome::NotJudged { cause });
    }
    match observe(criterion, planned, scenario, input.aggregate) {
        Observed::Figure(value) if criterion.limit.allows(value) => report(Some(value), None, Outcome::Met),
        Observed::Figure(value) => {
            let nothing = ScenarioFigures::default();
            let figures = input.aggregate.scenario(&planned.name).unwrap_or(&nothing);
            report(Some(value), None, of_breach(criterion, value, scenario, figures, causes))
        }
        Observed::NoneLate => report(None, None, Outcome::Met),
        Observed::Nothing(why) => {
            let outcome = match of_no_data(criterion, scenario, input, planned, causes) {
                Some(cause) => Outcome::NotJudged { cause },
                None => Outcome::Breached,
            };
            report(None, Some(why), outcome)
        }
        // Whatever else failed: no run could have judged it.
        Observed::Unfit(why) => report(None, Some(why), Outcome::Breached),
    }
}

/// The failure for which a criterion has no data.
fn of_no_data(
    criterion: &Criterion,
    scenario: &ScenarioDescription,
    input: &JudgeInput<'_>,
    planned: &ScenarioPlan,
    causes: &Causes,
) -> Option<String> {
    let ended_early = causes.ended_early().map(str::to_owned);
    let name = match &criterion.subject {
        Subject::Step(name) => name,
        // What the scenario measures lacks what its steps did not get to; what is watched does not.
        Subject::Meter(name) if scenario.meters.iter().any(|meter| meter.name == *name) => {
            return causes.of_unreached();
        }
        Subject::Meter(_) => return ended_early,
    };
    let index = scenario.steps.iter().position(|step| step.name == *name)?;
    let figures = input.aggregate.scenario(&planned.name);
    let executed = figures
        .and_then(|figures| figures.steps.get(&(index as u32)))
        .is_some_and(|step| step.executions() > 0);
    if !executed {
        // Where nothing else failed, a step that had to be executed is the failure itself.
        return causes.of_unreached().or_else(|| {
            (!scenario.steps[index].optional).then(|| format!("step '{name}' was never executed"))
        });
    }
    causes.of_step(index as u32).map(str::to_owned).or(ended_early)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use proptest::prelude::*;
    use qalipsis_model::criterion::{Durations, Meter, NumberFigure, Quantity};
    use qalipsis_model::description::{Monitor, StepDescription};
    use qalipsis_model::location::SourceLocation;
    use qalipsis_model::measured::Measured;
    use qalipsis_model::plan::{Limits, PropertyValues};
    use qalipsis_model::snapshot::{ExecutionOutcome, Snapshot};
    use qalipsis_model::timestamp::Timestamp;
    use qalipsis_profile::profile::{Profile, Stage};
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
        (0..32).for_each(|at| run.report(at, &second));
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
        fn report(&mut self, at: u64, second: &impl Fn(u64, &str) -> Vec<i64>) {
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

        fn judged(&self, ending: &Ending) -> Report {
            crate::judge::judge(JudgeInput {
                plan: &self.plan,
                described: &self.described,
                replay: false,
                aggregate: &self.aggregate,
                ending,
                started: START,
                ended: START.plus(secs(32)),
                notes: Vec::new(),
                factories: Vec::new(),
                git_revision: None,
                environment: qalipsis_model::environment::Environment::default(),
            })
        }

        fn reports(&self) -> Vec<CriterionReport> {
            self.judged(&Ending::Completed).scenarios.remove(0).criteria
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

    /// The load of a second is done twice a second, and nothing from the tenth second to the twentieth, when it is paused.
    #[test]
    fn pause_is_left_out_of_throughput_windows_and_stages() {
        let throughput = || place(Quantity::Throughput).at_least(0);
        let criteria = vec![
            throughput(),
            count().during(secs(10), secs(12)),
            count().in_stage(1),
            count().in_stage(2),
            throughput().in_stage(2),
        ];
        let load = |at: u64, _: &str| if (10..20).contains(&at) { vec![] } else { vec![1, 1] };
        let paused = |pauses: &[(u64, u64)]| {
            let mut run = prepared(criteria.clone());
            for (from, until) in pauses {
                run.aggregate.pause(START.plus(secs(*from)));
                run.aggregate.resume(START.plus(secs(*until)));
            }
            (0..30).for_each(|at| run.report(at, &load));
            run.observed()
        };
        assert_eq!(paused(&[(10, 20)]), ["4 per s", "8", "40", "40", "4 per s"]);
        assert_eq!(paused(&[(10, 15), (15, 20)]), paused(&[(10, 20)]));
        assert_ne!(paused(&[]), paused(&[(10, 20)]));
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
        // A histogram for each second and zone makes cases expensive.
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn windows_and_zones_add_up_to_the_total(
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
    fn throughput_ends_with_the_last_iteration_and_not_with_its_second() {
        let mut run = prepared(vec![place(Quantity::Throughput).at_least(0)]);
        let second = |figures: &mut ScenarioFigures| {
            (0..100)
                .for_each(|_| figures.steps.entry(0).or_default().record(ExecutionOutcome::Success, 1, 1));
        };
        let report = |run: &mut Run, at: f64, change: &dyn Fn(&mut ScenarioFigures)| {
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
        report(&mut run, 1.0, &|f| {
            second(f);
            f.released = 2;
            f.ended = 1;
            f.last_ended = ended(0.3);
        });
        assert_eq!(run.observed(), ["100 per s"], "an iteration still runs");
        report(&mut run, 2.0, &|f| {
            second(f);
            f.ended = 1;
            f.last_ended = ended(1.25);
        });
        assert_eq!(run.observed(), ["160 per s"]);
        // The closing check comes after the load.
        report(&mut run, 3.0, &|f| f.steps.entry(1).or_default().record(ExecutionOutcome::Success, 1, 1));
        assert_eq!(run.observed(), ["160 per s"]);
    }

    #[test]
    fn without_data_a_criterion_is_breached() {
        let fulfilled = NumberFigure::of("fulfilled", Quantity::Count).at_least(0);
        let early = |second, _: &str| if second < 5 { vec![1] } else { Vec::new() };
        let run = run(
            vec![fulfilled, count().in_zone("mars"), max().after(secs(5)), Meter::named("gap").below(1)],
            early,
        );
        for report in run.reports() {
            assert!(!report.is_met(), "{}", report.criterion);
            assert_eq!(report.observed_text(), "no data");
            assert!(report.no_data.is_some());
        }
    }

    #[test]
    fn a_breach_stops_only_after_its_delay() {
        let criterion = place(Quantity::ErrorRate).at_most(0.1).abort_on_breach(secs(5));
        let mut failing = prepared(vec![count(), criterion.clone()]);
        let second = |second: u64, _: &str| if second < 3 { vec![-1] } else { vec![1] };
        for at in 0..4 {
            failing.report(at, &second);
            assert_eq!(breach(&failing.plan, &failing.described, &failing.aggregate), None, "second {at}");
        }
        failing.report(4, &second);
        let breach = breach(&failing.plan, &failing.described, &failing.aggregate).unwrap();
        assert_eq!((breach.scenario.as_str(), breach.after, breach.observed), ("checkout", secs(5), 0.6));
        assert_eq!(breach.criterion, criterion);

        // Once stopped it stays breached, whatever the last iterations bring.
        (5..30).for_each(|at| failing.report(at, &|_, _| vec![1; 10]));
        let ending = Ending::Breached(Box::new(breach));
        let reports = failing.judged(&ending).scenarios.remove(0).criteria;
        assert!(reports[0].is_met() && reports[1].is_breached());
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
                slow.report(at, &|second, _| {
                    if second < 10 || second == slow_at { vec![20_000] } else { Vec::new() }
                });
            }
            let breach = breach(&slow.plan, &slow.described, &slow.aggregate);
            assert_eq!(breach.map(|breach| breach.after), Some(secs(stopped_after)));
        }
    }
}
