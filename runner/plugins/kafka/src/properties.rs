//! librdkafka's properties: passed through, checked, and never shown when secret.

use qalipsis_core::fault::Fault;
use qalipsis_core::model::suggest;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;
use std::collections::BTreeMap;
use std::fmt;

/// All names that librdkafka 2.12 documents and this plugin passes through.
const NAMES: &str = include_str!("librdkafka-properties.txt");

/// Properties that have a method of their own, which knows more than the property.
const RESERVED: [(&str, &str); 3] = [
    ("bootstrap.servers", "pass the brokers to Kafka::new"),
    ("metadata.broker.list", "pass the brokers to Kafka::new"),
    ("group.id", "name the group with .group(\"…\")"),
];

/// What shows instead of a secret.
const HIDDEN: &str = "***";

#[derive(Clone, Default)]
pub(crate) struct Properties(BTreeMap<String, String>);

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(key, value): (&String, &String)| {
            (key.clone(), if is_secret(key) { HIDDEN.to_owned() } else { value.clone() })
        };
        f.debug_map().entries(self.0.iter().map(shown)).finish()
    }
}

impl Properties {
    pub(crate) fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether what goes over the wire needs an identity, so that a broker may hide what it has.
    pub(crate) fn secured(&self) -> bool {
        self.0.get("security.protocol").is_some_and(|protocol| !protocol.eq_ignore_ascii_case("plaintext"))
    }

    /// `text` without the values of secret properties.
    pub(crate) fn redact(&self, text: &str) -> String {
        let secrets = self.0.iter().filter(|(key, value)| is_secret(key) && !value.is_empty());
        secrets.fold(text.to_owned(), |text, (_, secret)| text.replace(secret.as_str(), HIDDEN))
    }

    /// The configuration of a client: the defaults, over which these properties go.
    pub(crate) fn config(&self, brokers: &str, defaults: &[(&str, &str)]) -> Result<ClientConfig, Fault> {
        let mut config = ClientConfig::new();
        for (key, value) in defaults {
            config.set(*key, *value);
        }
        for (key, value) in &self.0 {
            check(key, value)?;
            config.set(key, value);
        }
        config.set("bootstrap.servers", brokers);
        Ok(config)
    }

    /// Why a client could not be made of checked properties: they do not fit together.
    pub(crate) fn refused(&self, error: &KafkaError) -> Fault {
        let text = match error {
            KafkaError::ClientCreation(text) => text.clone(),
            other => other.to_string(),
        };
        let hint = if needs_feature(&text) { FEATURE } else { "" };
        Fault::error(format!("kafka properties were refused: {}{hint}", self.redact(&text)))
            .code("configuration")
    }
}

/// Behind a refusal of what was left out of the build.
const FEATURE: &str = "; build qalipsis-kafka with feature ssl (or sasl for Kerberos)";

/// Whether librdkafka refuses something because it was built without it.
fn needs_feature(text: &str) -> bool {
    ["not available at build time", "not supported in this build", "recompile librdkafka"]
        .iter()
        .any(|words| text.contains(words))
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "secret", "token", "key.pem", "oauthbearer.config"].iter().any(|word| key.contains(word))
}

/// Has librdkafka judge one property.
fn check(key: &str, value: &str) -> Result<(), Fault> {
    let refused = |problem: String| {
        Err(Fault::error(format!("kafka property '{key}': {problem}")).code("configuration"))
    };
    if let Some((_, instead)) = RESERVED.iter().find(|(reserved, _)| *reserved == key) {
        return refused((*instead).to_owned());
    }
    if value.contains('\0') {
        return refused("the value contains a NUL character".to_owned());
    }
    let mut one = ClientConfig::new();
    one.set(key, value);
    let Err(error) = one.create_native_config() else { return Ok(()) };
    match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..) => {
            let near = suggest::nearest(key, NAMES.lines());
            let hint = near.map_or("see librdkafka's CONFIGURATION.md".to_owned(), |near| {
                format!("did you mean '{near}'?")
            });
            refused(format!("librdkafka has no such property, {hint}"))
        }
        // librdkafka's text quotes the value.
        KafkaError::ClientConfig(..) if is_secret(key) => refused("librdkafka refuses its value".to_owned()),
        KafkaError::ClientConfig(_, text, ..) => {
            // Without TLS these two are just unknown values to it.
            let protocol = key == "security.protocol" && value.to_ascii_lowercase().ends_with("ssl");
            let hint =
                if needs_feature(&text) || (protocol && !cfg!(feature = "ssl")) { FEATURE } else { "" };
            refused(format!("librdkafka refuses the value '{value}': {text}{hint}"))
        }
        other => refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(key: &str, value: &str) -> String {
        let mut properties = Properties::default();
        properties.set(key, value);
        properties.config("127.0.0.1:1", &[]).expect_err("it is refused").to_string()
    }

    #[test]
    fn every_name_offered_is_one_that_librdkafka_knows() {
        assert!(NAMES.lines().count() > 150);
        for name in NAMES.lines() {
            let mut one = ClientConfig::new();
            one.set(name, "\u{1}");
            if let Err(KafkaError::ClientConfig(result, ..)) = one.create_native_config() {
                assert_ne!(result, RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, "{name}");
            }
        }
    }

    #[test]
    fn a_wrong_property_is_named_with_the_nearest_right_one() {
        assert_eq!(
            refusal("fetch.wait.max", "1"),
            "kafka property 'fetch.wait.max': librdkafka has no such property, did you mean 'fetch.wait.max.ms'?"
        );
        let text = refusal("fetch.wait.max.ms", "soon");
        assert!(
            text.starts_with("kafka property 'fetch.wait.max.ms': librdkafka refuses the value 'soon'"),
            "{text}"
        );
        assert_eq!(refusal("group.id", "g"), "kafka property 'group.id': name the group with .group(\"…\")");
    }

    #[cfg(not(feature = "ssl"))]
    #[test]
    fn what_was_not_built_in_names_the_feature() {
        let text = refusal("ssl.ca.location", "/ca.pem");
        assert!(text.ends_with("build qalipsis-kafka with feature ssl (or sasl for Kerberos)"), "{text}");
    }

    #[cfg(not(feature = "ssl"))]
    #[test]
    fn d9_tls_and_mechanisms_that_were_not_built_in_name_the_feature() {
        use rdkafka::consumer::BaseConsumer;
        for protocol in ["ssl", "SASL_SSL"] {
            let text = refusal("security.protocol", protocol);
            assert!(text.ends_with(FEATURE), "{text}");
        }
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI"] {
            let mut properties = Properties::default();
            for (key, value) in [
                ("security.protocol", "sasl_plaintext"),
                ("sasl.mechanism", mechanism),
                ("sasl.username", "alice"),
                ("sasl.password", "hunter2"),
            ] {
                properties.set(key, value);
            }
            let text = match properties.config("127.0.0.1:1", &[]) {
                Err(fault) => fault.to_string(),
                Ok(config) => match config.create::<BaseConsumer>() {
                    Err(error) => properties.refused(&error).to_string(),
                    Ok(_) => panic!("{mechanism} is built in"),
                },
            };
            assert!(text.ends_with(FEATURE), "{text}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let mut properties = Properties::default();
        properties.set("sasl.password", "hunter2");
        properties.set("ssl.key.password", "swordfish");
        properties.set("sasl.oauthbearer.client.secret", "s3cr3t");
        properties.set("sasl.username", "alice");
        let text = format!("{properties:?}")
            + &properties.redact("can't log in as alice with hunter2 or swordfish, s3cr3t");
        for secret in ["hunter2", "swordfish", "s3cr3t"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("alice"), "{text}");
        let refused = refusal("ssl.key.passwort", "hunter2");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}
