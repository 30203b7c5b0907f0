//! The factories of this machine, and what each does of a campaign.

use crate::discovery::Executable;
use crate::names;
use crate::problem::Problem;
use qalipsis_config::Settings;
use qalipsis_head::{Site, divide};
use qalipsis_model::plan::{CampaignPlan, FactoryPlan, LoadShare, Replay};
use qalipsis_model::split::ZoneSplit;
use qalipsis_profile::segment::Segment;
use std::thread::available_parallelism;

/// A factory that takes part in a campaign.
pub(crate) struct Planned<'a> {
    /// What it runs.
    pub(crate) executable: &'a Executable,
    /// What it is to do.
    pub(crate) plan: FactoryPlan,
}

/// One factory for each executable, or with `factories` one for each and each of those.
fn sites(settings: &Settings, executables: &[Executable]) -> Vec<(usize, Site)> {
    let names = names::of(executables.iter().map(|executable| executable.path.as_path()));
    let cores = available_parallelism().map_or(1, usize::from);
    let part = u32::try_from(cores / settings.factories.len().max(1)).unwrap_or(1).max(1);
    let of = |(index, (executable, name)): (usize, (&Executable, &String))| {
        let scenarios: Vec<String> =
            executable.description.scenarios.iter().map(|scenario| scenario.name.clone()).collect();
        let alone = Site {
            name: name.clone(),
            zone: settings.zone.clone(),
            capacity: 1,
            workers: settings.workers,
            scenarios,
        };
        if settings.factories.is_empty() {
            return vec![(index, alone)];
        }
        let several = settings.factories.iter().map(|factory| {
            let label = factory.name.as_ref().unwrap_or(&factory.zone);
            let name = if executables.len() > 1 { format!("{name} {label}") } else { label.clone() };
            let workers = factory.workers.or(settings.workers).or(Some(part));
            let zone = Some(factory.zone.clone());
            (index, Site { name, zone, capacity: factory.capacity, workers, ..alone.clone() })
        });
        several.collect()
    };
    executables.iter().zip(&names).enumerate().flat_map(of).collect()
}

/// The zone of each factory that an executable has.
pub(crate) fn zones(settings: &Settings) -> Vec<Option<String>> {
    if settings.factories.is_empty() {
        return vec![settings.zone.clone()];
    }
    settings.factories.iter().map(|factory| Some(factory.zone.clone())).collect()
}

/// Divides a campaign among the factories of this machine.
///
/// # Errors
/// When that is not possible, for example because a zone has no factory.
pub(crate) fn factories<'a>(
    settings: &Settings,
    executables: &'a [Executable],
    plan: &CampaignPlan,
    split: &ZoneSplit,
) -> Result<Vec<Planned<'a>>, Vec<Problem>> {
    let (owners, sites): (Vec<usize>, Vec<Site>) = sites(settings, executables).into_iter().unzip();
    let plans = divide(plan, &sites, split)
        .map_err(|problems| problems.into_iter().map(Problem::new).collect::<Vec<_>>())?;
    let planned =
        |(site, plan): (usize, FactoryPlan)| Planned { executable: &executables[owners[site]], plan };
    Ok(plans.into_iter().map(planned).collect())
}

/// The factory that runs one iteration of one minion again: the one that hosted it, with nobody else.
pub(crate) fn replaying<'a>(
    settings: &Settings,
    executables: &'a [Executable],
    plan: &CampaignPlan,
    split: &ZoneSplit,
    (minion, replay): (u32, &Replay),
) -> Result<Vec<Planned<'a>>, Vec<Problem>> {
    // A replay has one scenario.
    let minions = plan.scenarios.first().map_or(0, |scenario| scenario.minions);
    let mut planned = factories(settings, executables, plan, split)?;
    planned.retain(|factory| factory.plan.shares.iter().any(|share| share.segment.hosts(minion)));
    planned.truncate(1);
    for factory in &mut planned {
        let segment = Segment::of_minion(minion, minions);
        factory.plan.shares = vec![LoadShare { segment, ..LoadShare::WHOLE }];
        factory.plan.workers = Some(1);
        factory.plan.replay = Some(replay.clone());
    }
    Ok(planned)
}
