//! Whether the load generator, and not the system under test, was the bottleneck: then the figures say nothing.

use crate::aggregate::Aggregate;
use crate::duration::{human, human_ns};
use crate::evidence::FailureKind;
use crate::plan::CampaignPlan;
use crate::report::{Reason, ScenarioReport};

/// All that makes the figures of a campaign invalid, and what to do about it.
pub(super) fn reasons(
    scenarios: &[ScenarioReport],
    plan: &CampaignPlan,
    aggregate: &Aggregate,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for scenario in scenarios {
        let messages = [late(scenario, plan), dropped(scenario, plan)].into_iter().flatten();
        let messages = messages.chain(behind(scenario, plan));
        reasons.extend(messages.map(|message| reason(Some(&scenario.name), message)));
    }
    reasons.extend(lost(plan, aggregate).map(|message| reason(None, message)));
    reasons
}

fn reason(scenario: Option<&str>, message: String) -> Reason {
    Reason { scenario: scenario.map(str::to_owned), step: None, kind: None, message }
}

fn late(scenario: &ScenarioReport, plan: &CampaignPlan) -> Option<String> {
    let lag = scenario.release_lag.percentile_ns(99.0)?;
    let limit = plan.limits.release_lag;
    (u128::from(lag) > limit.as_nanos()).then(|| {
        format!(
            "the load generator was too slow: 1 % of the minions started more than {} late, the limit is {} \
             (campaign.limits.release-lag); use fewer minions, a longer ramp-up or a larger machine",
            human_ns(lag),
            human(limit),
        )
    })
}

fn dropped(scenario: &ScenarioReport, plan: &CampaignPlan) -> Option<String> {
    let (dropped, limit) = (scenario.dropped, plan.limits.dropped);
    (dropped > limit).then(|| {
        format!(
            "the load was not what was asked: {dropped} of {} minions were dropped because too many others were \
             active, the limit is {limit} (campaign.limits.dropped); release fewer, or allow more of them at once \
             (Scenario::overload)",
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
        let lag = join.own_lag.filter(|lag| *lag > limit && missing > 0)?;
        Some(format!(
            "the tester did not read all of {}: {lag} records were left at the end, the limit is {limit} \
             (campaign.limits.source-lag), and of the awaited ones {missing} never came, maybe for that; give it more cores, a \
             longer campaign.limits.drain, or less to read",
            join.name,
        ))
    })
}

fn lost(plan: &CampaignPlan, aggregate: &Aggregate) -> Option<String> {
    let (lost, limit) = (aggregate.evidence_lost(), plan.limits.evidence_lost);
    (lost > limit).then(|| {
        format!(
            "{lost} failures were counted but could not be told whole, the limit is {limit} \
             (campaign.limits.evidence-lost); use fewer minions or a larger machine, or lower report.evidence.limit"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Limits;
    use crate::snapshot::Snapshot;

    #[test]
    fn failures_that_were_not_told_whole_have_a_limit() {
        let limits = Limits { evidence_lost: 7, ..Limits::default() };
        let plan =
            CampaignPlan { key: "key".into(), name: "name".into(), seed: 1, scenarios: Vec::new(), limits };
        let mut aggregate = Aggregate::default();
        let mut messages = || {
            aggregate.merge(None, &Snapshot { evidence_lost: 4, ..Snapshot::default() });
            reasons(&[], &plan, &aggregate).into_iter().map(|reason| reason.message).collect::<Vec<_>>()
        };
        assert_eq!(messages(), [""; 0]);
        assert_eq!(
            messages(),
            ["8 failures were counted but could not be told whole, the limit is 7 \
              (campaign.limits.evidence-lost); use fewer minions or a larger machine, or lower \
              report.evidence.limit"]
        );
    }
}
