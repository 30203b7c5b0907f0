//! The two common test reporters of GitHub: what they read, and what they would read wrongly.

use super::{Found, cases, elements, name, results};
use roxmltree::Document;
use std::collections::HashSet;

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    dorny(document, found);
    mikepenz(document, found);
}

/// It trims names, makes numbers of all times, and shows the content of the first failure.
fn dorny(document: &Document<'_>, found: &mut Found) {
    for suite in elements(document, "testsuite").chain([document.root_element()]) {
        let time = suite.attribute("time").and_then(|time| time.parse::<f64>().ok());
        found.unless(time.is_some_and(f64::is_finite), || format!("dorny: {} has no time", name(suite)));
    }
    for suite in elements(document, "testsuite") {
        found.unless(suite.has_attribute("name"), || "dorny: a suite has no name".to_owned());
        let mut taken = HashSet::new();
        for case in suite.children().filter(|child| child.has_tag_name("testcase")) {
            let trimmed = name(case).trim();
            found.unless(!trimmed.is_empty(), || "dorny: a test has no name".to_owned());
            found.unless(taken.insert((case.attribute("classname"), trimmed)), || {
                format!("dorny: the name {trimmed} is there twice")
            });
            let time = case.attribute("time").and_then(|time| time.parse::<f64>().ok());
            found.unless(time.is_some_and(f64::is_finite), || format!("dorny: {trimmed} has no time"));
        }
    }
    for result in results(document) {
        let Some(case) = result.parent() else { continue };
        let file = case.attribute("file").unwrap_or_default();
        let line = case.attribute("line").unwrap_or_default();
        // It cannot find a file whose folder looks like a class.
        if is_found(file) {
            let place = annotated(result.text().unwrap_or_default(), file);
            found.unless(place == Some(line), || {
                format!("dorny: {} is not annotated at its line", name(case))
            });
        }
    }
}

fn is_found(file: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let folder = file.rsplit('/').nth(1).unwrap_or_default();
    file.chars().all(plain) && folder.starts_with(|c: char| c.is_ascii_lowercase()) && !folder.contains('.')
}

/// The line at which it annotates a tracked file, after its `java-junit` parser: the first line of the text that
/// is `at PACKAGE.Class(FILE:LINE)`, where the folders around the file end in the package.
fn annotated<'a>(text: &'a str, file: &str) -> Option<&'a str> {
    let (folders, tracked) = file.rsplit_once('/')?;
    text.lines().find_map(|line| {
        let (trace, place) = line.trim_start().strip_prefix("at ")?.strip_suffix(')')?.rsplit_once('(')?;
        let (named, number) = place.rsplit_once(':')?;
        let package: Vec<&str> = trace.split('.').take_while(|part| *part >= "[").collect();
        let folders: Vec<&str> = folders.split('/').collect();
        (named == tracked && !package.is_empty() && folders.ends_with(&package)).then_some(number)
    })
}

/// It puts an annotation with the message at file and line, looks at one failure of a test, and takes a test that is
/// skipped as well as failed for skipped.
fn mikepenz(document: &Document<'_>, found: &mut Found) {
    for case in cases(document) {
        found.unless(case.has_attribute("file"), || format!("mikepenz: {} has no file", name(case)));
        let line = case.attribute("line").and_then(|line| line.parse::<u32>().ok());
        // A zero counts as none; then it guesses.
        found.unless(line.is_some_and(|line| line > 0), || format!("mikepenz: {} has no line", name(case)));
        let outcomes = ["failure", "error", "skipped"];
        let count =
            case.children().filter(|child| outcomes.iter().any(|tag| child.has_tag_name(*tag))).count();
        found.unless(count <= 1, || format!("mikepenz: {} has {count} results", name(case)));
    }
    for result in results(document) {
        let message = result.attribute("message").unwrap_or_default();
        let case = result.parent().map(name).unwrap_or_default();
        found.unless(!message.trim().is_empty(), || {
            format!("mikepenz: {case} has a {} without a message", result.tag_name().name())
        });
        found.unless(!message.contains(['\n', '\r']), || {
            format!("mikepenz: {case} has a message of several lines")
        });
    }
}
