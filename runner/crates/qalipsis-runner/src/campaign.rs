//! A campaign as far as it can be known before anything runs.

use crate::baseline::Baselines;
use crate::cli::Invocation;
use crate::config::Settings;
use crate::discovery::{Executable, describe_all, problems, select};
use crate::error::Error;
use crate::outputs;
use crate::problem::Problem;
use crate::sites::{self, Planned};
use jiff::tz::TimeZone;
use qalipsis_compare::load;
use qalipsis_config::reason;
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::plan::CampaignPlan;
use qalipsis_model::smoke::Smoke;
use qalipsis_model::split::ZoneSplit;
use std::collections::{BTreeMap, BTreeSet};

/// All that a run needs.
#[derive(Debug)]
pub struct Campaign {
    /// The configuration.
    pub settings: Settings,
    /// The executables that have at least one scenario of the plan.
    pub executables: Vec<Executable>,
    /// What is to run.
    pub plan: CampaignPlan,
    /// The keys that were set, with their values as reports may show them: secrets are `***`.
    pub configuration: BTreeMap<String, String>,
    /// Criteria that a smoke run leaves out, as text.
    pub left_out: Vec<String>,
    /// How its load is divided among zones.
    pub split: ZoneSplit,
    /// Whether worlds are only opened and closed again.
    pub connect: bool,
}

impl Campaign {
    /// The zones that have a part of it.
    pub(crate) fn zones(&self) -> Vec<String> {
        let factories = sites::factories(&self.settings, &self.executables, &self.plan, &self.split);
        // That it can be divided was checked when it was planned.
        let factories = factories.unwrap_or_default();
        let zones: BTreeSet<String> = factories.into_iter().filter_map(|factory| factory.plan.zone).collect();
        zones.into_iter().collect()
    }

    /// Whether its scenarios can be compared with the baselines, before anything is started.
    ///
    /// # Errors
    /// When the baselines were recorded with another load, or have none of its scenarios.
    pub fn check(&self, baselines: &Baselines) -> Result<(), Error> {
        let scenarios = self.plan.scenarios.iter();
        let loads: Vec<(&str, String)> =
            scenarios.map(|s| (&*s.name, load(u64::from(s.minions), &s.profile.to_string()))).collect();
        baselines.check(&loads.iter().map(|(name, load)| (*name, &**load)).collect::<Vec<_>>())
    }
}

/// Reads the configuration, finds and builds the executables, and plans the campaign.
///
/// What can be checked without building is checked before, so that a typo costs no minutes.
///
/// # Errors
/// All that is wrong at the first stage at which something is.
pub async fn prepare(invocation: &Invocation) -> Result<Campaign, Error> {
    let (settings, problems) = invocation.sources.read();
    refuse(problems)?;
    let executables = discover(invocation).await?;
    plan(invocation, settings, executables)
}

/// Like [`prepare`], but goes on as long as it can, to report all problems at once.
///
/// # Errors
/// All that is wrong. What only follows from another problem is not repeated.
pub async fn check(invocation: &Invocation) -> Result<Campaign, Error> {
    let (settings, mut found) = invocation.sources.read();
    found.extend(outputs::check(&settings, invocation.save_baseline.as_deref()));
    let outcome = match discover_all(invocation).await {
        Ok(discovered) => {
            found.extend(discovered.problems);
            if discovered.complete {
                plan(invocation, settings, discovered.executables)
            } else {
                // Names that seem unknown may be those of an executable that could not be described.
                Err(Error::Invalid(Vec::new()))
            }
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(campaign) => refuse(found).map(|()| campaign),
        Err(Error::Invalid(problems)) => {
            found.extend(problems);
            Err(Error::Invalid(found))
        }
        // With something else wrong, that nothing can run is the lesser news.
        Err(error) if found.is_empty() => Err(error),
        Err(error) => {
            found.extend(error.lines().into_iter().map(Problem::new));
            Err(Error::Invalid(found))
        }
    }
}

/// Finds, builds and describes the executables.
///
/// # Errors
/// When any of them is wrong.
pub async fn discover(invocation: &Invocation) -> Result<Vec<Executable>, Error> {
    let discovered = discover_all(invocation).await?;
    refuse(discovered.problems)?;
    Ok(discovered.executables)
}

struct Discovered {
    executables: Vec<Executable>,
    problems: Vec<Problem>,
    /// Whether every executable could be described.
    complete: bool,
}

async fn discover_all(invocation: &Invocation) -> Result<Discovered, Error> {
    let paths = invocation.targets.locate(invocation.verbosity, invocation.color).await?;
    let (executables, mut found) = describe_all(&paths).await;
    let complete = found.is_empty();
    found.extend(problems(&executables));
    Ok(Discovered { executables, problems: found, complete })
}

fn plan(
    invocation: &Invocation,
    settings: Settings,
    executables: Vec<Executable>,
) -> Result<Campaign, Error> {
    let selected = select(&invocation.scenarios, &executables)?;
    let selected: Vec<String> = selected.iter().map(|s| s.scenario.name.clone()).collect();
    plan_selected(invocation, settings, executables, &selected)
}

/// Plans a campaign of the scenarios of these names.
pub(crate) fn plan_selected(
    invocation: &Invocation,
    settings: Settings,
    mut executables: Vec<Executable>,
    names: &[String],
) -> Result<Campaign, Error> {
    let scenarios = executables.iter().flat_map(|executable| &executable.description.scenarios);
    let selected: Vec<&ScenarioDescription> = scenarios.filter(|s| names.contains(&s.name)).collect();
    let all: Vec<&ScenarioDescription> = executables.iter().flat_map(|e| &e.description.scenarios).collect();
    let seed = settings.seed.unwrap_or_else(new_seed);
    let mut plan =
        settings.plan(&all, &selected, seed, new_key(jiff::Timestamp::now())).map_err(Error::Invalid)?;
    let split = settings.split(&all, &selected).map_err(Error::Invalid)?;
    let mut left_out = cut_short(invocation.smoke, &mut plan)?;
    let configuration = settings.configuration(&all, &selected);
    executables.retain(|executable| plan.scenarios.iter().any(|s| executable.scenario(&s.name).is_some()));
    let factories = sites::factories(&settings, &executables, &plan, &split).map_err(Error::Invalid)?;
    let hosted = factories.iter().flat_map(|Planned { plan, .. }| {
        let scenarios = plan.campaign.scenarios.iter().map(|scenario| scenario.name.clone());
        scenarios.zip(std::iter::repeat(plan.zone.clone()))
    });
    let hosted = hosted.filter_map(|(scenario, zone)| Some((scenario, zone?))).collect();
    let is_smoke = invocation.smoke != Smoke::default();
    refuse(without_idle_zones(&mut plan, &hosted, is_smoke, &mut left_out))?;
    Ok(Campaign { settings, executables, plan, configuration, left_out, split, connect: false })
}

/// What is wrong with criteria on zones that have no minion of their scenario; of a smoke run, which may have too few for
/// all zones, they are left out.
fn without_idle_zones(
    plan: &mut CampaignPlan,
    hosted: &BTreeSet<(String, String)>,
    is_smoke: bool,
    left_out: &mut Vec<String>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for scenario in &mut plan.scenarios {
        let name = &scenario.name;
        scenario.criteria.retain(|criterion| {
            let Some(zone) = &criterion.scope.zone else { return true };
            if hosted.contains(&(name.clone(), zone.clone())) {
                return true;
            }
            if is_smoke {
                left_out.push(format!("{name}: {criterion}"));
                return false;
            }
            let what = format!(
                "scenario '{name}': the criterion '{criterion}' is on zone '{zone}', which has none of its minions"
            );
            problems.push(Problem::at(&criterion.location, what));
            true
        });
    }
    problems
}

/// Cuts all scenarios short; gives the criteria that are left out for that.
fn cut_short(smoke: Smoke, plan: &mut CampaignPlan) -> Result<Vec<String>, Error> {
    let mut left_out = Vec::new();
    let mut problems = Vec::new();
    for scenario in &mut plan.scenarios {
        match smoke.apply(scenario) {
            Ok(criteria) => {
                left_out.extend(criteria.iter().map(|criterion| format!("{}: {criterion}", scenario.name)));
            }
            Err(problem) => problems.push(Problem::new(reason::of_smoke(&scenario.name, problem))),
        }
    }
    refuse(problems).map(|()| left_out)
}

fn refuse(problems: Vec<Problem>) -> Result<(), Error> {
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

/// A random seed, short enough to be typed again and exact in every JSON reader.
pub(crate) fn new_seed() -> u64 {
    rand::random::<u32>().into()
}

/// A key that sorts by time and is a file name anywhere: `20261123-050607-k3x9qa`, in UTC.
fn new_key(now: jiff::Timestamp) -> String {
    const BASE32: [u8; 32] = *b"abcdefghijklmnopqrstuvwxyz234567";
    let suffix: String =
        (0..6).map(|_| char::from(BASE32[usize::from(rand::random::<u8>()) % BASE32.len()])).collect();
    let time = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S");
    format!("{time}-{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Parsed, parse};
    use crate::config::Environment;
    use crate::discovery::fixtures::{Script, property, scenario};
    use std::collections::HashSet;

    fn invocation(scripts: &[&Script], arguments: &[&str]) -> Invocation {
        let mut line = vec!["qalipsis".to_owned(), "--autostart".to_owned()];
        line.extend(scripts.iter().map(|s| format!("--executable={}", s.path().display())));
        line.extend(arguments.iter().map(|a| (*a).to_owned()));
        let Parsed::Run(mut invocation) = parse(line) else { panic!("{arguments:?}") };
        invocation.sources.environment = Environment::default();
        invocation.sources.directory = "/nonexistent".into();
        *invocation
    }

    #[test]
    fn keys_contain_the_time_and_are_unique() {
        let now: jiff::Timestamp = "2026-11-23T05:06:07Z".parse().unwrap();
        let keys: HashSet<String> = (0..100).map(|_| new_key(now)).collect();
        assert!(keys.len() > 95);
        for key in keys {
            let suffix = key.strip_prefix("20261123-050607-").unwrap_or_else(|| panic!("{key}"));
            assert!(suffix.len() == 6 && suffix.chars().all(|c| matches!(c, 'a'..='z' | '2'..='7')), "{key}");
        }
    }

    #[tokio::test]
    async fn a_campaign_has_only_the_executables_that_it_needs() {
        let (a, b) = (Script::describing(vec![scenario("a")]), Script::describing(vec![scenario("b")]));
        let campaign = prepare(&invocation(&[&a, &b], &["-s", "b", "--seed", "7"])).await.unwrap();
        assert_eq!(campaign.executables.len(), 1);
        assert_eq!(campaign.plan.scenarios.len(), 1);
        assert_eq!((campaign.plan.name.as_str(), campaign.plan.seed), ("b", 7));
    }

    #[tokio::test]
    async fn a_run_is_refused_before_anything_is_started() {
        let broken = Script::new("exit 1");
        let error = prepare(&invocation(&[&broken], &["-c", "campain.seed=1"])).await.unwrap_err();
        assert_eq!(error.lines(), ["-c: unknown key 'campain.seed', did you mean 'campaign.seed'?"]);
    }

    #[tokio::test]
    async fn a_check_reports_everything() {
        let mut needy = scenario("needy");
        needy.properties = vec![property("brokers")];
        needy.properties[0].required = true;
        let good = Script::describing(vec![needy.clone()]);
        let error = check(&invocation(&[&good], &["-c", "campain.seed=1", "-c", "properties.x=1"]))
            .await
            .unwrap_err();
        assert_eq!((error.exit_code(), error.lines().len()), (2, 3), "{:?}", error.lines());

        needy.minions = 0;
        let empty = Script::describing(vec![needy]);
        let error = check(&invocation(&[&empty], &[])).await.unwrap_err();
        assert_eq!((error.exit_code(), error.lines().len()), (2, 2), "{:?}", error.lines());

        let broken = Script::new("exit 1");
        let error = check(&invocation(&[&good, &broken], &["-s", "other", "-c", "x=1"])).await.unwrap_err();
        assert_eq!(error.lines().len(), 2, "{:?}", error.lines());
    }

    #[tokio::test]
    async fn executables_without_scenarios_are_nothing_to_run() {
        let empty = Script::describing(vec![]);
        assert_eq!(check(&invocation(&[&empty], &[])).await.unwrap_err().exit_code(), 7);
        assert_eq!(prepare(&invocation(&[&empty], &[])).await.unwrap_err().exit_code(), 7);
        assert_eq!(check(&invocation(&[&empty], &["-c", "x=1"])).await.unwrap_err().exit_code(), 2);
    }
}
