//! From the plan of a campaign to the plans of its factories.

use qalipsis_model::plan::{CampaignPlan, FactoryPlan, LoadShare, ScenarioPlan};
use qalipsis_model::split::ZoneSplit;
use qalipsis_profile::apportion::apportion;
use qalipsis_profile::overload::Overload;
use qalipsis_profile::segment::Segment;
use std::collections::{BTreeMap, BTreeSet};

/// A factory that can take part in a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Name of the factory in reports.
    pub name: String,
    /// Its zone.
    pub zone: Option<String>,
    /// How much it can do, compared with the others of its zone.
    pub capacity: u32,
    /// Threads that run its minions; `None` for one per core.
    pub workers: Option<u32>,
    /// The scenarios that it can run.
    pub scenarios: Vec<String>,
}

/// Why a campaign cannot be divided among its factories.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Indivisible {
    /// A zone is to have some of a scenario, and no factory of it can run that.
    #[error(
        "scenario '{scenario}': no factory in zone '{zone}' runs it{}",
        if there.is_empty() { ", and none in any other zone".to_owned() } else { format!(", factories that do are in {}", there.join(", ")) }
    )]
    NoFactory {
        /// The scenario.
        scenario: String,
        /// The zone.
        zone: String,
        /// Where there are such factories.
        there: Vec<String>,
    },
    /// No factory can run a scenario.
    #[error("scenario '{0}': no factory runs it")]
    NoFactoryAtAll(String),
}

/// The plans of the factories that take part, each with the number of its site. Every minion of every scenario is in exactly
/// one of them.
///
/// # Errors
/// All that is not possible.
pub fn divide(
    campaign: &CampaignPlan,
    sites: &[Site],
    split: &ZoneSplit,
) -> Result<Vec<(usize, FactoryPlan)>, Vec<Indivisible>> {
    let mut problems = Vec::new();
    // By site: what it has of which scenario.
    let mut plans: Vec<Vec<(ScenarioPlan, LoadShare)>> = vec![Vec::new(); sites.len()];
    for scenario in &campaign.scenarios {
        let counts = match counts(scenario, sites, split.percents.get(&scenario.name)) {
            Ok(counts) => counts,
            Err(found) => {
                problems.extend(found);
                continue;
            }
        };
        let weights: Vec<u32> = counts.iter().map(|&(_, minions)| minions).collect();
        let overloads = overloads(scenario.overload, &weights);
        let shares = LoadShare::among(&Segment::split(&weights));
        for (((site, _), share), overload) in counts.into_iter().zip(shares).zip(overloads) {
            let mut own = ScenarioPlan { overload, ..scenario.clone() };
            let zone = sites[site].zone.as_ref().and_then(|zone| split.properties.get(zone));
            if let Some(values) = zone.and_then(|zone| zone.get(&scenario.name)) {
                own.properties.0.extend(values.0.clone());
            }
            plans[site].push((own, share));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let taking_part = plans.into_iter().zip(sites).enumerate().filter(|(_, (plan, _))| !plan.is_empty());
    let plans = taking_part.map(|(index, (plan, site))| {
        let (scenarios, shares) = plan.into_iter().unzip();
        let plan = FactoryPlan {
            campaign: CampaignPlan { scenarios, ..campaign.clone() },
            factory: site.name.clone(),
            zone: site.zone.clone(),
            shares,
            workers: site.workers,
            replay: None,
        };
        (index, plan)
    });
    Ok(plans.collect())
}

/// How many minions of a scenario each site has, without those that have none.
fn counts(
    scenario: &ScenarioPlan,
    sites: &[Site],
    percents: Option<&BTreeMap<String, u32>>,
) -> Result<Vec<(usize, u32)>, Vec<Indivisible>> {
    let hosts: Vec<usize> =
        (0..sites.len()).filter(|&site| sites[site].scenarios.contains(&scenario.name)).collect();
    if hosts.is_empty() {
        return Err(vec![Indivisible::NoFactoryAtAll(scenario.name.clone())]);
    }
    let Some(percents) = percents else { return Ok(among(scenario.minions, &hosts, sites)) };
    let in_zone = |zone: &str| -> Vec<usize> {
        hosts.iter().copied().filter(|&site| sites[site].zone.as_deref() == Some(zone)).collect()
    };
    let zones: Vec<(&String, u32)> =
        percents.iter().map(|(zone, &percent)| (zone, percent)).filter(|(_, percent)| *percent > 0).collect();
    let empty = zones.iter().filter(|(zone, _)| in_zone(zone).is_empty());
    let problems: Vec<Indivisible> = empty
        .map(|(zone, _)| {
            let there: BTreeSet<String> =
                hosts.iter().filter_map(|&site| sites[site].zone.clone()).map(|z| format!("'{z}'")).collect();
            Indivisible::NoFactory {
                scenario: scenario.name.clone(),
                zone: (*zone).clone(),
                there: there.into_iter().collect(),
            }
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let weights: Vec<u64> = zones.iter().map(|(_, percent)| u64::from(*percent)).collect();
    let minions = apportion(scenario.minions.into(), &weights);
    let counts = zones.iter().zip(minions).flat_map(|((zone, _), minions)| {
        among(u32::try_from(minions).unwrap_or(u32::MAX), &in_zone(zone), sites)
    });
    let mut counts: Vec<(usize, u32)> = counts.collect();
    counts.sort_unstable();
    Ok(counts)
}

/// Divides minions among these sites by what they can do, without those that get none.
fn among(minions: u32, hosts: &[usize], sites: &[Site]) -> Vec<(usize, u32)> {
    let weights: Vec<u64> = hosts.iter().map(|&site| sites[site].capacity.into()).collect();
    let parts = apportion(minions.into(), &weights);
    let parts = parts.into_iter().map(|part| u32::try_from(part).unwrap_or(u32::MAX));
    hosts.iter().copied().zip(parts).filter(|(_, part)| *part > 0).collect()
}

/// The limit of active minions of a scenario, divided as they are. Each factory may have one at least, since with none
/// nothing would ever run there.
fn overloads(policy: Option<Overload>, weights: &[u32]) -> Vec<Option<Overload>> {
    let weights: Vec<u64> = weights.iter().copied().map(u64::from).collect();
    let parts = |limit: u32| {
        apportion(limit.into(), &weights)
            .into_iter()
            .map(|part| u32::try_from(part).unwrap_or(u32::MAX).max(1))
    };
    match policy {
        Some(Overload::Drop(limit)) => parts(limit).map(|part| Some(Overload::Drop(part))).collect(),
        Some(Overload::Abort(limit)) => parts(limit).map(|part| Some(Overload::Abort(part))).collect(),
        Some(Overload::Queue) | None => vec![policy; weights.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{plan, scenario};
    use proptest::prelude::*;
    use qalipsis_model::plan::{Limits, PropertyValues, Role};

    fn site(name: &str, zone: &str, capacity: u32) -> Site {
        Site {
            name: name.into(),
            zone: Some(zone.into()),
            capacity,
            workers: None,
            scenarios: vec!["checkout".into()],
        }
    }

    fn campaign(minions: u32) -> CampaignPlan {
        let scenario = ScenarioPlan { minions, ..scenario("checkout") };
        CampaignPlan { scenarios: vec![scenario], ..plan(Limits::default()) }
    }

    fn percents(zones: &[(&str, u32)]) -> ZoneSplit {
        let zones = zones.iter().map(|(zone, percent)| ((*zone).to_owned(), *percent)).collect();
        ZoneSplit { percents: [("checkout".to_owned(), zones)].into(), ..ZoneSplit::default() }
    }

    fn hosted(plans: &[(usize, FactoryPlan)], minions: u32) -> Vec<(usize, u64)> {
        plans.iter().map(|(site, plan)| (*site, plan.shares[0].segment.hosted(minions))).collect()
    }

    #[test]
    fn zones_get_their_percentage_to_the_minion_and_factories_of_a_zone_what_they_can_do() {
        let sites = [site("a", "eu", 1), site("b", "us", 1), site("c", "eu", 2)];
        let plans = divide(&campaign(10), &sites, &percents(&[("eu", 60), ("us", 40)])).unwrap();
        assert_eq!(hosted(&plans, 10), [(0, 2), (1, 4), (2, 4)]);
        let roles: Vec<Role> = plans.iter().map(|(_, plan)| plan.shares[0].role).collect();
        assert_eq!(roles, [Role::Leading, Role::Following, Role::Following]);
    }

    #[test]
    fn a_factory_without_any_minion_takes_no_part() {
        let sites = [site("a", "eu", 1), site("b", "us", 1)];
        let plans = divide(&campaign(10), &sites, &percents(&[("eu", 0), ("us", 100)])).unwrap();
        assert_eq!(hosted(&plans, 10), [(1, 10)]);
        assert_eq!(plans[0].1.shares[0].role, Role::Alone);
    }

    #[test]
    fn a_zone_has_its_own_properties() {
        let values = PropertyValues([("shop".to_owned(), "far".to_owned())].into());
        let split = ZoneSplit {
            properties: [("us".to_owned(), [("checkout".to_owned(), values)].into())].into(),
            ..ZoneSplit::default()
        };
        let plans = divide(&campaign(4), &[site("a", "eu", 1), site("b", "us", 1)], &split).unwrap();
        let shops =
            plans.iter().map(|(_, plan)| plan.campaign.scenarios[0].properties.0.get("shop").cloned());
        assert_eq!(shops.collect::<Vec<_>>(), [None, Some("far".to_owned())]);
    }

    #[test]
    fn what_is_not_possible_is_said() {
        let problems =
            divide(&campaign(4), &[site("a", "eu", 1)], &percents(&[("eu", 50), ("us", 50)])).unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "scenario 'checkout': no factory in zone 'us' runs it, factories that do are in 'eu'"
        );
        let problems = divide(&campaign(4), &[], &ZoneSplit::default()).unwrap_err();
        assert_eq!(problems[0].to_string(), "scenario 'checkout': no factory runs it");
    }

    #[test]
    fn limits_of_active_minions_are_divided_too() {
        let mut campaign = campaign(10);
        campaign.scenarios[0].overload = Some(Overload::Drop(5));
        let sites = [site("a", "eu", 1), site("b", "us", 1)];
        let plans = divide(&campaign, &sites, &percents(&[("eu", 60), ("us", 40)])).unwrap();
        let limits = plans.iter().map(|(_, plan)| plan.campaign.scenarios[0].overload);
        assert_eq!(limits.collect::<Vec<_>>(), [Some(Overload::Drop(3)), Some(Overload::Drop(2))]);
    }

    proptest! {
        #[test]
        fn every_minion_is_in_one_factory(
            minions in 1_u32..2_000,
            capacities in proptest::collection::vec(1_u32..20, 1..7),
            percent in 0_u32..=100,
        ) {
            let zones = ["eu", "us"];
            let sites: Vec<Site> = capacities
                .iter()
                .enumerate()
                .map(|(index, capacity)| site("f", zones[index % 2], *capacity))
                .collect();
            let split = if sites.len() > 1 { percents(&[("eu", percent), ("us", 100 - percent)]) } else { ZoneSplit::default() };
            let plans = divide(&campaign(minions), &sites, &split).unwrap();
            for minion in 0..minions {
                let hosts = plans.iter().filter(|(_, plan)| plan.shares[0].segment.hosts(minion)).count();
                prop_assert_eq!(hosts, 1);
            }
            let sum: u64 = hosted(&plans, minions).iter().map(|(_, count)| count).sum();
            prop_assert_eq!(sum, u64::from(minions));
        }
    }
}
