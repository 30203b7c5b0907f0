//! Reads the configuration from everywhere it may be given.

use super::criteria::GivenCriterion;
use super::entry::{Entry, Origin, Value};
use super::environment::Environment;
use super::expand::expand;
use super::factories::{self, GivenFactory};
use super::file::{self, CRITERIA, FACTORIES, FileItem, FileValue};
use super::keys::{self, ENVIRONMENT_PREFIX, FAMILIES, TEST_PREFIX, environment_name};
use super::mask::{HIDDEN, is_secret, masked};
use super::section::{Known, Sections};
use super::settings::Settings;
use super::shown::shown;
use crate::problem::Problem;
use qalipsis_model::suggest::{hint, nearest};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Files that are read when none is named, from lower to higher precedence.
const FILES: [&str; 2] = ["qalipsis.yml", "config/qalipsis.yml"];

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Where the configuration comes from. `Debug` shows no value.
#[derive(Clone, Default)]
pub struct Sources {
    /// The only file to read, when named.
    pub only_file: Option<PathBuf>,
    /// Where `qalipsis.yml` and `config/qalipsis.yml` are looked for otherwise.
    pub directory: PathBuf,
    /// The environment variables.
    pub environment: Environment,
    /// `KEY=VALUE`, from lower to higher precedence.
    pub pairs: Vec<String>,
    /// What another program gives, for example in a request. It goes before all other values.
    pub given: Vec<Given>,
    /// Goes before every other seed.
    pub seed: Option<u64>,
    /// The keys that parts of the program bring for themselves.
    pub sections: Sections,
}

/// A value that another program gives. It is taken as it is: what it says about environment variables is not replaced,
/// so that nobody elsewhere reads those of this process. `Debug` does not show the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// Where it was given, for messages: `/configuration/campaign.seed`.
    pub place: String,
    /// The key: `campaign.seed`.
    pub key: String,
    /// The value.
    pub value: String,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.key, self.place)
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("only_file", &self.only_file)
            .field("directory", &self.directory)
            .field("pairs", &self.pairs.len())
            .field("given", &self.given)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// The keys of the command line with their values, `${NAME}` replaced by what is in this environment: what is sent to
    /// a head elsewhere, which knows no variable of this machine.
    ///
    /// # Errors
    /// Values that cannot be replaced; what is wrong otherwise [`read`](Self::read) says.
    pub fn expanded_pairs(&self) -> Result<Vec<(String, String)>, Vec<Problem>> {
        let mut problems = Vec::new();
        let pairs = self.pairs.iter().filter_map(|pair| pair.split_once('='));
        let expanded = pairs.filter_map(|(key, value)| match expand(value, &self.environment).text {
            Ok(text) => Some((key.trim().to_owned(), text)),
            Err(error) => {
                problems.push(Problem::at(format_args!("-c {}", key.trim()), error));
                None
            }
        });
        let expanded = expanded.collect();
        if problems.is_empty() { Ok(expanded) } else { Err(problems) }
    }

    /// The settings, and all that is wrong with what was given for them.
    ///
    /// Keys of families are only known to be well-formed; [`Settings::plan`] checks the names in them.
    pub fn read(&self) -> (Settings, Vec<Problem>) {
        let mut reading = SourceReader {
            environment: &self.environment,
            sections: &self.sections,
            known: self.sections.keys(),
            fixed: BTreeMap::new(),
            families: Vec::new(),
            criteria: Vec::new(),
            factories: Vec::new(),
            problems: Vec::new(),
        };
        reading.files(self);
        reading.variables();
        for pair in &self.pairs {
            reading.pair(pair);
        }
        for Given { place, key, value } in &self.given {
            reading.entry(Entry {
                name: key.clone(),
                origin: Origin::Given { place: place.clone() },
                value: Value { text: Ok(value.clone()), literal: true },
            });
        }
        let (mut settings, problems) = reading.settle();
        settings.seed = self.seed.or(settings.seed);
        (settings, problems)
    }
}

struct SourceReader<'a> {
    environment: &'a Environment,
    sections: &'a Sections,
    /// Every key but those of families.
    known: Vec<Known>,
    /// The entry of highest precedence of each known key. Lower ones are not used, and not checked.
    fixed: BTreeMap<usize, Entry>,
    families: Vec<Entry>,
    criteria: Vec<GivenCriterion>,
    /// Those of the file of highest precedence that gives any.
    factories: Vec<GivenFactory>,
    problems: Vec<Problem>,
}

impl SourceReader<'_> {
    fn files(&mut self, sources: &Sources) {
        if let Some(path) = &sources.only_file {
            match read_file(path) {
                Ok(text) => self.file(&path.display().to_string(), &text),
                Err(error) => self.unreadable(&path.display().to_string(), &error),
            }
            return;
        }
        for name in FILES {
            match read_file(&sources.directory.join(name)) {
                Ok(text) => self.file(name, &text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.unreadable(name, &error),
            }
        }
    }

    fn unreadable(&mut self, path: &str, error: &io::Error) {
        self.problems.push(Problem::at(path, format_args!("cannot read this configuration file: {error}")));
    }

    fn file(&mut self, path: &str, text: &str) {
        let mut content = match file::read(path, text) {
            Ok(content) => content,
            Err(problems) => return self.problems.extend(problems),
        };
        for item in content.lists.remove(CRITERIA).unwrap_or_default() {
            let (origin, fields) = self.item(path, item);
            self.criteria.push(GivenCriterion { origin, fields });
        }
        if let Some(items) = content.lists.remove(FACTORIES) {
            let given = items.into_iter().map(|item| self.item(path, item));
            let given = given.map(|(origin, fields)| GivenFactory { origin, fields });
            self.factories = given.collect();
        }
        for value in content.values {
            if value.text.is_none() && self.is_section(&value.key) {
                // `campaign:` with every line below it commented out.
                continue;
            }
            let entry = self.file_entry(path, value);
            self.entry(entry);
        }
    }

    fn item(&self, path: &str, item: FileItem) -> (Origin, Vec<Entry>) {
        let fields = item.fields.into_iter().map(|field| self.file_entry(path, field)).collect();
        (Origin::File { path: path.to_owned(), line: item.line, column: item.column }, fields)
    }

    fn file_entry(&self, path: &str, value: FileValue) -> Entry {
        let origin = Origin::File { path: path.to_owned(), line: value.line, column: value.column };
        let text = match value.text {
            Some(text) => expand(&text, self.environment),
            None => Value {
                text: Err(format!("key '{}' has no value, give it one or remove the line", value.key)),
                literal: true,
            },
        };
        Entry { name: value.key, origin, value: text }
    }

    fn variables(&mut self) {
        let names: Vec<&str> = self.environment.names(ENVIRONMENT_PREFIX).collect();
        for name in names {
            if name.starts_with(TEST_PREFIX) {
                continue;
            }
            let value = match self.environment.get(name) {
                Ok(text) => expand(&text, self.environment),
                Err(error) => Value { text: Err(error), literal: false },
            };
            self.entry(Entry { name: name.to_owned(), origin: Origin::Environment, value });
        }
    }

    fn pair(&mut self, pair: &str) {
        let Some((key, value)) = pair.split_once('=') else {
            // What follows the key may be a secret, for example in `properties.password:hunter2`.
            let end = pair.find(|c: char| !(c.is_alphanumeric() || "._-".contains(c))).unwrap_or(pair.len());
            let place = format!("-c {}", &pair[..end]);
            self.problems.push(Problem::at(place.trim_end(), "there is no '=', write -c KEY=VALUE"));
            return;
        };
        if key.trim().is_empty() {
            self.problems.push(Problem::at("-c", "there is no key before '=', write -c KEY=VALUE"));
            return;
        }
        let value = expand(value, self.environment);
        self.entry(Entry { name: key.trim().to_owned(), origin: Origin::Flag, value });
    }

    fn entry(&mut self, entry: Entry) {
        let matches = |key: &Known| {
            if entry.is_environment() {
                environment_name(&key.name) == entry.name
            } else {
                key.name == entry.name
            }
        };
        if let Some(index) = self.known.iter().position(matches) {
            self.fixed.insert(index, entry);
        } else if is_of_family(&entry) {
            self.families.push(entry);
        } else if !self.sections.leaves(&entry) {
            self.problems.push(self.unknown(&entry));
        }
    }

    /// Whether `name` is the start of other keys.
    fn is_section(&self, name: &str) -> bool {
        let start = format!("{name}.");
        name == CRITERIA
            || name == FACTORIES
            || name == "zones"
            || (name.starts_with("zones.") && !name.contains(".properties."))
            || name == "properties"
            || name == "scenarios"
            || self.known.iter().any(|key| key.name.starts_with(&start))
            || (name.starts_with("scenarios.")
                && !OF_SCENARIOS.iter().any(|setting| name.ends_with(&format!(".{setting}")))
                && !name.contains(".zones.")
                && !name.contains(".properties."))
    }

    fn unknown(&self, entry: &Entry) -> Problem {
        let families = FAMILIES.iter();
        if entry.is_environment() {
            let mut names: Vec<String> = self.known.iter().map(|k| environment_name(&k.name)).collect();
            names.extend(families.map(|f| f.environment.to_owned()));
            let what = match nearest(&entry.name, names.iter().map(String::as_str)) {
                Some(near) => format!("no such setting, did you mean {near}?"),
                None => "no such setting, unset it".to_owned(),
            };
            return Problem::at(entry.place(), what);
        }
        let name = &entry.name;
        // `scenarios.checkout.minion` is nearer to its family with the name of the scenario put in.
        let scenario = name.strip_prefix("scenarios.").and_then(|rest| Some(rest.rsplit_once('.')?.0));
        let mut names: Vec<String> = self.known.iter().map(|k| k.name.clone()).collect();
        names.extend(families.map(|f| match scenario {
            Some(scenario) => f.name.replace("<scenario>", scenario),
            None => f.name.to_owned(),
        }));
        let what = format!("unknown key '{name}', {}", hint(name, names.iter().map(String::as_str)));
        Problem::at(entry.origin_place(), what)
    }

    fn settle(mut self) -> (Settings, Vec<Problem>) {
        let mut settings = Settings::default();
        for (index, mut entry) in self.fixed {
            let key = &self.known[index];
            // An error shows only what was written as it is.
            entry.value.literal &= !key.secret;
            let text = match &entry.value.text {
                Ok(text) => text,
                Err(error) => {
                    self.problems.push(Problem::at(entry.place(), error));
                    continue;
                }
            };
            let taken = match key.setting {
                Some(setting) => (setting.set)(&mut settings, text).is_some(),
                None => key.kind.accepts(text),
            };
            if !taken {
                self.problems.push(must_be(&entry, &key.name, key.kind.expected()));
                continue;
            }
            if key.setting.is_none() {
                settings.sections.set(&key.name, text);
            }
            let value = if key.secret { HIDDEN.to_owned() } else { shown(&key.name, &entry.value) };
            settings.shown.insert(key.name.clone(), value);
        }
        let wrong = self.sections.iter().filter_map(|section| (section.check)(&settings.section(section)));
        self.problems.extend(wrong);
        settings.factories = factories::read(&self.factories, &mut self.problems);
        if !settings.factories.is_empty() && settings.zone.is_some() {
            self.problems.push(Problem::new(
                "factory.zone and factories are both given: each factory of the list has a zone of its own, remove factory.zone",
            ));
        }
        settings.families = self.families;
        settings.criteria = self.criteria;
        (settings, self.problems)
    }
}

/// The problem of a value that is not what `key` must be.
pub(super) fn must_be(entry: &Entry, key: &str, expected: &str) -> Problem {
    let given = match &entry.value {
        Value { text: Ok(text), literal: true } if !is_secret(key.trim_matches('\'')) => {
            format!(", it is '{}'", masked(text))
        }
        _ => String::new(),
    };
    Problem::at(entry.place(), format_args!("{key} must be {expected}{given}"))
}

fn read_file(path: &Path) -> io::Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > LARGEST_FILE {
        return Err(io::Error::other(format!("it has {size} bytes, at most {LARGEST_FILE} are read")));
    }
    std::fs::read_to_string(path)
}

/// Settings of single scenarios, beside their properties.
const OF_SCENARIOS: [&str; 2] = ["minions", "overload"];

/// Whether a key or a variable has the form of a family; names in it are checked later.
fn is_of_family(entry: &Entry) -> bool {
    let (separator, name) = if entry.is_environment() {
        ('_', entry.name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or_default().to_lowercase())
    } else {
        ('.', entry.name.clone())
    };
    let Some((family, rest)) = name.split_once(separator) else { return false };
    let properties = format!("{separator}properties{separator}");
    let zones = format!("{separator}zones{separator}");
    match family {
        "properties" => !rest.is_empty(),
        "scenarios" => {
            let named = |setting| rest.strip_suffix(&format!("{separator}{setting}"));
            OF_SCENARIOS.iter().filter_map(named).any(|scenario| !scenario.is_empty())
                || [&properties, &zones].into_iter().any(|separator| {
                    rest.split_once(separator).is_some_and(|(s, p)| !s.is_empty() && !p.is_empty())
                })
        }
        "zones" => rest.split_once(&properties).is_some_and(|(zone, p)| !zone.is_empty() && !p.is_empty()),
        _ => false,
    }
}

impl Entry {
    /// Like [`Entry::place`] for a text that names the key anyway.
    fn origin_place(&self) -> String {
        match self.origin {
            Origin::Flag => "-c".to_owned(),
            Origin::File { .. } | Origin::Environment | Origin::Given { .. } => self.place(),
        }
    }
}

/// Whether `value` is a number of minions.
pub(super) fn minions(value: &str) -> Option<u32> {
    keys::positive(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    struct Given {
        directory: tempfile::TempDir,
        sources: Sources,
    }

    fn given(files: &[(&str, &str)], variables: Environment, pairs: &[&str]) -> Given {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("config")).unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let sources = Sources {
            directory: directory.path().to_owned(),
            environment: variables,
            pairs: pairs.iter().map(|p| (*p).to_owned()).collect(),
            ..Sources::default()
        };
        Given { directory, sources }
    }

    fn settings(given: &Given) -> Settings {
        let (settings, problems) = given.sources.read();
        assert_eq!(problems, []);
        settings
    }

    fn problems(files: &[(&str, &str)], variables: Environment, pairs: &[&str]) -> Vec<String> {
        let (_, problems) = given(files, variables, pairs).sources.read();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_place_goes_before_the_ones_below() {
        let names = |settings: &Settings| (settings.campaign_name.clone().unwrap_or_default(), settings.seed);
        let files = [
            ("qalipsis.yml", "campaign: {name: file, seed: 1}"),
            ("config/qalipsis.yml", "campaign:\n  name: config\n"),
        ];
        let variables = || Environment::from([("QALIPSIS_CAMPAIGN_NAME", "variable")]);
        let pairs = ["campaign.name=first", "campaign.name=last"];

        assert_eq!(settings(&given(&[], Environment::default(), &[])), Settings::default());
        assert_eq!(
            names(&settings(&given(&files[..1], Environment::default(), &[]))),
            ("file".into(), Some(1))
        );
        assert_eq!(names(&settings(&given(&files, Environment::default(), &[]))), ("config".into(), Some(1)));
        assert_eq!(names(&settings(&given(&files, variables(), &[]))), ("variable".into(), Some(1)));
        assert_eq!(names(&settings(&given(&files, variables(), &pairs))), ("last".into(), Some(1)));

        let mut all = given(&files, variables(), &pairs);
        all.sources.seed = Some(9);
        assert_eq!(names(&settings(&all)), ("last".into(), Some(9)));

        let mut only = given(&files, Environment::default(), &[]);
        let other = only.directory.path().join("other.yml");
        std::fs::write(&other, "campaign.seed: 5").unwrap();
        only.sources.only_file = Some(other);
        assert_eq!(names(&settings(&only)), (String::new(), Some(5)));
    }

    #[test]
    fn what_another_program_gives_goes_before_all_else_and_reads_no_variable() {
        let mut given = given(&[], Environment::from([("SECRET", "hunter2")]), &["campaign.name=flag"]);
        let value = |place: &str, key: &str, value: &str| crate::Given {
            place: place.into(),
            key: key.into(),
            value: value.into(),
        };
        given.sources.given = vec![value("/name", "campaign.name", "${SECRET}")];
        assert_eq!(settings(&given).campaign_name.as_deref(), Some("${SECRET}"));
        given.sources.given =
            vec![value("/seed", "campaign.seed", "x"), value("/configuration/a", "campain.seed", "hunter2")];
        assert!(!format!("{:?}", given.sources).contains("hunter2"));
        let (_, problems) = given.sources.read();
        let places: Vec<_> = problems.iter().map(|problem| (problem.place(), problem.what())).collect();
        assert_eq!(
            places,
            [
                (Some("/configuration/a"), "unknown key 'campain.seed', did you mean 'campaign.seed'?"),
                (Some("/seed"), "campaign.seed must be a whole number from 0, it is 'x'"),
            ]
        );
    }

    #[test]
    fn every_kind_of_value_is_taken() {
        let yaml = "
campaign:
  timeout: 1.5m
  fail-on-warning: true
  limits: {drain: 0s, iteration: 2s, warm-up: 250ms, release-lag: 10ms}
report:
  evidence.limit: 0
  export.junit:
    folder: ${OUT}/junit
factory:
  workers: 3
  zone: eu
properties:
scenarios:
  checkout:
";
        let variables =
            Environment::from([("OUT", "out"), ("QALIPSIS_TEST_WHATEVER", "${X}"), ("OTHER", "")]);
        let settings = settings(&given(&[("qalipsis.yml", yaml)], variables, &[]));
        assert_eq!(settings.limits.campaign, Some(Duration::from_secs(90)));
        assert_eq!(settings.limits.drain, Duration::ZERO);
        assert_eq!(settings.limits.warm_up, Duration::from_millis(250));
        assert_eq!((settings.limits.evidence, settings.workers), (0, Some(3)));
        assert!(settings.fail_on_warning);
        assert_eq!(settings.folder, PathBuf::from("out/junit"));
        assert_eq!(settings.zone.as_deref(), Some("eu"));
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        for (pair, expected) in [
            ("campain.seed=1", "-c: unknown key 'campain.seed', did you mean 'campaign.seed'?"),
            (
                "report.export.junit.dir=1",
                "-c: unknown key 'report.export.junit.dir', did you mean 'report.export.junit.folder'?",
            ),
            (
                "property.brokers=1",
                "-c: unknown key 'property.brokers', did you mean 'properties.<property>'?",
            ),
            (
                "scenarios.checkout.minion=1",
                "-c: unknown key 'scenarios.checkout.minion', did you mean 'scenarios.checkout.minions'?",
            ),
            ("properties.password:hunter2", "-c properties.password: there is no '=', write -c KEY=VALUE"),
            ("", "-c: there is no '=', write -c KEY=VALUE"),
            ("=hunter2", "-c: there is no key before '=', write -c KEY=VALUE"),
            (" = hunter2", "-c: there is no key before '=', write -c KEY=VALUE"),
        ] {
            assert_eq!(problems(&[], Environment::default(), &[pair]), [expected]);
        }
        assert_eq!(
            problems(&[("qalipsis.yml", "\ncampaign:\n  sede: 1\n")], Environment::default(), &[]),
            ["qalipsis.yml:3:3: unknown key 'campaign.sede', did you mean 'campaign.seed'?"]
        );
        let variables = Environment::from([("QALIPSIS_CAMPAIN_SEED", "1"), ("QALIPSIS_X", "hunter2")]);
        assert_eq!(
            problems(&[], variables, &[]),
            [
                "environment variable QALIPSIS_CAMPAIN_SEED: no such setting, did you mean QALIPSIS_CAMPAIGN_SEED?",
                "environment variable QALIPSIS_X: no such setting, unset it",
            ]
        );
    }

    #[test]
    fn bad_values_say_what_they_must_be() {
        for (pair, expected) in [
            ("campaign.seed=-1", "-c campaign.seed: campaign.seed must be a whole number from 0, it is '-1'"),
            (
                "factory.workers=0",
                "-c factory.workers: factory.workers must be a whole number from 1, it is '0'",
            ),
            (
                "campaign.fail-on-warning=yes",
                "-c campaign.fail-on-warning: campaign.fail-on-warning must be true or false, it is 'yes'",
            ),
            (
                "campaign.timeout=5",
                "-c campaign.timeout: campaign.timeout must be a duration of more than zero with its unit, \
                 for example 250ms, 1.5s, 2m or 1h, it is '5'",
            ),
            ("campaign.name=", "-c campaign.name: campaign.name must be a text that is not empty, it is ''"),
            (
                "report.link=ftp://user:hunter2@reports",
                "-c report.link: report.link must be an address that begins with http:// or https://, it is \
                 'ftp://user:***@reports'",
            ),
        ] {
            assert_eq!(problems(&[], Environment::default(), &[pair]), [expected]);
        }
        let variables = Environment::from([("PASSWORD", "hunter2")]);
        assert_eq!(
            problems(&[("qalipsis.yml", "campaign.seed: ${PASSWORD}")], variables, &[]),
            ["qalipsis.yml:1:1: campaign.seed must be a whole number from 0"],
            "what came from the environment is not shown"
        );
        assert_eq!(
            problems(
                &[("qalipsis.yml", "campaign:\n  seed:\nproperties:\n  x: ~")],
                Environment::default(),
                &[]
            ),
            ["qalipsis.yml:2:3: key 'campaign.seed' has no value, give it one or remove the line"]
        );
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let files = [("qalipsis.yml", "a: [\n"), ("config/qalipsis.yml", "campaign.sede: 1")];
        let found = problems(&files, Environment::default(), &["factory.workers=x", "nonsense"]);
        assert_eq!(found.len(), 4, "{found:?}");
    }

    #[test]
    fn a_named_file_must_be_there() {
        let mut given = given(&[], Environment::default(), &[]);
        given.sources.only_file = Some("/nonexistent/q.yml".into());
        let (_, problems) = given.sources.read();
        assert_eq!(problems.len(), 1);
        let text = problems[0].to_string();
        assert!(text.starts_with("/nonexistent/q.yml: cannot read this configuration file: "), "{text}");
    }
}
