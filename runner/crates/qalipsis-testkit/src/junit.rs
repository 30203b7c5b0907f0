//! What the readers of JUnit files demand, as rules that report what breaks them.
//!
//! There is no binding definition of the format: every reader has its own. A file that all of these can read keeps
//! the strictest of each: Jenkins' schema `junit-10`, GitLab's unit test reports, the test reporters of GitHub
//! (`dorny/test-reporter` and `mikepenz/action-junit-report`, which are not published as libraries), and the files
//! that Gradle itself writes.

mod gitlab;
mod gradle;
mod jenkins;
mod reporters;

use anyhow::{Context, ensure};
use roxmltree::{Document, Node};
use std::path::Path;

/// The most that the files of a campaign may take together, in bytes.
const LIMIT: usize = 5_000_000;

/// The longest text of a failure, in bytes.
const BODY_LIMIT: usize = 4096;

/// All JUnit files of one campaign: names and texts.
pub type Files = [(String, String)];

/// Reads the `.xml` files of a folder, in the order of their names.
///
/// # Errors
/// When the folder or a file of it cannot be read, or when there is none.
pub fn read(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "xml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path)?));
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "no JUnit file in {}", folder.display());
    Ok(files)
}

/// What the readers would not take, one line each with its reader; empty when all is well.
pub fn broken_rules(files: &Files) -> Vec<String> {
    let mut found = Found::default();
    let size: usize = files.iter().map(|(_, text)| text.len()).sum();
    found.unless(size <= LIMIT, || format!("contract: {size} bytes in all"));
    let mut documents = Vec::new();
    for (name, text) in files {
        match Document::parse(text) {
            Ok(document) => documents.push((name.as_str(), document)),
            Err(error) => found.add(format!("XML: {name}: {error}")),
        }
        found.unless(text.chars().all(legal), || format!("XML: {name} has characters that XML 1.0 forbids"));
        found.unless(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), || {
            format!("XML: {name} does not declare its version and character set")
        });
    }
    for (name, document) in &documents {
        for result in results(document) {
            let length = result.text().unwrap_or("").len();
            found.unless(length <= BODY_LIMIT, || format!("contract: {name}: a failure of {length} bytes"));
        }
        jenkins::check(document, &mut found);
        gradle::check(name, document, &mut found);
        reporters::check(document, &mut found);
    }
    gitlab::check(files, &documents, &mut found);
    found.0
}

/// As [`broken_rules`], for a test that wants none.
///
/// # Panics
/// When rules are broken; the message lists all of them.
#[track_caller]
pub fn assert_readable(files: &Files) {
    let broken = broken_rules(files);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Broken rules, of which the first are enough to see what is wrong.
#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn add(&mut self, rule: String) {
        if self.0.len() < 50 {
            self.0.push(rule);
        }
    }

    fn unless(&mut self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds {
            self.add(rule());
        }
    }
}

fn legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn elements<'a, 'i>(document: &'a Document<'i>, tag: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    document.descendants().filter(move |node| node.has_tag_name(tag))
}

fn cases<'a, 'i>(document: &'a Document<'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    elements(document, "testcase")
}

/// Failures and errors.
fn results<'a, 'i>(document: &'a Document<'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    document.descendants().filter(|node| node.has_tag_name("failure") || node.has_tag_name("error"))
}

fn name<'a>(case: Node<'a, '_>) -> &'a str {
    case.attribute("name").unwrap_or("(without a name)")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="s" tests="2" skipped="1" failures="1" errors="0" time="1.000">
  <testsuite name="s" tests="2" skipped="1" errors="0" failures="1" timestamp="2026-11-23T05:06:07.089+00:00" time="1.000">
    <properties><property name="seed" value="1"/></properties>
    <testcase name="a" classname="c.s" time="0.100" file="src/lib.rs" line="3">
      <failure message="m" type="assertion">m
at src.Scenario(lib.rs:3)</failure>
      <system-out>o</system-out>
    </testcase>
    <testcase name="b" classname="c.s" time="0.000" file="src/lib.rs" line="4"><skipped message="k">k</skipped></testcase>
  </testsuite>
</testsuites>
"#;

    fn broken(text: &str) -> String {
        broken_rules(&[("TEST-s.xml".to_owned(), text.to_owned())]).join("\n")
    }

    #[test]
    fn a_good_file_breaks_nothing() {
        assert_eq!(broken(GOOD), "");
    }

    #[test]
    fn each_rule_is_noticed_when_it_is_broken() {
        for (what, instead, noticed) in [
            ("</testsuites>", "", "XML: TEST-s.xml:"),
            ("encoding=\"UTF-8\"", "", "XML: TEST-s.xml does not declare"),
            (">o<", "><b/><", "Jenkins: system-out has an element b"),
            ("line=\"3\"", "line=\"3\" assertions=\"1\"", "Jenkins: testcase has an attribute assertions"),
            ("<properties>", "<properties/><notes/><properties>", "Jenkins: testsuite has an element notes"),
            (" value=\"1\"", "", "Jenkins: property has no attribute value"),
            ("time=\"0.100\"", "time=\"1e-4\"", "Jenkins: a is not timed"),
            ("failures=\"1\" errors", "failures=\"2\" errors", "Jenkins: testsuites has failures 2"),
            ("classname=\"c.s\" time=\"0.1", "classname=\"cs\" time=\"0.1", "Jenkins: a has no package"),
            (">m\nat src.Scenario(lib.rs:3)</failure>", "/>", "GitLab: a has a failure without a text"),
            ("(lib.rs:3)", "(lib.rs:4)", "dorny: a is not annotated at its line"),
            ("at src.Scenario", "at tests.Scenario", "dorny: a is not annotated at its line"),
            (">k</skipped>", "/>", "GitLab: b is skipped without a text"),
            ("name=\"b\"", "name=\"a\"", "GitLab: c.s a is there twice"),
            ("name=\"b\"", "name=\"a \"", "dorny: the name a is there twice"),
            ("file=\"src/lib.rs\" line=\"3\"", "line=\"3\"", "mikepenz: a has no file"),
            ("line=\"3\"", "line=\"0\"", "mikepenz: a has no line"),
            ("message=\"m\" ", "", "mikepenz: a has a failure without a message"),
            ("<system-out>o</system-out>", "<error message=\"m\">m</error>", "mikepenz: a has 2 results"),
            ("+00:00", "", "Gradle: the suite starts at 2026-11-23T05:06:07.089, which is no instant"),
            ("skipped=\"1\" errors", "errors", "Gradle: testsuite has no attribute skipped"),
        ] {
            assert!(GOOD.contains(what), "{what} is not in the file");
            let found = broken(&GOOD.replacen(what, instead, 1));
            assert!(found.contains(noticed), "{what} → {instead}: {noticed} is not in '{found}'");
        }
        let long = GOOD.replace(">m\n", &format!(">{}\n", "m".repeat(5_000)));
        assert!(broken(&long).contains("contract: TEST-s.xml: a failure of 5026 bytes"));
        let large = GOOD.replace(">o<", &format!(">{}<", "o".repeat(LIMIT)));
        assert!(broken(&large).contains("contract: "), "all files together have a limit");
        let moved = GOOD
            .replace("<system-out>o</system-out>", "")
            .replace("<failure", "<system-out>o</system-out><failure");
        assert!(broken(&moved).contains("Gradle: a has its output before its result"));
        let elsewhere = broken_rules(&[("TEST-a b.xml".to_owned(), GOOD.to_owned())]).join("\n");
        assert!(elsewhere.contains("Gradle: TEST-a b.xml"), "{elsewhere}");
        let twice = ["TEST-a.xml", "TEST-b.xml"].map(|name| (name.to_owned(), GOOD.to_owned()));
        assert!(broken_rules(&twice).join("\n").contains("GitLab: c.s a is there twice"));
        let properties = format!("<properties>{}", "<property name=\"p\" value=\"v\"/>".repeat(84_000));
        let complex = broken(&GOOD.replace("<properties>", &properties));
        assert!(complex.starts_with("GitLab: TEST-s.xml has 25") && !complex.contains('\n'), "{complex}");
    }
}
