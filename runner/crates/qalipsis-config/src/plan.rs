//! From settings and described scenarios to the plan of a campaign.

use super::entry::Entry;
use super::keys::environment_name;
use super::settings::Settings;
use super::sources::{minions, must_be};
use crate::problem::Problem;
use crate::reason;
use qalipsis_model::description::{PropertyDescription, ScenarioDescription};
use qalipsis_model::duration;
use qalipsis_model::plan::{CampaignPlan, PropertyValues, ScenarioPlan};
use qalipsis_model::suggest::{hint, nearest};
use qalipsis_profile::overload::{NoOverload, Overload};
use qalipsis_profile::speed::Speed;
use std::collections::{BTreeMap, BTreeSet};

impl Settings {
    /// The plan of a campaign of the `selected` scenarios.
    ///
    /// Keys may also name the other scenarios of `all`: one file configures all of a project.
    ///
    /// # Errors
    /// All that is wrong: unknown scenarios and properties in keys, numbers of minions, profiles
    /// that do not fit them, properties that must be set. No value of a property is shown.
    pub fn plan(
        &self,
        all: &[&ScenarioDescription],
        selected: &[&ScenarioDescription],
        seed: u64,
        key: String,
    ) -> Result<CampaignPlan, Vec<Problem>> {
        let mut problems = Vec::new();
        let given = self.resolve(all, &mut problems);
        let mut scenarios: Vec<ScenarioPlan> = selected
            .iter()
            .map(|scenario| plan_scenario(scenario, &given, &self.zones(), &mut problems))
            .collect();
        for scenario in &mut scenarios {
            scenario.profile = scenario.profile.at_speed(self.speed);
            if self.speed != Speed::NORMAL
                && let Some(count) = scenario.profile.minions()
            {
                scenario.minions = count;
                problems.extend(scenario.profile.problem(count).map(|problem| {
                    let factor = "campaign.speed-factor";
                    let problem = reason::of_profile(&scenario.profile, problem);
                    Problem::at(factor, format_args!("scenario '{}': {problem}", scenario.name))
                }));
            }
        }
        if let (Some(soft), Some(hard)) = (self.limits.campaign, self.limits.campaign_hard)
            && hard < soft
        {
            problems.push(Problem::new(format_args!(
                "campaign.hard-timeout ({}) must not be shorter than campaign.timeout ({})",
                duration::human(hard),
                duration::human(soft)
            )));
        }
        let scenarios = self.with_criteria(scenarios, all, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let names: Vec<&str> = selected.iter().map(|s| s.name.as_str()).collect();
        let name = self.campaign_name.clone().unwrap_or_else(|| names.join(", "));
        Ok(CampaignPlan {
            key,
            name,
            seed,
            scenarios,
            limits: self.limits.clone(),
            events: self.events.plan(),
        })
    }

    /// The entry of highest precedence of every key of a family, by the whole key.
    pub(super) fn resolve(
        &self,
        all: &[&ScenarioDescription],
        problems: &mut Vec<Problem>,
    ) -> BTreeMap<String, &Entry> {
        // Names of scenarios, zones and properties may hold any character, dots too. So keys are never
        // taken apart: all that can be meant are put together and compared.
        let known = self.known_keys(all);
        let mut given = BTreeMap::new();
        for entry in &self.families {
            let meant: Vec<&String> = if entry.is_environment() {
                known.iter().filter(|key| environment_name(key) == entry.name).collect()
            } else {
                known.get(&entry.name).into_iter().collect()
            };
            match meant[..] {
                [key] => {
                    given.insert(key.clone(), entry);
                }
                [] => problems.push(unknown(entry, &known)),
                [first, second, ..] => problems.push(Problem::at(
                    entry.place(),
                    format_args!(
                        "this can mean '{first}' or '{second}', set one of them with -c or in a file"
                    ),
                )),
            }
        }
        given
    }

    /// The keys of all families that these scenarios can have.
    pub(super) fn known_keys(&self, all: &[&ScenarioDescription]) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        let zones = self.zones();
        for scenario in all {
            known.extend(zones.iter().map(|zone| percent_key(&scenario.name, zone)));
            known.insert(minions_key(&scenario.name));
            known.insert(overload_key(&scenario.name));
            for property in &scenario.properties {
                known.insert(general_key(&property.name));
                known.insert(specific_key(&scenario.name, &property.name));
                known.extend(zones.iter().map(|zone| zone_key(zone, &property.name)));
            }
        }
        known
    }
}

fn minions_key(scenario: &str) -> String {
    format!("scenarios.{scenario}.minions")
}

fn overload_key(scenario: &str) -> String {
    format!("scenarios.{scenario}.overload")
}

pub(super) fn general_key(property: &str) -> String {
    format!("properties.{property}")
}

pub(super) fn specific_key(scenario: &str, property: &str) -> String {
    format!("scenarios.{scenario}.properties.{property}")
}

/// How much of a scenario a zone has.
pub(super) fn percent_key(scenario: &str, zone: &str) -> String {
    format!("scenarios.{scenario}.zones.{zone}")
}

/// A property in one zone.
pub(super) fn zone_key(zone: &str, property: &str) -> String {
    format!("zones.{zone}.properties.{property}")
}

fn unknown(entry: &Entry, known: &BTreeSet<String>) -> Problem {
    let name = &entry.name;
    if entry.is_environment() {
        let names: Vec<String> = known.iter().map(|key| environment_name(key)).collect();
        let advice = nearest(name, names.iter().map(String::as_str))
            .map_or("unset it".to_owned(), |near| format!("did you mean {near}?"));
        return Problem::at(entry.place(), format_args!("no scenario has such a setting, {advice}"));
    }
    // Keys of the same kind come first: a property is hardly a misspelt number of minions.
    let is_general = name.starts_with("properties.");
    let alike =
        || known.iter().map(String::as_str).filter(|key| key.starts_with("properties.") == is_general);
    let advice = if nearest(name, alike()).is_some() || alike().next().is_some() {
        hint(name, alike())
    } else {
        hint(name, known.iter().map(String::as_str))
    };
    let what = if is_general { "no scenario has this property" } else { "no such scenario or property" };
    Problem::at(entry.place(), format_args!("{what}: '{name}', {advice}"))
}

fn plan_scenario(
    scenario: &ScenarioDescription,
    given: &BTreeMap<String, &Entry>,
    zones: &BTreeSet<&str>,
    problems: &mut Vec<Problem>,
) -> ScenarioPlan {
    let in_all_zones = |property: &str| {
        !zones.is_empty() && zones.iter().all(|zone| given.contains_key(&zone_key(zone, property)))
    };
    let name = &scenario.name;
    let minions = number_of_minions(scenario, given, problems);
    let overload = overload_policy(scenario, given, problems);
    let mut values = BTreeMap::new();
    for property in &scenario.properties {
        let entry = given
            .get(&specific_key(name, &property.name))
            .or_else(|| given.get(&general_key(&property.name)));
        match entry {
            Some(entry) => match &entry.value.text {
                Ok(text) => match expected(&property.value_type, text) {
                    None => _ = values.insert(property.name.clone(), text.clone()),
                    Some(expected) => problems.push(wrong_type(entry, property, expected)),
                },
                Err(error) => problems.push(Problem::at(entry.place(), error)),
            },
            None if property.required && !in_all_zones(&property.name) => problems.push(Problem::at(
                format_args!("scenario '{name}'"),
                format_args!(
                    "property '{0}' must be set, for example with -c properties.{0}=<{1}>",
                    property.name, property.value_type
                ),
            )),
            None => {}
        }
    }
    ScenarioPlan {
        name: name.clone(),
        minions,
        profile: scenario.profile.clone(),
        overload: Some(overload),
        properties: PropertyValues(values),
        criteria: scenario.criteria.clone(),
    }
}

/// What a value of this type must be, when `text` is not. Only the scenario itself knows the exact
/// type and range; what is wrong for all types of this name is found here, before anything runs.
pub(super) fn expected(value_type: &str, text: &str) -> Option<&'static str> {
    let text = text.trim();
    match value_type {
        "integer" if text.parse::<i128>().is_err() => Some("a whole number"),
        "number" if text.parse::<f64>().is_err() => Some("a number"),
        "true or false" if text.parse::<bool>().is_err() => Some("true or false"),
        "duration" if duration::parse(text).is_err() => {
            Some("a duration with its unit, for example 250ms, 1.5s, 2m or 1h")
        }
        _ => None,
    }
}

pub(super) fn wrong_type(entry: &Entry, property: &PropertyDescription, expected: &str) -> Problem {
    if property.secret {
        let what = format!("property '{}' must be {expected}", property.name);
        return Problem::at(entry.place(), what);
    }
    must_be(entry, &format!("property '{}'", property.name), expected)
}

fn overload_policy(
    scenario: &ScenarioDescription,
    given: &BTreeMap<String, &Entry>,
    problems: &mut Vec<Problem>,
) -> Overload {
    let key = overload_key(&scenario.name);
    let Some(entry) = given.get(&key) else { return scenario.overload };
    match &entry.value.text {
        Err(error) => problems.push(Problem::at(entry.place(), error)),
        Ok(text) => match text.trim().parse() {
            // With none allowed nothing would ever run.
            Ok(Overload::Drop(0) | Overload::Abort(0)) | Err(NoOverload) => {
                problems.push(must_be(entry, &key, NoOverload::EXPECTED));
            }
            Ok(policy) => return policy,
        },
    }
    scenario.overload
}

fn number_of_minions(
    scenario: &ScenarioDescription,
    given: &BTreeMap<String, &Entry>,
    problems: &mut Vec<Problem>,
) -> u32 {
    let key = minions_key(&scenario.name);
    // That the declared number fits the profile was checked with the description.
    let Some(entry) = given.get(&key) else { return scenario.minions };
    if let Some(count) = scenario.profile.minions() {
        problems.push(Problem::at(
            entry.place(),
            format_args!(
                "scenario '{}': its profile gives the number of minions, {count}, leave this setting out",
                scenario.name
            ),
        ));
        return count;
    }
    match &entry.value.text {
        Err(error) => problems.push(Problem::at(entry.place(), error)),
        Ok(text) => match minions(text) {
            None => problems.push(must_be(entry, &key, "a whole number from 1")),
            Some(count) => {
                if let Some(problem) = scenario.profile.problem(count) {
                    let problem = reason::of_profile(&scenario.profile, problem);
                    problems.push(Problem::at(
                        entry.place(),
                        format_args!("scenario '{}': {problem}", scenario.name),
                    ));
                }
                return count;
            }
        },
    }
    scenario.minions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{property, scenario};
    use crate::{Environment, Sources};
    use qalipsis_profile::profile::{ArrivalRate, Profile, Stage};
    use std::time::Duration;

    fn shop() -> Vec<ScenarioDescription> {
        let mut checkout = scenario("checkout");
        checkout.properties = vec![property("brokers"), property("password"), property("shop-url")];
        checkout.properties[0].required = true;
        checkout.properties[0].value_type = "host:port".into();
        checkout.properties[1].secret = true;
        let mut odd = scenario("odd.name é");
        odd.properties = vec![property("brokers")];
        odd.profile = Profile::stages([Stage::minions(10).total(Duration::from_secs(1))]);
        let mut open = scenario("open");
        open.profile = Profile::arrivals([ArrivalRate::per_second(5).total(Duration::from_secs(2))]);
        vec![checkout, odd, open]
    }

    fn plan_with(
        selected: &[&str],
        pairs: &[&str],
        environment: Environment,
    ) -> Result<CampaignPlan, Vec<String>> {
        let shop = shop();
        let all: Vec<&ScenarioDescription> = shop.iter().collect();
        let selected: Vec<&ScenarioDescription> =
            shop.iter().filter(|s| selected.contains(&s.name.as_str())).collect();
        let sources = Sources {
            directory: "/nonexistent".into(),
            environment,
            pairs: pairs.iter().map(|p| (*p).to_owned()).collect(),
            ..Sources::default()
        };
        let (settings, problems) = sources.read();
        assert_eq!(problems, [], "the keys are well-formed");
        settings
            .plan(&all, &selected, 42, "key".into())
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn plan(selected: &[&str], pairs: &[&str]) -> Result<CampaignPlan, Vec<String>> {
        plan_with(selected, pairs, Environment::default())
    }

    fn values(plan: &ScenarioPlan) -> Vec<(&str, &str)> {
        plan.properties.0.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()
    }

    #[test]
    fn a_plan_has_what_was_configured() {
        let plan = plan(
            &["checkout", "odd.name é"],
            &[
                "properties.brokers=general:1",
                "scenarios.odd.name é.properties.brokers=a=b",
                "scenarios.checkout.minions=7",
                "scenarios.odd.name é.minions=10",
                "properties.shop-url=",
            ],
        )
        .unwrap();
        assert_eq!((plan.name.as_str(), plan.seed, plan.key.as_str()), ("checkout, odd.name é", 42, "key"));
        assert_eq!((plan.scenarios[0].minions, plan.scenarios[1].minions), (7, 10));
        assert_eq!(values(&plan.scenarios[0]), [("brokers", "general:1"), ("shop-url", "")]);
        assert_eq!(values(&plan.scenarios[1]), [("brokers", "a=b")]);
    }

    #[test]
    fn the_speed_factor_scales_the_profiles() {
        let pairs = ["properties.brokers=a", "scenarios.odd.name é.minions=10", "campaign.speed-factor=4"];
        let plan = plan(&["odd.name é"], &pairs).unwrap();
        let stage = Stage::minions(10).total(Duration::from_millis(250));
        assert_eq!(plan.scenarios[0].profile, Profile::stages([stage]));
    }

    #[test]
    fn arrivals_at_another_speed_number_what_their_rates_give() {
        // 18,000 per hour times 0.333 is 5,994 per hour, for 6.006 s.
        let plan = plan(&["open"], &["campaign.speed-factor=0.333"]).unwrap();
        let scenario = &plan.scenarios[0];
        assert_eq!(Some(scenario.minions), scenario.profile.minions());
        assert!((9..=10).contains(&scenario.minions), "{}", scenario.minions);
    }

    #[test]
    fn an_overload_policy_is_that_of_the_configuration_or_else_of_the_scenario() {
        let mut guarded = scenario("guarded");
        guarded.overload = Overload::Drop(7);
        let plan = |value: Option<&str>| {
            let pairs = value.map(|value| format!("scenarios.guarded.overload={value}"));
            let sources = Sources {
                directory: "/nonexistent".into(),
                pairs: pairs.into_iter().collect(),
                ..Sources::default()
            };
            let planned = sources.read().0.plan(&[&guarded], &[&guarded], 1, "k".into());
            planned
                .map(|plan| plan.scenarios[0].overload)
                .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(plan(None), Ok(Some(Overload::Drop(7))));
        assert_eq!(plan(Some("queue")), Ok(Some(Overload::Queue)));
        assert_eq!(plan(Some("abort:3")), Ok(Some(Overload::Abort(3))));
        for wrong in ["drop", "drop:0", "abort:many", "7"] {
            let expected = format!(
                "-c scenarios.guarded.overload: scenarios.guarded.overload must be queue, drop:<minions> or \
                 abort:<minions>, for example drop:100, with at least 1 minion, it is '{wrong}'"
            );
            assert_eq!(plan(Some(wrong)), Err(vec![expected]));
        }
    }

    #[test]
    fn a_hard_timeout_before_the_other_one_is_refused() {
        let pairs = ["properties.brokers=a", "campaign.timeout=2s", "campaign.hard-timeout=1s"];
        let problems = plan(&["checkout"], &pairs).unwrap_err();
        assert_eq!(problems, ["campaign.hard-timeout (1 s) must not be shorter than campaign.timeout (2 s)"]);
        assert!(plan(&["checkout"], &[pairs[0], pairs[1], "campaign.hard-timeout=2s"]).is_ok());
    }

    #[test]
    fn the_environment_names_scenarios_and_properties_too() {
        let environment = Environment::from([
            ("QALIPSIS_PROPERTIES_SHOP_URL", "http://env"),
            ("QALIPSIS_SCENARIOS_CHECKOUT_PROPERTIES_BROKERS", "env:1"),
            ("QALIPSIS_SCENARIOS_CHECKOUT_MINIONS", "3"),
            ("QALIPSIS_SCENARIOS_ODD_NAME_É_MINIONS", "10"),
        ]);
        let pairs = ["scenarios.checkout.minions=4"];
        let plan = plan_with(&["checkout", "odd.name é"], &pairs, environment).unwrap();
        assert_eq!((plan.scenarios[0].minions, plan.scenarios[1].minions), (4, 10), "-c goes before");
        assert_eq!(values(&plan.scenarios[0]), [("brokers", "env:1"), ("shop-url", "http://env")]);
    }

    #[test]
    fn what_is_wrong_names_the_place_and_the_nearest() {
        for (pairs, expected) in [
            (
                &[][..],
                "scenario 'checkout': property 'brokers' must be set, for example with \
                 -c properties.brokers=<host:port>",
            ),
            (
                &["properties.brokers=a", "properties.borkers=b"],
                "-c properties.borkers: no scenario has this property: 'properties.borkers', \
                 did you mean 'properties.brokers'?",
            ),
            (
                &["properties.brokers=a", "scenarios.chekcout.minions=1"],
                "-c scenarios.chekcout.minions: no such scenario or property: 'scenarios.chekcout.minions', \
                 did you mean 'scenarios.checkout.minions'?",
            ),
            (
                &["properties.brokers=a", "scenarios.checkout.minions=0"],
                "-c scenarios.checkout.minions: scenarios.checkout.minions must be a whole number from 1, it is '0'",
            ),
            (
                &["properties.brokers=a", "scenarios.checkout.minions=many"],
                "-c scenarios.checkout.minions: scenarios.checkout.minions must be a whole number from 1, it is 'many'",
            ),
            (
                &["properties.brokers=${NOT_SET}"],
                "-c properties.brokers: environment variable NOT_SET is not set, set it or write $${ for a literal ${",
            ),
        ] {
            assert_eq!(plan(&["checkout"], pairs).unwrap_err(), [expected], "{pairs:?}");
        }
        assert_eq!(
            plan(&["odd.name é"], &["scenarios.odd.name é.minions=9"]).unwrap_err(),
            [
                "-c scenarios.odd.name é.minions: scenario 'odd.name é': profile stages: the stages add 10 minions, \
              the scenario has 9"
            ]
        );
    }

    #[test]
    fn a_profile_that_gives_the_number_of_minions_takes_no_other() {
        assert_eq!(plan(&["open"], &[]).unwrap().scenarios[0].minions, 10);
        for setting in ["10", "9", "many"] {
            assert_eq!(
                plan(&["open"], &[&format!("scenarios.open.minions={setting}")]).unwrap_err(),
                [
                    "-c scenarios.open.minions: scenario 'open': its profile gives the number of minions, 10, leave this \
                     setting out"
                ]
            );
        }
    }

    #[test]
    fn values_that_no_type_of_the_name_takes_are_refused() {
        let types = [("integer", "1.5"), ("number", "x"), ("true or false", "yes"), ("duration", "5")];
        for (value_type, bad) in types {
            let mut typed = scenario("typed");
            typed.properties = vec![property("plain"), property("hidden")];
            typed.properties.iter_mut().for_each(|p| p.value_type = value_type.into());
            typed.properties[1].secret = true;
            let pairs = ["plain", "hidden"].map(|name| format!("properties.{name}={bad}"));
            let sources =
                Sources { directory: "/nonexistent".into(), pairs: pairs.into(), ..Sources::default() };
            let problems = sources.read().0.plan(&[&typed], &[&typed], 1, "k".into()).unwrap_err();
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(problems.len(), 2);
            assert!(
                problems[0].starts_with("-c properties.plain: property 'plain' must be "),
                "{problems:?}"
            );
            assert!(problems[0].ends_with(&format!(", it is '{bad}'")), "{problems:?}");
            assert!(!problems[1].contains(", it is"), "{problems:?}");
        }
        for (value_type, good) in
            [("integer", "-7"), ("number", "1e3"), ("true or false", "true"), ("duration", "5s")]
        {
            assert_eq!(expected(value_type, good), None);
        }
        assert_eq!(expected("host:port", "anything"), None);
    }

    #[test]
    fn what_concerns_other_scenarios_does_not_hinder() {
        let pairs = ["scenarios.checkout.properties.brokers=${NOT_SET}", "scenarios.checkout.minions=x"];
        assert_eq!(plan(&["odd.name é"], &pairs).unwrap().scenarios.len(), 1);
    }

    #[test]
    fn an_environment_variable_must_mean_one_key() {
        let (mut a, mut b) = (scenario("a-b"), scenario("a.b"));
        (a.properties, b.properties) = (Vec::new(), Vec::new());
        let sources = Sources {
            directory: "/nonexistent".into(),
            environment: Environment::from([
                ("QALIPSIS_SCENARIOS_A_B_MINIONS", "1"),
                ("QALIPSIS_SCENARIOS_AB_MINIONS", "1"),
            ]),
            ..Sources::default()
        };
        let (settings, _) = sources.read();
        let problems = settings.plan(&[&a, &b], &[&a], 1, "k".into()).unwrap_err();
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "environment variable QALIPSIS_SCENARIOS_AB_MINIONS: no scenario has such a setting, \
                 did you mean QALIPSIS_SCENARIOS_A_B_MINIONS?",
                "environment variable QALIPSIS_SCENARIOS_A_B_MINIONS: this can mean 'scenarios.a-b.minions' or \
                 'scenarios.a.b.minions', set one of them with -c or in a file",
            ]
        );
    }

    #[test]
    fn no_error_and_no_debug_text_shows_the_value_of_a_property() {
        let pairs = [
            "properties.brokers=${NOT_SET}hunter2",
            "properties.password=hunter2",
            "properties.passwrod=hunter2",
            "scenarios.checkuot.properties.password=hunter2",
        ];
        let environment = Environment::from([("QALIPSIS_PROPERTIES_PASSWROD", "hunter2")]);
        let problems = plan_with(&["checkout"], &pairs, environment.clone()).unwrap_err();
        assert_eq!(problems.len(), 4);
        assert!(!problems.join("\n").contains("hunter2"), "{problems:?}");
        let sources = Sources {
            pairs: pairs.iter().map(|p| (*p).to_owned()).collect(),
            environment,
            ..Sources::default()
        };
        let debug = format!("{sources:?} {:?}", sources.read());
        assert!(!debug.contains("hunter2"), "{debug}");
    }
}
