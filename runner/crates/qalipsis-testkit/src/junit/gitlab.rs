//! GitLab's unit test reports: what identifies a test, what is shown of it, and when a file is not read.

use super::{Files, Found, cases, name};
use roxmltree::Document;
use std::collections::HashSet;

/// A larger file is not read.
const FILE_LIMIT: usize = 30_000_000;

/// A file with more elements, attributes and texts is not read.
const OBJECTS_LIMIT: usize = 250_000;

/// Tests of one file.
const CASES_LIMIT: usize = 500_000;

/// The parser stops at a longer text, and nothing of the file is shown.
const TEXT_LIMIT: usize = 10_000_000;

pub(super) fn check(files: &Files, documents: &[(&str, Document<'_>)], found: &mut Found) {
    for (name, text) in files {
        found.unless(name.ends_with(".xml"), || format!("GitLab: {name} is not called .xml"));
        found.unless(text.len() < FILE_LIMIT, || format!("GitLab: {name} has {} bytes", text.len()));
    }
    // All files of a job are one report, in which the first of two tests of one name is kept.
    let mut taken = HashSet::new();
    for (file, document) in documents {
        let attributes: usize = document.descendants().map(|node| node.attributes().len()).sum();
        let objects = document.descendants().count() + attributes;
        found.unless(objects < OBJECTS_LIMIT, || format!("GitLab: {file} has {objects} objects"));
        found.unless(cases(document).count() < CASES_LIMIT, || format!("GitLab: {file} has too many tests"));
        let texts = document.descendants().filter_map(|node| node.text());
        let longest = texts.map(str::len).max().unwrap_or(0);
        found.unless(longest < TEXT_LIMIT, || format!("GitLab: {file} has a text of {longest} bytes"));
        for case in cases(document) {
            let class = case.attribute("classname").unwrap_or_default();
            found.unless(!class.trim().is_empty(), || {
                format!("GitLab: {} is in no suite, for it has no classname", name(case))
            });
            found.unless(taken.insert(format!("{class} {}", name(case))), || {
                format!("GitLab: {class} {} is there twice", name(case))
            });
            // Shown is the content; messages in attributes are not.
            for (tag, problem) in [
                ("failure", "has a failure without a text"),
                ("error", "has an error without a text"),
                ("skipped", "is skipped without a text"),
            ] {
                for result in case.children().filter(|child| child.has_tag_name(tag)) {
                    let empty = result.text().is_none_or(|text| text.trim().is_empty());
                    found.unless(!empty, || format!("GitLab: {} {problem}", name(case)));
                }
            }
        }
    }
}
