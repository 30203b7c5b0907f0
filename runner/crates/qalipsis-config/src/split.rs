//! How the load is divided among zones.

use super::entry::Entry;
use super::plan::{expected, percent_key, wrong_type, zone_key};
use super::settings::Settings;
use super::sources::must_be;
use crate::problem::Problem;
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::split::ZoneSplit;
use std::collections::BTreeMap;

impl Settings {
    /// What is configured of the zones of a campaign of the `selected` scenarios. Keys that are unknown are problems of
    /// [`plan`](Self::plan).
    ///
    /// # Errors
    /// Percentages that are none or do not sum to 100, and values that are not of the type of their property.
    pub fn split(
        &self,
        all: &[&ScenarioDescription],
        selected: &[&ScenarioDescription],
    ) -> Result<ZoneSplit, Vec<Problem>> {
        let mut problems = Vec::new();
        let given = self.resolve(all, &mut Vec::new());
        let mut split = ZoneSplit::default();
        for scenario in selected {
            let percents = self.percents(&scenario.name, &given, &mut problems);
            if !percents.is_empty() {
                split.percents.insert(scenario.name.clone(), percents);
            }
            for zone in self.zones() {
                for property in &scenario.properties {
                    let Some(entry) = given.get(&zone_key(zone, &property.name)) else { continue };
                    match &entry.value.text {
                        Err(error) => problems.push(Problem::at(entry.place(), error)),
                        Ok(text) => match expected(&property.value_type, text) {
                            Some(expected) => problems.push(wrong_type(entry, property, expected)),
                            None => {
                                let values = split.properties.entry(zone.to_owned()).or_default();
                                let values = values.entry(scenario.name.clone()).or_default();
                                values.0.insert(property.name.clone(), text.clone());
                            }
                        },
                    }
                }
            }
        }
        if problems.is_empty() { Ok(split) } else { Err(problems) }
    }

    /// How much of a scenario each zone has.
    fn percents(
        &self,
        scenario: &str,
        given: &BTreeMap<String, &Entry>,
        problems: &mut Vec<Problem>,
    ) -> BTreeMap<String, u32> {
        let mut percents = BTreeMap::new();
        let known = problems.len();
        for zone in self.zones() {
            let key = percent_key(scenario, zone);
            let Some(entry) = given.get(&key) else { continue };
            match &entry.value.text {
                Err(error) => problems.push(Problem::at(entry.place(), error)),
                Ok(text) => match text.trim().parse::<u32>().ok().filter(|percent| *percent <= 100) {
                    Some(percent) => _ = percents.insert(zone.to_owned(), percent),
                    None => problems.push(must_be(entry, &key, "a whole number from 0 to 100")),
                },
            }
        }
        let sum: u32 = percents.values().sum();
        if problems.len() == known && !percents.is_empty() && sum != 100 {
            problems.push(Problem::new(format_args!(
                "scenario '{scenario}': the percentages of its zones sum to {sum}, they must sum to 100"
            )));
        }
        percents
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sources;
    use crate::fixtures::{property, scenario};

    const ZONES: &str = "factories:\n  - {zone: eu}\n  - {zone: us}\n";

    fn split(pairs: &[&str]) -> Result<ZoneSplit, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("qalipsis.yml"), ZONES).unwrap();
        let sources = Sources {
            directory: folder.path().to_owned(),
            pairs: pairs.iter().map(|pair| (*pair).to_owned()).collect(),
            ..Sources::default()
        };
        let mut checkout = scenario("checkout");
        checkout.properties = vec![property("shop"), property("rate")];
        checkout.properties[1].value_type = "number".into();
        let (settings, problems) = sources.read();
        assert_eq!(problems, []);
        let lines =
            |problems: Vec<Problem>| -> Vec<String> { problems.iter().map(ToString::to_string).collect() };
        settings.plan(&[&checkout], &[&checkout], 1, "key".into()).map_err(lines)?;
        settings.split(&[&checkout], &[&checkout]).map_err(lines)
    }

    #[test]
    fn zones_have_percentages_and_properties_of_their_own() {
        let pairs = [
            "scenarios.checkout.zones.eu=60",
            "scenarios.checkout.zones.us=40",
            "properties.shop=a",
            "scenarios.checkout.properties.shop=b",
            "zones.us.properties.shop=c",
        ];
        let split = split(&pairs).unwrap();
        assert_eq!(split.percents["checkout"], [("eu".into(), 60), ("us".into(), 40)].into());
        assert_eq!(split.properties.len(), 1);
        assert_eq!(split.properties["us"]["checkout"].0, [("shop".into(), "c".into())].into());
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        for (pairs, expected) in [
            (
                &["scenarios.checkout.zones.eu=60"][..],
                "scenario 'checkout': the percentages of its zones sum to 60, they must sum to 100",
            ),
            (
                &["scenarios.checkout.zones.eu=101", "scenarios.checkout.zones.us=0"],
                "-c scenarios.checkout.zones.eu: scenarios.checkout.zones.eu must be a whole number from 0 to 100, it is '101'",
            ),
            (
                &["scenarios.checkout.zones.asia=100"],
                "-c scenarios.checkout.zones.asia: no such scenario or property: 'scenarios.checkout.zones.asia', did you mean 'scenarios.checkout.zones.us'?",
            ),
            (
                &["zones.us.properties.rate=fast"],
                "-c zones.us.properties.rate: property 'rate' must be a number, it is 'fast'",
            ),
        ] {
            assert_eq!(split(pairs), Err(vec![expected.to_owned()]), "{pairs:?}");
        }
    }
}
