//! Whether the load generator, and not the system under test, was the bottleneck: then the figures say nothing.

use super::Ending;
use crate::aggregate::Aggregate;
use crate::report::{Reason, ScenarioReport};
use qalipsis_model::duration::{human, human_ns};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::health::{HealthTotal, OUT_OF_CPU};
use qalipsis_model::plan::CampaignPlan;

/// All that makes the figures of a campaign invalid, and what to do about it.
pub(super) fn reasons(
    scenarios: &[ScenarioReport],
    ending: &Ending,
    plan: &CampaignPlan,
    aggregate: &Aggregate,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for scenario in scenarios {
        let messages = [late(scenario, plan, aggregate), dropped(scenario, plan)].into_iter().flatten();
        // What is not read yet may still be.
        let unread = (*ending != Ending::Running).then(|| behind(scenario, plan));
        let messages = messages.chain(unread.into_iter().flatten());
        reasons.extend(messages.map(|message| reason(Some(&scenario.name), message)));
    }
    let mut messages = Vec::from_iter(lost(plan, aggregate));
    messages.extend(events(plan, aggregate));
    for (factory, health) in aggregate.factories() {
        messages.extend(exhausted(factory, health, plan));
        messages.extend(jumped(&format!("factory '{factory}'"), health, plan));
    }
    messages.extend(jumped("the runner", aggregate.runner(), plan));
    reasons.extend(messages.into_iter().map(|message| reason(None, message)));
    reasons
}

fn reason(scenario: Option<&str>, message: String) -> Reason {
    Reason { scenario: scenario.map(str::to_owned), step: None, kind: None, message }
}

fn late(scenario: &ScenarioReport, plan: &CampaignPlan, aggregate: &Aggregate) -> Option<String> {
    let lag = scenario.release_lag.percentile_ns(99.0)?;
    let limit = plan.limits.release_lag;
    (u128::from(lag) > limit.as_nanos()).then(|| {
        format!(
            "the load generator was too slow: 1 % of the minions started more than {} late, the limit is {} \
             (campaign.limits.release-lag); {}",
            human_ns(lag),
            human(limit),
            against_lateness(scenario, aggregate),
        )
    })
}

/// What to do about a load generator that is too slow, which depends on why it is.
fn against_lateness(scenario: &ScenarioReport, aggregate: &Aggregate) -> String {
    let out_of_cpu = aggregate.factories().any(|(_, health)| !health.out_of_cpu(0).is_zero());
    if let Some(blocked) = aggregate.blocked() {
        let step = match &blocked.step {
            Some(step) => format!("step '{step}'"),
            None => "before its first step".to_owned(),
        };
        let times = if blocked.count == 1 { "once".to_owned() } else { format!("{} times", blocked.count) };
        let others =
            if out_of_cpu { "; the machine was out of CPU as well, so use a larger one" } else { "" };
        return format!(
            "a worker thread was blocked without an await for {} or longer, {times}, in scenario '{}', {step}: move \
             blocking work to tokio::task::spawn_blocking, and sleep with tokio::time::sleep or minion.pause{others}",
            human(blocked.longest),
            blocked.scenario,
        );
    }
    let cpu_known = scenario.released > 0 && aggregate.factories().any(|(_, health)| health.cpu().is_some());
    if cpu_known && !out_of_cpu {
        return "its machine was never out of CPU, so look for what else delayed it: a quota of CPU time, swapping, a \
                suspended machine, too many minions for one thread (factory.workers)"
            .to_owned();
    }
    "use fewer minions, a longer ramp-up or a larger machine".to_owned()
}

fn dropped(scenario: &ScenarioReport, plan: &CampaignPlan) -> Option<String> {
    let (dropped, limit) = (scenario.dropped, plan.limits.dropped);
    (dropped > limit).then(|| {
        format!(
            "the load was not what was asked: {dropped} of {} minions were dropped because too many others were \
             active, the limit is {limit} (campaign.limits.dropped); release fewer, or allow more of them at once \
             (scenarios.<scenario>.overload)",
            scenario.minions,
        )
    })
}

/// Unread records matter only when awaited ones are missing: they may be among them.
fn behind(scenario: &ScenarioReport, plan: &CampaignPlan) -> impl Iterator<Item = String> {
    let limit = plan.limits.source_lag;
    scenario.joins.iter().filter_map(move |join| {
        let awaiting = join.steps.iter().filter_map(|index| scenario.steps.get(*index as usize));
        let missing: u64 = awaiting.map(|step| step.figures.of_kind(FailureKind::JoinMissing)).sum();
        let lag = join.consumer_lag.filter(|lag| *lag > limit && missing > 0)?;
        let missing = match missing {
            1 => "1 awaited record is missing".to_owned(),
            many => format!("{many} awaited records are missing"),
        };
        Some(format!(
            "the load generator did not read all of {}: {lag} records were left at the end, the limit is {limit} \
             (campaign.limits.source-lag); {missing} and may be among them; give it more cores, a longer \
             campaign.limits.drain, or less to read",
            join.name,
        ))
    })
}

fn lost(plan: &CampaignPlan, aggregate: &Aggregate) -> Option<String> {
    let (lost, limit) = (aggregate.evidence_lost(), plan.limits.evidence_lost);
    (lost > limit).then(|| {
        format!(
            "{lost} failures were counted but have no evidence, the limit is {limit} \
             (campaign.limits.evidence-lost); use fewer minions or a larger machine, or lower report.evidence.limit"
        )
    })
}

fn exhausted(factory: &str, health: &HealthTotal, plan: &CampaignPlan) -> Option<String> {
    let (own, limit) = (plan.limits.cpu, plan.limits.cpu_time);
    let time = health.out_of_cpu(own);
    (time > limit).then(|| {
        format!(
            "the load generator was out of CPU: for {} of the load at least {OUT_OF_CPU} % of the CPU of factory \
             '{factory}' was in use, {own} % or more of it by the factory itself (campaign.limits.cpu), the limit is \
             {} (campaign.limits.cpu-time); use a lower load, cheaper steps, a larger machine, or run the system \
             under test outside of the factory",
            human(time),
            human(limit),
        )
    })
}

fn jumped(who: &str, health: &HealthTotal, plan: &CampaignPlan) -> Option<String> {
    let (jump_ns, limit) = (health.clock_jump_ns(), plan.limits.clock_jump);
    let direction = if jump_ns > 0 { "forward" } else { "backward" };
    (u128::from(jump_ns.unsigned_abs()) > limit.as_nanos()).then(|| {
        format!(
            "the wall clock of {who} jumped {direction} by {} during the campaign, the limit is {} \
             (campaign.limits.clock-jump), so that times, windows and stages do not match; let the time service \
             slew the clock instead of setting it, and keep the machine from sleeping",
            human_ns(jump_ns.unsigned_abs()),
            human(limit),
        )
    })
}

fn events(plan: &CampaignPlan, aggregate: &Aggregate) -> Option<String> {
    let (dropped, limit) = (aggregate.events().dropped, plan.limits.events_dropped);
    (dropped > limit).then(|| {
        format!(
            "{dropped} events were dropped because a buffer was full, the limit is {limit} \
             (campaign.limits.events-dropped); monitor fewer steps, raise report.export.events.level or \
             report.export.events.buffer, or use a larger machine"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_model::health::{CpuUse, Health};
    use qalipsis_model::plan::Limits;
    use qalipsis_model::snapshot::Snapshot;
    use std::time::Duration;

    fn messages(plan: &CampaignPlan, aggregate: &Aggregate) -> Vec<String> {
        reasons(&[], &Ending::Completed, plan, aggregate).into_iter().map(|reason| reason.message).collect()
    }

    fn plan(limits: Limits) -> CampaignPlan {
        let (key, name) = ("key".into(), "name".into());
        CampaignPlan { key, name, seed: 1, scenarios: Vec::new(), limits, events: None }
    }

    #[test]
    fn events_that_were_dropped_have_a_limit_wherever_they_were() {
        let plan = plan(Limits { events_dropped: 7, ..Limits::default() });
        let mut aggregate = Aggregate::default();
        aggregate.merge("f", None, &Snapshot { events_dropped: 4, ..Snapshot::default() });
        aggregate.count_events(10, 3);
        assert_eq!(messages(&plan, &aggregate), [""; 0]);
        aggregate.count_events(1, 1);
        assert_eq!(
            messages(&plan, &aggregate),
            [
                "8 events were dropped because a buffer was full, the limit is 7 (campaign.limits.events-dropped); \
             monitor fewer steps, raise report.export.events.level or report.export.events.buffer, or use a \
              larger machine"
            ]
        );
    }

    #[test]
    fn dropped_evidence_has_a_limit() {
        let plan = plan(Limits { evidence_lost: 7, ..Limits::default() });
        let mut aggregate = Aggregate::default();
        let mut merge = || {
            aggregate.merge("f", None, &Snapshot { evidence_lost: 4, ..Snapshot::default() });
            messages(&plan, &aggregate)
        };
        assert_eq!(merge(), [""; 0]);
        assert_eq!(
            merge(),
            ["8 failures were counted but have no evidence, the limit is 7 \
              (campaign.limits.evidence-lost); use fewer minions or a larger machine, or lower \
              report.evidence.limit"]
        );
    }

    #[test]
    fn a_factory_that_uses_up_its_machine_has_a_limit_of_time() {
        let plan = plan(Limits { cpu: 60, cpu_time: Duration::from_secs(2), ..Limits::default() });
        let mut aggregate = Aggregate::default();
        let mut second = |factory: &str, machine, own| {
            let cpu = Some(CpuUse { time_ms: 1_000, machine, own });
            let health = Health { cpu, clock_jump_ns: 0 };
            aggregate.merge(factory, None, &Snapshot { health, ..Snapshot::default() });
            messages(&plan, &aggregate)
        };
        for _ in 0..3 {
            assert_eq!(second("idle", 94, 94), [""; 0], "some CPU is left");
            assert_eq!(second("disturbed", 100, 59), [""; 0], "others use it");
        }
        for factory in ["a", "b", "a", "b"] {
            assert_eq!(second(factory, 95, 60), [""; 0], "each factory has its own limit");
        }
        assert_eq!(
            second("b", 100, 97),
            [
                "the load generator was out of CPU: for 3 s of the load at least 95 % of the CPU of factory 'b' was in \
              use, 60 % or more of it by the factory itself (campaign.limits.cpu), the limit is 2 s \
              (campaign.limits.cpu-time); use a lower load, cheaper steps, a larger machine, or run the system under \
              test outside of the factory"
            ]
        );
    }

    #[test]
    fn e11_the_advice_fits_the_cause_of_a_late_generator() {
        let late = |snapshot: Snapshot| {
            let name = "checkout".to_owned();
            let mut figures =
                qalipsis_model::snapshot::ScenarioFigures { released: 9, ended: 9, ..Default::default() };
            figures.release_lag.record_n(9_000_000_000, 9);
            let planned = qalipsis_model::plan::ScenarioPlan {
                name: name.clone(),
                minions: 9,
                profile: qalipsis_profile::profile::Profile::immediate(),
                overload: None,
                properties: Default::default(),
                criteria: Vec::new(),
            };
            let plan = CampaignPlan { scenarios: vec![planned], ..plan(Limits::default()) };
            let location =
                qalipsis_model::location::SourceLocation { file: "main.rs".into(), line: 1, column: 1 };
            let described = [crate::judge::Described {
                crate_name: "shop".into(),
                scenario: qalipsis_model::description::ScenarioDescription {
                    name: name.clone(),
                    description: String::new(),
                    minions: 9,
                    profile: qalipsis_profile::profile::Profile::immediate(),
                    overload: Default::default(),
                    steps: Vec::new(),
                    properties: Vec::new(),
                    meters: Vec::new(),
                    criteria: Vec::new(),
                    location,
                },
            }];
            let mut aggregate = Aggregate::default();
            aggregate.merge("f", None, &Snapshot { scenarios: [(name, figures)].into(), ..snapshot });
            let now = qalipsis_model::timestamp::Timestamp(0);
            let report = crate::judge::judge(crate::judge::JudgeInput {
                plan: &plan,
                described: &described,
                replay: false,
                aggregate: &aggregate,
                ending: &crate::judge::Ending::Completed,
                started: now,
                ended: now,
                notes: Vec::new(),
                factories: Vec::new(),
                git_revision: None,
                environment: Default::default(),
            });
            let messages: Vec<&str> = report.reasons.iter().map(|reason| reason.message.as_str()).collect();
            let late = messages.iter().find_map(|message| message.split_once("release-lag); "));
            late.unwrap_or_else(|| panic!("{messages:?}")).1.to_owned()
        };
        let cpu = |machine| {
            let cpu = Some(CpuUse { time_ms: 1_000, machine, own: 10 });
            Snapshot { health: Health { cpu, ..Health::default() }, ..Snapshot::default() }
        };
        assert_eq!(late(cpu(100)), "use fewer minions, a longer ramp-up or a larger machine");
        assert!(late(cpu(20)).starts_with("its machine was never out of CPU"), "{}", late(cpu(20)));
        let blocked = qalipsis_model::blocked::Blocked {
            longest: Duration::from_millis(103),
            count: 7,
            scenario: "checkout".into(),
            step: Some("place".into()),
        };
        assert_eq!(
            late(Snapshot { blocked: Some(blocked), ..cpu(20) }),
            "a worker thread was blocked without an await for 103 ms or longer, 7 times, in scenario 'checkout', step \
             'place': move blocking work to tokio::task::spawn_blocking, and sleep with tokio::time::sleep or \
             minion.pause"
        );
    }

    #[test]
    fn a_clock_that_jumps_has_a_limit() {
        let plan = plan(Limits { clock_jump: Duration::from_secs(1), ..Limits::default() });
        let mut aggregate = Aggregate::default();
        let jump = |seconds: i64| Snapshot {
            health: Health { cpu: None, clock_jump_ns: seconds * 1_000_000_000 },
            ..Snapshot::default()
        };
        aggregate.merge("f", None, &jump(-1));
        aggregate.runner_clock_moved(1_000_000_000);
        assert_eq!(messages(&plan, &aggregate), [""; 0]);
        aggregate.merge("f", None, &jump(-90));
        aggregate.runner_clock_moved(2_000_000_000);
        let message = |who: &str| {
            format!(
                "the wall clock of {who} during the campaign, the limit is 1 s (campaign.limits.clock-jump), so that \
                 times, windows and stages do not match; let the time service slew the clock instead of setting it, \
                 and keep the machine from sleeping"
            )
        };
        let expected =
            [message("factory 'f' jumped backward by 90 s"), message("the runner jumped forward by 2 s")];
        assert_eq!(messages(&plan, &aggregate), expected);
    }
}
