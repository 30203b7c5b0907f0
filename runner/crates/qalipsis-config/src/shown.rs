//! What was configured, as reports may show it.

use super::entry::Value;
use super::mask::{HIDDEN, is_secret, masked};
use super::settings::Settings;
use qalipsis_model::description::ScenarioDescription;
use std::collections::BTreeMap;

impl Settings {
    /// The keys that were set and concern the `selected` scenarios, with their values as reports may show them.
    pub fn configuration(
        &self,
        all: &[&ScenarioDescription],
        selected: &[&ScenarioDescription],
    ) -> BTreeMap<String, String> {
        // Problems of keys were reported when the campaign was planned.
        let given = self.resolve(all, &mut Vec::new());
        let known = self.known_keys(selected);
        let mut configuration = self.shown.clone();
        for (key, entry) in given.into_iter().filter(|(key, _)| known.contains(key)) {
            let secret = all.iter().any(|scenario| {
                scenario.properties.iter().filter(|p| p.secret).any(|p| {
                    key == super::plan::general_key(&p.name)
                        || key == super::plan::specific_key(&scenario.name, &p.name)
                        || self.zones().iter().any(|zone| key == super::plan::zone_key(zone, &p.name))
                })
            });
            let value = if secret { HIDDEN.to_owned() } else { shown(&key, &entry.value) };
            configuration.insert(key, value);
        }
        configuration
    }
}

/// A value as reports may show it.
///
/// What came from the environment may be a secret, and so may the value of a key whose name suggests one.
pub(super) fn shown(key: &str, value: &Value) -> String {
    match &value.text {
        Ok(text) if value.literal && !is_secret(key) => masked(text),
        _ => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{property, scenario};
    use crate::{Environment, Sources};

    #[test]
    fn what_was_set_is_shown_and_no_secret_is() {
        let mut checkout = scenario("checkout");
        checkout.properties =
            ["brokers", "shop", "database", "api-key", "unset"].map(property).into_iter().collect();
        checkout.properties[3].secret = true;
        let mut other = scenario("other");
        other.properties = vec![property("unused")];
        let sources = Sources {
            directory: "/nonexistent".into(),
            environment: Environment::from([
                ("BROKERS", "hunter2"),
                ("QALIPSIS_PROPERTIES_SHOP", "http://shop:8080/a@b"),
                ("QALIPSIS_CAMPAIGN_NAME", "nightly"),
            ]),
            pairs: [
                "properties.brokers=${BROKERS}",
                "properties.api-key=hunter2",
                "scenarios.checkout.properties.database=postgres://user:hunter2@db:5432/shop",
                "scenarios.checkout.minions=7",
                "scenarios.other.minions=8",
                "properties.unused=x",
                "report.evidence.limit=${BROKERS}",
            ]
            .map(str::to_owned)
            .into(),
            ..Sources::default()
        };
        let (settings, _) = sources.read();
        let configuration = settings.configuration(&[&checkout, &other], &[&checkout]);
        let shown: Vec<String> = configuration.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            shown,
            [
                "campaign.name=nightly",
                "properties.api-key=***",
                "properties.brokers=***",
                "properties.shop=http://shop:8080/a@b",
                "scenarios.checkout.minions=7",
                "scenarios.checkout.properties.database=postgres://user:***@db:5432/shop",
            ]
        );
    }

    #[test]
    fn keys_named_like_secrets_are_hidden() {
        let value = Value { text: Ok("hunter2".into()), literal: true };
        assert_eq!(shown("report.export.slack.token", &value), HIDDEN);
        assert_eq!(shown("report.export.mail.password", &value), HIDDEN);
        assert_eq!(shown("report.export.mail.host", &value), "hunter2");
    }
}
