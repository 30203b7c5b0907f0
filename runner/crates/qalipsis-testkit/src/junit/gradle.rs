//! Gradle: what its own files have, which tools look for in `build/test-results`.

use super::{Found, elements, name};
use roxmltree::Document;

pub(super) fn check(file: &str, document: &Document<'_>, found: &mut Found) {
    let portable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let middle = file.strip_prefix("TEST-").and_then(|rest| rest.strip_suffix(".xml"));
    found.unless(middle.is_some_and(|name| !name.is_empty() && name.chars().all(portable)), || {
        format!("Gradle: {file} is no TEST-*.xml that every file system takes")
    });
    for suite in elements(document, "testsuite") {
        for attribute in ["name", "tests", "skipped", "failures", "errors", "timestamp", "time"] {
            found.unless(suite.has_attribute(attribute), || {
                format!("Gradle: testsuite has no attribute {attribute}")
            });
        }
        let started = suite.attribute("timestamp").unwrap_or_default();
        found.unless(is_instant(started), || {
            format!("Gradle: the suite starts at {started}, which is no instant of UTC")
        });
        // Properties, tests, output of the suite; within a test first what became of it.
        let order = |tag: &str| match tag {
            "properties" => 0,
            "testcase" => 1,
            _ => 2,
        };
        let places: Vec<u8> = suite
            .children()
            .filter(roxmltree::Node::is_element)
            .map(|child| order(child.tag_name().name()))
            .collect();
        found.unless(places.is_sorted(), || "Gradle: the parts of the suite are in another order".to_owned());
        for case in suite.children().filter(|child| child.has_tag_name("testcase")) {
            let outputs: Vec<bool> = case
                .children()
                .filter(roxmltree::Node::is_element)
                .map(|child| child.tag_name().name().starts_with("system-"))
                .collect();
            found.unless(outputs.is_sorted(), || {
                format!("Gradle: {} has its output before its result", name(case))
            });
        }
    }
}

/// `2026-11-23T05:06:07`, with or without a fraction, in UTC.
fn is_instant(text: &str) -> bool {
    let Some(local) = text.strip_suffix("+00:00").or_else(|| text.strip_suffix('Z')) else { return false };
    let shape: String = local.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let (seconds, fraction) = shape.split_once('.').unwrap_or((&shape, "0"));
    seconds == "0000-00-00T00:00:00" && !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0')
}
