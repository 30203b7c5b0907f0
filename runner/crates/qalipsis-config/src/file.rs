//! `qalipsis.yml`: YAML of maps and scalars, flattened to keys with dots, and lists of criteria and factories.

use crate::problem::Problem;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;
use std::fmt;

/// A value of a file: its key with dots, its text as written (`None` when empty), line and column.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FileValue {
    pub(super) key: String,
    pub(super) text: Option<String>,
    pub(super) line: u64,
    pub(super) column: u64,
}

/// An item of a list: its fields, and where it begins.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FileItem {
    pub(super) fields: Vec<FileValue>,
    pub(super) line: u64,
    pub(super) column: u64,
}

/// What a file holds.
#[derive(Default)]
pub(super) struct Content {
    pub(super) values: Vec<FileValue>,
    /// The items of each list that is there, in the order in which they are written.
    pub(super) lists: BTreeMap<&'static str, Vec<FileItem>>,
}

/// The list of criteria.
pub(super) const CRITERIA: &str = "criteria";

/// The list of factories.
pub(super) const FACTORIES: &str = "factories";

/// The keys whose values are lists, each with an example of an item.
const LISTS: [(&str, &str); 2] = [(CRITERIA, "step: place"), (FACTORIES, "zone: eu")];

/// Reads the text of a file, which is called `path` in problems. No problem shows a value.
pub(super) fn read(path: &str, text: &str) -> Result<Content, Vec<Problem>> {
    // A byte order mark would shift the offsets that the texts are taken from.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = serde_saphyr::options! {
        with_snippet: false,
        // Only the text is taken, so that nothing is lost whatever YAML takes it for.
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
    };
    let root: Spanned<Node> = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| vec![syntax_problem(path, &error)])?;
    let mut flat = Flat::new(path, text);
    match &root.value {
        Node::Map(entries) => flat.map("", entries),
        Node::Null => {}
        Node::Text(_) | Node::Plain | Node::List(_) => {
            flat.refuse(root.referenced, "the file must be a map of keys and values");
        }
    }
    let content = Content { values: flat.values, lists: flat.lists };
    if flat.problems.is_empty() { Ok(content) } else { Err(flat.problems) }
}

fn syntax_problem(path: &str, error: &serde_saphyr::Error) -> Problem {
    let message = error.to_string();
    let (line, column) = error.location().map_or((1, 1), |l| (l.line(), l.column()));
    let position = format!(" at line {line}, column {column}");
    let what = message.strip_suffix(&position).unwrap_or(&message);
    let what = match what {
        w if w.starts_with("duplicate mapping key") => {
            let key = w.trim_start_matches("duplicate mapping key").trim_start_matches(": ");
            let key = key.split(", set DuplicateKeyPolicy").next().unwrap_or_default();
            format!("key '{key}' is given twice, remove one of them")
        }
        w if w.starts_with("multiple YAML documents") => "the file must be one YAML document".to_owned(),
        w => format!("not valid YAML: {w}"),
    };
    Problem::at(format_args!("{path}:{line}:{column}"), what)
}

/// What YAML knows, as far as it matters here.
enum Node {
    /// A text, quotes and escapes resolved.
    Text(String),
    /// A number or a switch, of which only what is written counts.
    Plain,
    Null,
    Map(Vec<(Spanned<Name>, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
}

/// The name of a key, whatever YAML takes it for.
struct Name(String);

struct Flat<'a> {
    path: &'a str,
    text: &'a str,
    values: Vec<FileValue>,
    lists: BTreeMap<&'static str, Vec<FileItem>>,
    /// Keys met so far and their lines: `a.b: 1` and `a: {b: 1}` are the same key.
    seen: BTreeMap<String, u64>,
    problems: Vec<Problem>,
}

impl<'a> Flat<'a> {
    fn new(path: &'a str, text: &'a str) -> Self {
        Self {
            path,
            text,
            values: Vec::new(),
            lists: BTreeMap::new(),
            seen: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// An item of a list, which is a map of its own.
    fn item(&mut self, (list, example): (&'static str, &str), item: &Spanned<Node>) {
        let at = item.referenced;
        let Node::Map(fields) = &item.value else {
            let what = format!("an item of '{list}' must be a map of fields, for example '{example}'");
            return self.refuse(at, what);
        };
        let mut own = Flat::new(self.path, self.text);
        own.map("", fields);
        self.problems.append(&mut own.problems);
        let item = FileItem { fields: own.values, line: at.line(), column: at.column() };
        self.lists.entry(list).or_default().push(item);
    }

    fn refuse(&mut self, at: Location, what: impl fmt::Display) {
        let place = format!("{}:{}:{}", self.path, at.line().max(1), at.column().max(1));
        self.problems.push(Problem::at(place, what));
    }

    fn map(&mut self, prefix: &str, entries: &[(Spanned<Name>, Spanned<Node>)]) {
        for (name, node) in entries {
            let dot = if prefix.is_empty() { "" } else { "." };
            let key = format!("{prefix}{dot}{}", name.value.0);
            let at = name.referenced;
            let list = LISTS.into_iter().find(|(list, _)| *list == key);
            let text = match &node.value {
                Node::Map(_) | Node::Text(_) | Node::Plain if list.is_some() => {
                    self.refuse(at, format_args!("'{key}' must be a list, with '- ' before each item"));
                    continue;
                }
                Node::Map(entries) => {
                    self.map(&key, entries);
                    continue;
                }
                Node::List(items) if let Some(list) = list => {
                    if let Some(line) = self.seen.insert(key.clone(), at.line()) {
                        self.refuse(
                            at,
                            format_args!("key '{key}' is given twice, also in line {line}, remove one"),
                        );
                    }
                    items.iter().for_each(|item| self.item(list, item));
                    continue;
                }
                Node::List(_) => {
                    self.refuse(at, format_args!("'{key}' is a list, it must be one value"));
                    continue;
                }
                Node::Text(text) => Some(text.clone()),
                Node::Null => None,
                Node::Plain => {
                    let Some(text) = self.written(node.defined) else {
                        self.refuse(at, format_args!("'{key}' cannot be read, put its value in quotes"));
                        continue;
                    };
                    Some(text)
                }
            };
            if let Some(line) = self.seen.insert(key.clone(), at.line()) {
                self.refuse(at, format_args!("key '{key}' is given twice, also in line {line}, remove one"));
            }
            self.values.push(FileValue { key, text, line: at.line(), column: at.column() });
        }
    }

    /// What is written in the file at a place: `1.10` and not `1.1`, `no` and not `false`.
    fn written(&self, at: Location) -> Option<String> {
        let span = at.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let length = usize::try_from(span.byte_len()?).ok()?;
        let text = self.text.get(start..start.checked_add(length)?)?.trim();
        Some(text.trim_matches(|c| c == '"' || c == '\'').to_owned())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or a single value")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(yaml: &str) -> Vec<(String, Option<String>, u64)> {
        match read("q.yml", yaml) {
            Ok(content) => content.values.into_iter().map(|v| (v.key, v.text, v.line)).collect(),
            Err(problems) => panic!("{yaml}: {problems:?}"),
        }
    }

    fn problems(yaml: &str) -> Vec<String> {
        match read("q.yml", yaml) {
            Ok(_) => panic!("{yaml} was accepted"),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn nesting_becomes_dots_and_texts_stay_as_written() {
        let yaml = "\
a.b: 1.10
c:
  d: no # Norway
  e: 'it''s'
  f: 007
  g: 0x1F
  h: \"tab\\t\"
  i: !!str 5
é:
  x: 18446744073709551616
  y: .inf
  z: &anchor 12
  '3': *anchor
empty:
tilde: ~
";
        let expected = [
            ("a.b", Some("1.10"), 1),
            ("c.d", Some("no"), 3),
            ("c.e", Some("it's"), 4),
            ("c.f", Some("007"), 5),
            ("c.g", Some("0x1F"), 6),
            ("c.h", Some("tab\t"), 7),
            ("c.i", Some("5"), 8),
            ("é.x", Some("18446744073709551616"), 10),
            ("é.y", Some(".inf"), 11),
            ("é.z", Some("12"), 12),
            ("é.3", Some("12"), 13),
            ("empty", None, 14),
            ("tilde", None, 15),
        ];
        let expected: Vec<_> =
            expected.map(|(k, v, l)| (k.to_owned(), v.map(str::to_owned), l)).into_iter().collect();
        assert_eq!(values(yaml), expected);
        assert_eq!(values(&format!("\u{feff}{yaml}")), expected);
        assert_eq!(values(""), []);
        assert_eq!(values("# only a comment\n"), []);
    }

    #[test]
    fn what_is_wrong_is_one_line_with_its_place() {
        for (yaml, expected) in [
            ("a: 1\na: 2\n", "q.yml:2:1: key 'a' is given twice, remove one of them"),
            ("a.b: 1\na:\n  b: 2\n", "q.yml:3:3: key 'a.b' is given twice, also in line 1, remove one"),
            ("a:\n  b: [1, 2]\n", "q.yml:2:3: 'a.b' is a list, it must be one value"),
            ("a: [1\n", "q.yml:1:4: not valid YAML: unclosed bracket '['"),
            ("a: b: c\n", "q.yml:1:5: not valid YAML: mapping values are not allowed in this context"),
            ("- a\n", "q.yml:1:1: the file must be a map of keys and values"),
            ("just text\n", "q.yml:1:1: the file must be a map of keys and values"),
            ("a: 1\n---\nb: 1\n", "q.yml:3:1: the file must be one YAML document"),
        ] {
            assert_eq!(problems(yaml), [expected], "{yaml}");
        }
    }

    #[test]
    fn no_problem_shows_a_value() {
        for yaml in
            ["a: \"hunter2\n", "a: !!int hunter2\n", "a: *hunter\n b: hunter2", "hunter2: [\n", "hunter2"]
        {
            for problem in problems(yaml) {
                assert!(!problem.contains("hunter2"), "{problem}");
            }
        }
    }
}
