//! Plans and profiles.

use super::common::{fitting, mirror, read_optional, read_required, required, write_duration};
use super::criterion::{read_criterion, write_criterion};
use super::event::{read_level, write_level};
use crate::malformed::{Cause, Malformed};
use crate::wire::plan as wire;
use qalipsis_model::plan::{
    CampaignPlan, EventsPlan, FactoryPlan, Limits, LoadShare, PropertyValues, Replay, Role, ScenarioPlan,
};
use qalipsis_profile::overload::Overload;
use qalipsis_profile::profile::{ArrivalRate, Batch, Completion, Profile, Share, Spacing, Stage};
use qalipsis_profile::segment::Segment;

mirror!(
    write_completion,
    read_completion,
    Completion,
    wire::profile::Completion,
    "completion",
    [Graceful, Hard]
);

mirror!(write_role, read_role, Role, wire::Role, "role", [Alone, Leading, Following]);

fn write_share(share: &LoadShare) -> wire::LoadShare {
    let Segment { from, to, of } = share.segment;
    wire::LoadShare { segment: Some(wire::Segment { from, to, of }), role: write_role(share.role) }
}

fn read_share(share: wire::LoadShare) -> Result<LoadShare, Malformed> {
    let wire::Segment { from, to, of } = required(share.segment, "segment")?;
    let role = required(read_role(share.role)?, "role")?;
    Ok(LoadShare { segment: Segment { from, to, of }, role })
}

pub(super) fn write_factory(plan: &FactoryPlan) -> wire::FactoryPlan {
    wire::FactoryPlan {
        campaign: Some(write_campaign(&plan.campaign)),
        factory: plan.factory.clone(),
        zone: plan.zone.clone(),
        shares: plan.shares.iter().map(write_share).collect(),
        workers: plan.workers,
        replay: plan.replay.as_ref().map(write_replay),
    }
}

pub(super) fn read_factory(plan: wire::FactoryPlan) -> Result<FactoryPlan, Malformed> {
    let campaign = read_campaign(required(plan.campaign, "campaign")?);
    let campaign = campaign.map_err(|error| error.within("campaign"))?;
    let shares: Vec<LoadShare> = plan.shares.into_iter().map(read_share).collect::<Result<_, _>>()?;
    if shares.len() != campaign.scenarios.len() {
        return Err(Cause::Missing("share of a scenario, or scenario of a share,").into());
    }
    Ok(FactoryPlan {
        campaign,
        factory: plan.factory,
        zone: plan.zone,
        shares,
        workers: plan.workers,
        replay: plan.replay.map(read_replay),
    })
}

fn write_replay(replay: &Replay) -> wire::Replay {
    let taken =
        |(data, records): (&String, &Option<u64>)| (data.clone(), wire::RecordsTaken { records: *records });
    wire::Replay { iteration: replay.iteration, taken: replay.taken.iter().map(taken).collect() }
}

fn read_replay(replay: wire::Replay) -> Replay {
    let taken = |(data, taken): (String, wire::RecordsTaken)| (data, taken.records);
    Replay { iteration: replay.iteration, taken: replay.taken.into_iter().map(taken).collect() }
}

fn write_campaign(plan: &CampaignPlan) -> wire::CampaignPlan {
    let events =
        |EventsPlan { level, buffer }: EventsPlan| wire::EventsPlan { level: write_level(level), buffer };
    wire::CampaignPlan {
        key: plan.key.clone(),
        name: plan.name.clone(),
        seed: plan.seed,
        scenarios: plan.scenarios.iter().map(write_scenario).collect(),
        limits: Some(write_limits(&plan.limits)),
        events: plan.events.map(events),
    }
}

fn read_campaign(plan: wire::CampaignPlan) -> Result<CampaignPlan, Malformed> {
    let scenario = |scenario: wire::ScenarioPlan| {
        let name = scenario.name.clone();
        read_scenario(scenario).map_err(|error| error.within(format!("scenario '{name}'")))
    };
    let events = |plan: wire::EventsPlan| -> Result<EventsPlan, Malformed> {
        Ok(EventsPlan { level: required(read_level(plan.level)?, "level of events")?, buffer: plan.buffer })
    };
    Ok(CampaignPlan {
        key: plan.key,
        name: plan.name,
        seed: plan.seed,
        scenarios: plan.scenarios.into_iter().map(scenario).collect::<Result<_, _>>()?,
        limits: read_limits(required(plan.limits, "limits")?).map_err(|error| error.within("limits"))?,
        events: plan.events.map(events).transpose()?,
    })
}

fn write_scenario(plan: &ScenarioPlan) -> wire::ScenarioPlan {
    wire::ScenarioPlan {
        name: plan.name.clone(),
        minions: plan.minions,
        profile: Some(write_profile(&plan.profile)),
        overload: plan.overload.map(write_overload),
        properties: plan.properties.0.clone(),
        criteria: plan.criteria.iter().map(write_criterion).collect(),
    }
}

fn read_scenario(plan: wire::ScenarioPlan) -> Result<ScenarioPlan, Malformed> {
    let criterion = |(place, criterion)| {
        read_criterion(criterion).map_err(|error| error.within(format!("criterion {place}")))
    };
    let profile = read_profile(required(plan.profile, "profile")?);
    Ok(ScenarioPlan {
        name: plan.name,
        minions: plan.minions,
        profile: profile.map_err(|error| error.within("profile"))?,
        overload: plan.overload.map(read_overload).transpose()?,
        properties: PropertyValues(plan.properties),
        criteria: plan.criteria.into_iter().enumerate().map(criterion).collect::<Result<_, _>>()?,
    })
}

fn write_overload(overload: Overload) -> wire::Overload {
    use wire::overload::{Policy, Queue};
    let policy = match overload {
        Overload::Queue => Policy::Queue(Queue {}),
        Overload::Drop(limit) => Policy::Drop(limit),
        Overload::Abort(limit) => Policy::Abort(limit),
    };
    wire::Overload { policy: Some(policy) }
}

fn read_overload(overload: wire::Overload) -> Result<Overload, Malformed> {
    use wire::overload::Policy;
    Ok(match required(overload.policy, "overload policy")? {
        Policy::Queue(_) => Overload::Queue,
        Policy::Drop(limit) => Overload::Drop(limit),
        Policy::Abort(limit) => Overload::Abort(limit),
    })
}

fn write_limits(limits: &Limits) -> wire::Limits {
    wire::Limits {
        evidence: limits.evidence,
        iteration: Some(write_duration(limits.iteration)),
        warm_up: Some(write_duration(limits.warm_up)),
        drain: Some(write_duration(limits.drain)),
        campaign: limits.campaign.map(write_duration),
        campaign_hard: limits.campaign_hard.map(write_duration),
        release_lag: Some(write_duration(limits.release_lag)),
        dropped: limits.dropped,
        source_lag: limits.source_lag,
        evidence_lost: limits.evidence_lost,
        cpu: limits.cpu.into(),
        cpu_time: Some(write_duration(limits.cpu_time)),
        clock_jump: Some(write_duration(limits.clock_jump)),
        events_dropped: limits.events_dropped,
        factory_silence: Some(write_duration(limits.factory_silence)),
        failures: limits.failures,
    }
}

fn read_limits(limits: wire::Limits) -> Result<Limits, Malformed> {
    Ok(Limits {
        evidence: limits.evidence,
        iteration: read_required(limits.iteration, "iteration")?,
        warm_up: read_required(limits.warm_up, "warm-up")?,
        drain: read_required(limits.drain, "drain")?,
        campaign: read_optional(limits.campaign, "campaign")?,
        campaign_hard: read_optional(limits.campaign_hard, "campaign-hard")?,
        release_lag: read_required(limits.release_lag, "release-lag")?,
        dropped: limits.dropped,
        source_lag: limits.source_lag,
        evidence_lost: limits.evidence_lost,
        cpu: fitting(limits.cpu, "cpu")?,
        cpu_time: read_required(limits.cpu_time, "cpu-time")?,
        clock_jump: read_required(limits.clock_jump, "clock-jump")?,
        events_dropped: limits.events_dropped,
        factory_silence: read_required(limits.factory_silence, "factory-silence")?,
        failures: limits.failures,
    })
}

fn write_profile(profile: &Profile) -> wire::Profile {
    use wire::profile::Profile as Wire;
    let profile = match profile {
        Profile::Immediate => Wire::Immediate(wire::profile::Immediate {}),
        Profile::Regular { count, every } => {
            Wire::Regular(wire::profile::Regular { count: *count, every: Some(write_duration(*every)) })
        }
        Profile::More { count, every, multiplier, max } => Wire::More(wire::profile::More {
            count: *count,
            every: Some(write_duration(*every)),
            multiplier: *multiplier,
            max: *max,
        }),
        Profile::Faster { count, start_every, accelerator, min_every } => {
            Wire::Faster(wire::profile::Faster {
                count: *count,
                start_every: Some(write_duration(*start_every)),
                accelerator: *accelerator,
                min_every: Some(write_duration(*min_every)),
            })
        }
        Profile::Timeframe { every, within } => Wire::Timeframe(wire::profile::Timeframe {
            every: Some(write_duration(*every)),
            within: Some(write_duration(*within)),
        }),
        Profile::Stages { stages, completion } => Wire::Stages(wire::profile::Stages {
            stages: stages.iter().map(write_stage).collect(),
            completion: write_completion(*completion),
        }),
        Profile::Arrivals { rates, spacing } => Wire::Arrivals(wire::profile::Arrivals {
            rates: rates.iter().map(write_rate).collect(),
            poisson_seed: match spacing {
                Spacing::Even => None,
                Spacing::Poisson { seed } => Some(*seed),
            },
        }),
        Profile::Batches { batches } => {
            Wire::Batches(wire::profile::Batches { batches: batches.iter().map(write_batch).collect() })
        }
    };
    wire::Profile { profile: Some(profile) }
}

fn read_profile(profile: wire::Profile) -> Result<Profile, Malformed> {
    use wire::profile::Profile as Wire;
    Ok(match required(profile.profile, "kind of profile")? {
        Wire::Immediate(_) => Profile::Immediate,
        Wire::Regular(regular) => {
            Profile::Regular { count: regular.count, every: read_required(regular.every, "period")? }
        }
        Wire::More(more) => Profile::More {
            count: more.count,
            every: read_required(more.every, "period")?,
            multiplier: more.multiplier,
            max: more.max,
        },
        Wire::Faster(faster) => Profile::Faster {
            count: faster.count,
            start_every: read_required(faster.start_every, "first period")?,
            accelerator: faster.accelerator,
            min_every: read_required(faster.min_every, "shortest period")?,
        },
        Wire::Timeframe(timeframe) => Profile::Timeframe {
            every: read_required(timeframe.every, "period")?,
            within: read_required(timeframe.within, "window")?,
        },
        Wire::Stages(stages) => Profile::Stages {
            completion: required(read_completion(stages.completion)?, "completion")?,
            stages: stages.stages.into_iter().map(read_stage).collect::<Result<_, _>>()?,
        },
        Wire::Arrivals(arrivals) => Profile::Arrivals {
            rates: arrivals.rates.into_iter().map(read_rate).collect::<Result<_, _>>()?,
            spacing: arrivals.poisson_seed.map_or(Spacing::Even, |seed| Spacing::Poisson { seed }),
        },
        Wire::Batches(batches) => Profile::Batches {
            batches: batches.batches.into_iter().map(read_batch).collect::<Result<_, _>>()?,
        },
    })
}

fn write_stage(stage: &Stage) -> wire::profile::Stage {
    use wire::profile::stage::Share as Wire;
    wire::profile::Stage {
        share: Some(match stage.share {
            Share::Percent(percent) => Wire::Percent(percent),
            Share::Minions(minions) => Wire::Minions(minions),
        }),
        ramp_up: Some(write_duration(stage.ramp_up)),
        total: Some(write_duration(stage.total)),
    }
}

fn read_stage(stage: wire::profile::Stage) -> Result<Stage, Malformed> {
    use wire::profile::stage::Share as Wire;
    Ok(Stage {
        share: match required(stage.share, "share of a stage")? {
            Wire::Percent(percent) => Share::Percent(percent),
            Wire::Minions(minions) => Share::Minions(minions),
        },
        ramp_up: read_required(stage.ramp_up, "ramp-up of a stage")?,
        total: read_required(stage.total, "time of a stage")?,
    })
}

fn write_rate(rate: &ArrivalRate) -> wire::profile::ArrivalRate {
    wire::profile::ArrivalRate {
        per_hour: rate.per_hour,
        ramp: Some(write_duration(rate.ramp)),
        total: Some(write_duration(rate.total)),
    }
}

fn read_rate(rate: wire::profile::ArrivalRate) -> Result<ArrivalRate, Malformed> {
    Ok(ArrivalRate {
        per_hour: rate.per_hour,
        ramp: read_required(rate.ramp, "ramp of a rate")?,
        total: read_required(rate.total, "time of a rate")?,
    })
}

fn write_batch(batch: &Batch) -> wire::profile::Batch {
    wire::profile::Batch { at: Some(write_duration(batch.at)), count: batch.count }
}

fn read_batch(batch: wire::profile::Batch) -> Result<Batch, Malformed> {
    Ok(Batch { at: read_required(batch.at, "time of a batch")?, count: batch.count })
}
