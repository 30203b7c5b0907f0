//! Sections: the keys that an output or an exporter brings for itself.
//!
//! The configuration knows them as data: it reads, checks, documents and hides their values without knowing what they mean.

use crate::entry::Entry;
use crate::keys::{KEYS, Key, Kind, environment_name};
use crate::problem::Problem;
use crate::{Secret, Statuses};
use std::collections::BTreeMap;
use std::fmt;

/// A key of a section.
#[derive(Debug, Clone, Copy)]
pub struct SectionKey {
    /// Below the name of its section, in kebab-case: `token`.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Its default as one would write it; `None` when it has none.
    pub default: Option<&'static str>,
    /// Whether its value is shown nowhere.
    pub secret: bool,
    /// What it does, one sentence or two.
    pub doc: &'static str,
}

impl SectionKey {
    /// A key without a default, whose value may be shown.
    pub const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, default: None, secret: false, doc }
    }

    /// The same key with this default.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The same key, whose value is shown nowhere.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

/// The keys of one part of the product.
#[derive(Debug)]
pub struct SectionDefinition {
    /// What its keys begin with: `report.export.slack`.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [SectionKey],
    /// What is wrong with the values together; each of them is valid for its kind.
    pub check: fn(&Section<'_>) -> Option<Problem>,
}

impl SectionDefinition {
    /// The name of one of its keys from the root: `report.export.slack.token`.
    fn full(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }
}

/// For sections whose values need no check but that of their kinds.
pub fn unchecked(_: &Section<'_>) -> Option<Problem> {
    None
}

/// The values of all sections by the names of their keys. `Debug` shows no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Values(BTreeMap<String, String>);

impl Values {
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The values of one section, as they were given or as they are by default.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    definition: &'a SectionDefinition,
    values: &'a Values,
}

impl<'a> Section<'a> {
    pub(crate) fn new(definition: &'a SectionDefinition, values: &'a Values) -> Self {
        Self { definition, values }
    }

    /// Whether any of its keys was given a value.
    pub fn is_given(&self) -> bool {
        self.definition.keys.iter().any(|key| self.values.0.contains_key(&self.definition.full(key.name)))
    }

    /// The value of a key; `None` when none was given and it has no default.
    ///
    /// # Panics
    /// When the section has no such key, which is a defect of who asks.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        let Some(declared) = self.definition.keys.iter().find(|declared| declared.name == key) else {
            panic!("section {} does not declare '{key}'", self.definition.name);
        };
        self.values.0.get(&self.definition.full(key)).map(String::as_str).or(declared.default)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, key: &str) -> bool {
        self.text(key) == Some("true")
    }

    /// A value that is shown nowhere.
    pub fn secret(&self, key: &str) -> Option<Secret> {
        self.text(key).map(Secret::new)
    }

    /// A port.
    pub fn port(&self, key: &str) -> Option<u16> {
        self.text(key)?.parse().ok()
    }

    /// Verdicts; all of them when there is neither a value nor a default.
    pub fn statuses(&self, key: &str) -> Statuses {
        self.text(key).and_then(Statuses::parse).unwrap_or_else(Statuses::all)
    }

    /// The problem of a key that must be set, since the section is enabled.
    pub fn missing(&self, key: &str) -> Problem {
        let name = self.definition.name;
        Problem::new(format_args!("{name}.{key} must be set, since {name}.enabled is true"))
    }

    /// The problem of a key that must be set, since `other` is.
    pub fn incomplete(&self, key: &str, other: &str) -> Problem {
        let name = self.definition.name;
        Problem::new(format_args!("{name}.{key} must be set, since {name}.{other} is set"))
    }

    /// The problem of two switches of which only one may be on.
    pub fn exclusive(&self, one: &str, other: &str) -> Problem {
        let name = self.definition.name;
        Problem::new(format_args!("{name}.{one} and {name}.{other} are both true: only one of them may be"))
    }
}

/// Starts of the keys that sections of other programs have.
const ELSEWHERE: [&str; 4] = ["report.export.", "server.", "head.", "store."];

/// The sections that a program has.
#[derive(Debug, Clone, Default)]
pub struct Sections {
    definitions: Vec<&'static SectionDefinition>,
    others: bool,
}

impl Sections {
    /// All there are: what none of them declares is an unknown key.
    pub fn all(definitions: impl IntoIterator<Item = &'static SectionDefinition>) -> Self {
        Self { definitions: definitions.into_iter().collect(), others: false }
    }

    /// Those of another program, which reads the same files: what is below `report.export`, `server`, `head` and `store`
    /// is left to it, unchecked.
    pub fn elsewhere() -> Self {
        Self { definitions: Vec::new(), others: true }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static SectionDefinition> {
        self.definitions.iter().copied()
    }

    /// Whether only another program knows what was given.
    pub(crate) fn leaves(&self, entry: &Entry) -> bool {
        let is_below = |start: &str| {
            if entry.is_environment() {
                entry.name.starts_with(&environment_name(start))
            } else {
                entry.name.starts_with(start)
            }
        };
        self.others && ELSEWHERE.into_iter().any(is_below)
    }

    /// Every key but those of families, sorted by name.
    pub(crate) fn keys(&self) -> Vec<Known> {
        let of_sections = self.iter().flat_map(|section| {
            section.keys.iter().map(|key| Known {
                name: section.full(key.name),
                kind: key.kind,
                default: key.default,
                doc: key.doc,
                secret: key.secret,
                setting: None,
            })
        });
        let mut keys: Vec<Known> = KEYS.iter().map(Known::from).chain(of_sections).collect();
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        keys
    }
}

/// A key, whoever declares it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// From the root.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) default: Option<&'static str>,
    pub(crate) doc: &'static str,
    pub(crate) secret: bool,
    /// The setting that it sets; `None` for a key of a section.
    pub(crate) setting: Option<&'static Key>,
}

impl From<&'static Key> for Known {
    fn from(key: &'static Key) -> Self {
        Self {
            name: key.name.to_owned(),
            kind: key.kind,
            default: key.default,
            doc: key.doc,
            secret: false,
            setting: Some(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Environment, Sources, reference};

    static PAGER: SectionDefinition = SectionDefinition {
        name: "report.export.pager",
        keys: &[
            SectionKey::new("enabled", Kind::Switch, "Whether the pager is notified.").or("false"),
            SectionKey::new("port", Kind::Port, "Its port.").or("2000"),
            SectionKey::new("key", Kind::Address, "Where the pager listens.").secret(),
            SectionKey::new("status", Kind::Statuses, "Which verdicts are sent.").or("ALL"),
        ],
        check: |section| {
            (section.is_on("enabled") && section.text("key").is_none()).then(|| section.missing("key"))
        },
    };

    fn read(sections: Sections, pairs: &[&str]) -> (crate::Settings, Vec<String>) {
        let sources = Sources {
            directory: "/nonexistent".into(),
            environment: Environment::from([
                ("QALIPSIS_REPORT_EXPORT_PAGER_PORT", "7"),
                ("KEY", "http://hunter2"),
            ]),
            pairs: pairs.iter().map(|pair| (*pair).to_owned()).collect(),
            sections,
            ..Sources::default()
        };
        let (settings, problems) = sources.read();
        (settings, problems.iter().map(ToString::to_string).collect())
    }

    fn pager() -> Sections {
        Sections::all([&PAGER])
    }

    #[test]
    fn values_come_from_everywhere_and_secrets_are_shown_nowhere() {
        let pairs = [
            "report.export.pager.enabled=true",
            "report.export.pager.key=${KEY}",
            "report.export.pager.status=FAILED",
        ];
        let (settings, problems) = read(pager(), &pairs);
        assert_eq!(problems, [""; 0]);
        let section = settings.section(&PAGER);
        assert!(section.is_given() && section.is_on("enabled"));
        assert_eq!(section.port("port"), Some(7), "an environment variable goes before the default");
        assert_eq!(section.secret("key").unwrap().reveal(), "http://hunter2");
        assert_eq!(section.statuses("status"), Statuses::parse("FAILED").unwrap());
        let literal = ["report.export.pager.key=http://hunter2"];
        for settings in [settings, read(pager(), &literal).0] {
            assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
            assert_eq!(settings.configuration(&[], &[])["report.export.pager.key"], "***");
        }
    }

    #[test]
    fn defaults_hold_without_a_value() {
        let settings = crate::Settings::default();
        let section = settings.section(&PAGER);
        assert!(!section.is_given() && !section.is_on("enabled") && section.text("key").is_none());
        assert_eq!((section.port("port"), section.statuses("status")), (Some(2000), Statuses::all()));
        for key in PAGER.keys {
            assert!(key.default.is_none_or(|default| key.kind.accepts(default)), "{}", key.name);
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value_of_a_secret() {
        for (pair, expected) in [
            (
                "report.export.pager.enabled=true",
                "report.export.pager.key must be set, since report.export.pager.enabled is true",
            ),
            (
                "report.export.pager.key=hunter2",
                "-c report.export.pager.key: report.export.pager.key must be an address that begins with http:// or https://",
            ),
            (
                "report.export.pager.status=RED",
                "-c report.export.pager.status: report.export.pager.status must be ALL or some of SUCCESSFUL, WARNING, FAILED, ABORTED, INVALID, with commas between them, it is 'RED'",
            ),
            (
                "report.export.pager.prot=1",
                "-c: unknown key 'report.export.pager.prot', did you mean 'report.export.pager.port'?",
            ),
        ] {
            assert_eq!(read(pager(), &[pair]).1, [expected]);
        }
    }

    #[test]
    fn keys_of_another_program_are_left_to_it_and_all_others_are_not() {
        let (_, problems) =
            read(Sections::elsewhere(), &["report.export.pager.key=${UNSET}", "report.exprot=1"]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("-c: unknown key 'report.exprot'"), "{problems:?}");
        let (_, problems) = read(Sections::default(), &[]);
        assert_eq!(problems.len(), 1, "without sections the variable is unknown: {problems:?}");
    }

    #[test]
    fn the_reference_has_the_keys_of_sections_among_the_others() {
        let page = reference(&pager());
        let row = "| `report.export.pager.port` | port | `2000` | `QALIPSIS_REPORT_EXPORT_PAGER_PORT` | Its port. |";
        assert!(page.contains(row), "{page}");
        let (before, after) = page.split_once("report.export.pager.enabled").unwrap();
        assert!(before.contains("`report.export.junit.folder`") && after.contains("`report.link`"), "{page}");
    }
}
