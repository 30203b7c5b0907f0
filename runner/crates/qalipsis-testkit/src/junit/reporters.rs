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
