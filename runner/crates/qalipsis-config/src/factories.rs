//! `factories:` of a configuration file: several factories on this machine, for example one for each zone.

use super::entry::{Entry, Origin};
use super::keys::positive;
use super::sources::must_be;
use crate::problem::Problem;
use qalipsis_model::suggest::hint;

/// A factory of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFactory {
    /// Its name in reports; `None` for that of its zone.
    pub name: Option<String>,
    /// Its zone.
    pub zone: String,
    /// How much it does, compared with the others of its zone. Default 1.
    pub capacity: u32,
    /// Threads that run its minions; `None` for its part of the cores.
    pub workers: Option<u32>,
}

/// One item of the list, as it is written.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct GivenFactory {
    pub(super) origin: Origin,
    pub(super) fields: Vec<Entry>,
}

/// The fields of an item, with what they are.
pub(super) const FIELDS: [(&str, &str); 4] = [
    ("zone", "Its zone, which must be given."),
    ("name", "Its name in reports. Default: that of its zone."),
    ("capacity", "How much it does, compared with the others of its zone, from 1. Default: 1."),
    ("workers", "Threads that run its minions. Default: its part of the cores, at least 1."),
];

/// The most factories on one machine.
const MOST: usize = 100;

/// The factories of the list.
pub(super) fn read(given: &[GivenFactory], problems: &mut Vec<Problem>) -> Vec<LocalFactory> {
    if let Some(beyond) = given.get(MOST) {
        problems
            .push(Problem::at(place(&beyond.origin), format_args!("at most {MOST} factories can be given")));
        return Vec::new();
    }
    given.iter().filter_map(|factory| one(factory, problems)).collect()
}

fn one(given: &GivenFactory, problems: &mut Vec<Problem>) -> Option<LocalFactory> {
    let known = problems.len();
    let mut factory = LocalFactory { name: None, zone: String::new(), capacity: 1, workers: None };
    for field in &given.fields {
        let text = match &field.value.text {
            Ok(text) => text.trim(),
            Err(error) => {
                problems.push(Problem::at(field.place(), error));
                continue;
            }
        };
        let number = || positive(text);
        let taken = match field.name.as_str() {
            "zone" if !text.is_empty() => {
                factory.zone = text.to_owned();
                true
            }
            "name" if !text.is_empty() => {
                factory.name = Some(text.to_owned());
                true
            }
            "capacity" => number().map(|capacity| factory.capacity = capacity).is_some(),
            "workers" => number().map(|workers| factory.workers = Some(workers)).is_some(),
            "zone" | "name" => false,
            other => {
                let names = FIELDS.iter().map(|(name, _)| *name);
                let what = format!("a factory has no field '{other}', {}", hint(other, names));
                problems.push(Problem::at(field.place(), what));
                continue;
            }
        };
        if !taken {
            let expected = if ["zone", "name"].contains(&field.name.as_str()) {
                "a text"
            } else {
                "a whole number from 1"
            };
            problems.push(must_be(field, &field.name, expected));
        }
    }
    if problems.len() > known {
        return None;
    }
    if factory.zone.is_empty() {
        problems.push(Problem::at(place(&given.origin), "a factory must have a zone: {zone: eu}"));
        return None;
    }
    Some(factory)
}

fn place(origin: &Origin) -> String {
    Entry {
        name: String::new(),
        origin: origin.clone(),
        value: super::entry::Value { text: Ok(String::new()), literal: true },
    }
    .place()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sources;

    fn read_file(text: &str) -> (Vec<LocalFactory>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("qalipsis.yml"), text).unwrap();
        let sources = Sources { directory: folder.path().to_owned(), ..Sources::default() };
        let (settings, problems) = sources.read();
        (settings.factories, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn each_item_is_a_factory() {
        let (factories, problems) =
            read_file("factories:\n  - {zone: eu}\n  - {zone: us, name: big, capacity: 3, workers: 2}\n");
        assert_eq!(problems, [""; 0]);
        assert_eq!(
            factories,
            [
                LocalFactory { name: None, zone: "eu".into(), capacity: 1, workers: None },
                LocalFactory { name: Some("big".into()), zone: "us".into(), capacity: 3, workers: Some(2) },
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_one_line_with_its_place() {
        for (text, expected) in [
            ("factories: eu\n", "qalipsis.yml:1:1: 'factories' must be a list, with '- ' before each item"),
            (
                "factories:\n  - eu\n",
                "qalipsis.yml:2:5: an item of 'factories' must be a map of fields, for example 'zone: eu'",
            ),
            ("factories:\n  - {name: a}\n", "qalipsis.yml:2:5: a factory must have a zone: {zone: eu}"),
            (
                "factories:\n  - {zone: eu, capacity: 0}\n",
                "qalipsis.yml:2:16: capacity must be a whole number from 1, it is '0'",
            ),
            (
                "factories:\n  - {zone: eu, capcity: 2}\n",
                "qalipsis.yml:2:16: a factory has no field 'capcity', did you mean 'capacity'?",
            ),
            (
                "factory: {zone: eu}\nfactories:\n  - {zone: us}\n",
                "factory.zone and factories are both given: each factory of the list has a zone of its own, remove factory.zone",
            ),
        ] {
            assert_eq!(read_file(text).1, [expected], "{text}");
        }
    }
}
