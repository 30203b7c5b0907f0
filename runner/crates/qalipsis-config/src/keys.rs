//! The configuration keys of the product itself, each declared once: parsing, errors and the reference derive from this
//! table. Outputs and exporters bring their own as [sections](crate::section).

use super::settings::Settings;
use crate::{Statuses, mailbox};
use qalipsis_model::duration;
use qalipsis_model::event::Level;
use qalipsis_profile::speed::Speed;
use std::path::PathBuf;
use std::time::Duration;

/// A key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// In kebab-case with dots.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Its default as one would write it; `None` when it has none.
    pub default: Option<&'static str>,
    /// What it does, one sentence or two.
    pub doc: &'static str,
    /// Takes a value into the settings; `None` when the value is not of the kind.
    pub(super) set: fn(&mut Settings, &str) -> Option<()>,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text but an empty one.
    Text,
    /// A path of a directory.
    Folder,
    /// `true` or `false`.
    Switch,
    /// A whole number from 0.
    Number,
    /// A whole number from 1.
    PositiveNumber,
    /// A whole number from 1 to 100.
    Percent,
    /// A factor on a speed.
    Factor,
    /// A duration with its unit, zero included.
    Duration,
    /// A duration with its unit, more than zero.
    PositiveDuration,
    /// A level of events.
    Level,
    /// Verdicts, commas between them.
    Statuses,
    /// One mail address.
    MailAddress,
    /// Mail addresses, commas between them.
    MailAddresses,
    /// A port of TCP.
    Port,
    /// An address that begins with `http://` or `https://`.
    Address,
}

impl Kind {
    /// What a value must be, to follow "must be".
    pub fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text that is not empty",
            Self::Folder => "a path of a folder",
            Self::Switch => "true or false",
            Self::Level => "trace, debug, info, warn or error",
            Self::Statuses => {
                "ALL or some of SUCCESSFUL, WARNING, FAILED, ABORTED, INVALID, with commas between them"
            }
            Self::MailAddress => "a mail address",
            Self::MailAddresses => "a mail address, or several with commas between them",
            Self::Port => "a port from 1 to 65535",
            Self::Address => "an address that begins with http:// or https://",
            Self::Number => "a whole number from 0",
            Self::PositiveNumber => "a whole number from 1",
            Self::Percent => "a whole number from 1 to 100",
            Self::Factor => "a number from 0.001 to 1000",
            Self::Duration => "a duration with its unit, for example 250ms, 1.5s, 2m or 1h",
            Self::PositiveDuration => {
                "a duration of more than zero with its unit, for example 250ms, 1.5s, 2m or 1h"
            }
        }
    }

    /// Whether `value` is of this kind.
    pub fn accepts(self, value: &str) -> bool {
        match self {
            Self::Text | Self::Folder => text(value).is_some(),
            Self::Switch => switch(value).is_some(),
            Self::Level => Level::parse(value).is_some(),
            Self::Statuses => Statuses::parse(value).is_some(),
            Self::MailAddress => mailbox::is_address(value.trim()),
            Self::MailAddresses => mailbox::is_list(value),
            Self::Port => value.parse::<u16>().is_ok_and(|port| port > 0),
            Self::Address => address(value).is_some(),
            Self::Number => value.parse::<u64>().is_ok(),
            Self::PositiveNumber => positive(value).is_some(),
            Self::Percent => value.parse::<u64>().is_ok_and(|percent| (1..=100).contains(&percent)),
            Self::Factor => Speed::parse(value).is_some(),
            Self::Duration => duration::parse(value).is_ok(),
            Self::PositiveDuration => positive_duration(value).is_some(),
        }
    }

    /// Its name in the reference.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Folder => "folder",
            Self::Switch => "true or false",
            Self::Level => "level",
            Self::Statuses => "verdicts",
            Self::MailAddress => "mail address",
            Self::MailAddresses => "mail addresses",
            Self::Port => "port",
            Self::Address => "address",
            Self::Number | Self::PositiveNumber | Self::Factor => "number",
            Self::Percent => "percent",
            Self::Duration | Self::PositiveDuration => "duration",
        }
    }
}

/// A family of keys, of which a part is a name that the scenarios give.
#[derive(Debug)]
pub struct Family {
    /// With the names in angle brackets.
    pub name: &'static str,
    /// As an environment variable.
    pub environment: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// Start of every environment variable that configures QALIPSIS.
pub const ENVIRONMENT_PREFIX: &str = "QALIPSIS_";

/// Environment variables that begin so belong to QALIPSIS' own tests and are left alone.
pub const TEST_PREFIX: &str = "QALIPSIS_TEST_";

/// The keys of the product itself, sorted by name.
pub const KEYS: &[Key] = &[
    Key {
        name: "campaign.fail-on-warning",
        kind: Kind::Switch,
        default: Some("false"),
        doc: "Whether a campaign that ends with warnings exits with 3 instead of 0.",
        set: |s, v| switch(v).map(|v| s.fail_on_warning = v),
    },
    Key {
        name: "campaign.hard-timeout",
        kind: Kind::PositiveDuration,
        default: None,
        doc: "What still runs of the campaign after this time is cancelled, and it counts as aborted. Without it: \
              after `campaign.timeout` iterations are finished and sources drain, within their own limits.",
        set: |s, v| positive_duration(v).map(|v| s.limits.campaign_hard = Some(v)),
    },
    Key {
        name: "campaign.limits.clock-jump",
        kind: Kind::PositiveDuration,
        default: Some("500ms"),
        doc: "How far the wall clock of a factory or of the runner may jump against the monotonic clock before the \
              figures count as invalid: because it was set, or because the machine slept.",
        set: |s, v| positive_duration(v).map(|v| s.limits.clock_jump = v),
    },
    Key {
        name: "campaign.limits.cpu",
        kind: Kind::Percent,
        default: Some("50"),
        doc: "How much of the CPU that it may use a factory may have itself, in percent, while 95 % or more of it \
              is in use. It has no effect where the system does not report it (other than Linux).",
        set: |s, v| v.parse().ok().filter(|v| (1..=100).contains(v)).map(|v| s.limits.cpu = v),
    },
    Key {
        name: "campaign.limits.cpu-time",
        kind: Kind::Duration,
        default: Some("10s"),
        doc: "How long of the load a factory may have that much or more before the figures count as invalid.",
        set: |s, v| duration::parse(v).ok().map(|v| s.limits.cpu_time = v),
    },
    Key {
        name: "campaign.limits.drain",
        kind: Kind::Duration,
        default: Some("10s"),
        doc: "How long sources go on after the last minion while awaited records are overdue.",
        set: |s, v| duration::parse(v).ok().map(|v| s.limits.drain = v),
    },
    Key {
        name: "campaign.limits.dropped",
        kind: Kind::Number,
        default: Some("0"),
        doc: "How many minions of a scenario its overload policy may drop before the figures count as invalid.",
        set: |s, v| v.parse().ok().map(|v| s.limits.dropped = v),
    },
    Key {
        name: "campaign.limits.events-dropped",
        kind: Kind::Number,
        default: Some("1000"),
        doc: "How many events may be dropped because a buffer is full before the figures count as invalid.",
        set: |s, v| v.parse().ok().map(|v| s.limits.events_dropped = v),
    },
    Key {
        name: "campaign.limits.evidence-lost",
        kind: Kind::Number,
        default: Some("1000"),
        doc: "How much evidence may be dropped, its failures only counted, before the figures count as invalid.",
        set: |s, v| v.parse().ok().map(|v| s.limits.evidence_lost = v),
    },
    Key {
        name: "campaign.limits.factory-silence",
        kind: Kind::PositiveDuration,
        default: Some("10s"),
        doc: "How long a factory, or one of its workers, may show no sign of life before it counts as lost and the \
              campaign is aborted. After 2.5 s it is noticed, and the report says for how long. A time in which the \
              runner itself did not run does not count.",
        set: |s, v| positive_duration(v).map(|v| s.limits.factory_silence = v),
    },
    Key {
        name: "campaign.limits.iteration",
        kind: Kind::PositiveDuration,
        default: Some("5m"),
        doc: "How long one iteration of one minion may take.",
        set: |s, v| positive_duration(v).map(|v| s.limits.iteration = v),
    },
    Key {
        name: "campaign.limits.release-lag",
        kind: Kind::PositiveDuration,
        default: Some("1s"),
        doc: "How late 99 % of the minions may be released before the figures count as invalid.",
        set: |s, v| positive_duration(v).map(|v| s.limits.release_lag = v),
    },
    Key {
        name: "campaign.limits.source-lag",
        kind: Kind::Number,
        default: Some("1000"),
        doc: "How many records a source may leave unread at the end, when awaited ones are missing, before the \
              figures count as invalid.",
        set: |s, v| v.parse().ok().map(|v| s.limits.source_lag = v),
    },
    Key {
        name: "campaign.limits.warm-up",
        kind: Kind::PositiveDuration,
        default: Some("30s"),
        doc: "How long opening the worlds and positioning the sources may take.",
        set: |s, v| positive_duration(v).map(|v| s.limits.warm_up = v),
    },
    Key {
        name: "campaign.name",
        kind: Kind::Text,
        default: None,
        doc: "Name of the campaign in reports. Without it: the names of its scenarios.",
        set: |s, v| text(v).map(|v| s.campaign_name = Some(v)),
    },
    Key {
        name: "campaign.seed",
        kind: Kind::Number,
        default: None,
        doc: "Seed of schedules and data: the same seed gives the same ones. `--seed` goes before it. \
              Without it: a random one, which the report shows.",
        set: |s, v| v.parse().ok().map(|v| s.seed = Some(v)),
    },
    Key {
        name: "campaign.speed-factor",
        kind: Kind::Factor,
        default: Some("1"),
        doc: "How much faster than written the profiles of all scenarios release their minions: with 2 in half \
              the time, with 0.5 in twice the time. Three decimal places count.",
        set: |s, v| Speed::parse(v).map(|v| s.speed = v),
    },
    Key {
        name: "campaign.timeout",
        kind: Kind::PositiveDuration,
        default: None,
        doc: "The campaign is stopped gracefully after this time and counts as aborted. Without it: never.",
        set: |s, v| positive_duration(v).map(|v| s.limits.campaign = Some(v)),
    },
    Key {
        name: "factory.workers",
        kind: Kind::PositiveNumber,
        default: None,
        doc: "Threads that run minions in a factory. Without it: one per core.",
        set: |s, v| positive(v).map(|v| s.workers = Some(v)),
    },
    Key {
        name: "factory.zone",
        kind: Kind::Text,
        default: None,
        doc: "Location label of the factory. Without it: none.",
        set: |s, v| text(v).map(|v| s.zone = Some(v)),
    },
    Key {
        name: "report.evidence.limit",
        kind: Kind::Number,
        default: Some("5"),
        doc: "How many failures of each kind keep their evidence, per step.",
        set: |s, v| v.parse().ok().map(|v| s.limits.evidence = v),
    },
    Key {
        name: "report.export.events.buffer",
        kind: Kind::PositiveNumber,
        default: Some("10000"),
        doc: "How many events may wait at each worker of a factory; further ones are dropped and counted. Workers \
              are emptied ten times a second.",
        set: |s, v| positive(v).map(|v| s.events.buffer = v),
    },
    Key {
        name: "report.export.events.enabled",
        kind: Kind::Switch,
        default: Some("false"),
        doc: "Whether events are collected and written, beside the JUnit files: \
              `<folder>/<campaign-key>/events.jsonl`.",
        set: |s, v| switch(v).map(|v| s.events.enabled = v),
    },
    Key {
        name: "report.export.events.level",
        kind: Kind::Level,
        default: Some("info"),
        doc: "The lowest level of the events that are collected.",
        set: |s, v| Level::parse(v).map(|v| s.events.level = v),
    },
    Key {
        name: "report.export.failures.limit",
        kind: Kind::Number,
        default: Some("100000"),
        doc: "How many failed executions are listed, beside the JUnit files: `<folder>/<campaign-key>/failures.jsonl`. \
              With 0 there is no list.",
        set: |s, v| v.parse().ok().map(|v| s.limits.failures = v),
    },
    Key {
        name: "report.export.junit.folder",
        kind: Kind::Folder,
        default: Some("test-results"),
        doc: "Where JUnit files are written: `<folder>/<campaign-key>/TEST-<scenario>.xml`.",
        set: |s, v| text(v).map(|v| s.folder = PathBuf::from(v)),
    },
    Key {
        name: "report.link",
        kind: Kind::Address,
        default: None,
        doc: "Where people find the report, for notifications and the summary of a job: mostly the address of the CI job.",
        set: |s, v| address(v).map(|v| s.link = Some(v)),
    },
];

/// The families of keys.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "properties.<property>",
        environment: "QALIPSIS_PROPERTIES_<PROPERTY>",
        doc: "Value of a property in every scenario that has it.",
    },
    Family {
        name: "scenarios.<scenario>.minions",
        environment: "QALIPSIS_SCENARIOS_<SCENARIO>_MINIONS",
        doc: "Number of minions of one scenario, from 1. Refused when its profile gives the number, as arrivals do.",
    },
    Family {
        name: "scenarios.<scenario>.overload",
        environment: "QALIPSIS_SCENARIOS_<SCENARIO>_OVERLOAD",
        doc: "What one scenario does while as many of its minions as named are active in a factory and one more is to \
              be released: `queue` releases it all the same, `drop:<minions>` drops and counts it, `abort:<minions>` \
              stops the campaign. It replaces the policy that the scenario declares in code, which is `queue` \
              without another.",
    },
    Family {
        name: "scenarios.<scenario>.properties.<property>",
        environment: "QALIPSIS_SCENARIOS_<SCENARIO>_PROPERTIES_<PROPERTY>",
        doc: "Value of a property in one scenario. It goes before `properties.<property>`, \
              wherever either of them is set.",
    },
    Family {
        name: "scenarios.<scenario>.zones.<zone>",
        environment: "QALIPSIS_SCENARIOS_<SCENARIO>_ZONES_<ZONE>",
        doc: "How much of the load of one scenario a zone has, in percent: a whole number. Those of all zones sum to 100. Without \
              them all factories have their part of it.",
    },
    Family {
        name: "zones.<zone>.properties.<property>",
        environment: "QALIPSIS_ZONES_<ZONE>_PROPERTIES_<PROPERTY>",
        doc: "Value of a property in the factories of one zone. It goes before the other two, wherever they are set.",
    },
];

/// The environment variable of a key: `campaign.limits.warm-up` is `QALIPSIS_CAMPAIGN_LIMITS_WARM_UP`.
pub fn environment_name(key: &str) -> String {
    let name = key.chars().map(|c| if c.is_alphanumeric() { c } else { '_' });
    format!("{ENVIRONMENT_PREFIX}{}", name.collect::<String>().to_uppercase())
}

fn text(value: &str) -> Option<String> {
    (!value.trim().is_empty()).then(|| value.to_owned())
}

fn address(value: &str) -> Option<String> {
    let known = ["http://", "https://"].iter().any(|scheme| value.starts_with(scheme));
    (known && !value.contains(char::is_whitespace)).then(|| value.to_owned())
}

fn switch(value: &str) -> Option<bool> {
    value.parse().ok()
}

/// A whole number from 1.
pub(super) fn positive(value: &str) -> Option<u32> {
    value.parse().ok().filter(|v| *v > 0)
}

fn positive_duration(value: &str) -> Option<Duration> {
    duration::parse(value).ok().filter(|v| !v.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_sorted_and_of_one_form() {
        assert!(KEYS.is_sorted_by_key(|k| k.name));
        let variables: BTreeSet<String> = KEYS.iter().map(|k| environment_name(k.name)).collect();
        assert_eq!(variables.len(), KEYS.len());
        for key in KEYS {
            assert!(
                key.name.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '-'),
                "{} is kebab-case with dots",
                key.name
            );
            assert!(key.doc.ends_with('.'), "{} is documented in sentences", key.name);
        }
        assert_eq!(environment_name("campaign.limits.warm-up"), "QALIPSIS_CAMPAIGN_LIMITS_WARM_UP");
    }

    #[test]
    fn the_defaults_of_the_table_are_the_defaults_of_the_settings() {
        let mut settings = Settings::default();
        for key in KEYS {
            if let Some(default) = key.default {
                assert!(key.kind.accepts(default), "{}", key.name);
                (key.set)(&mut settings, default).unwrap_or_else(|| panic!("{} takes its default", key.name));
            }
        }
        assert_eq!(settings, Settings::default());
    }
}
