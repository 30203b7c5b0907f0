//! Jenkins: the structure that its schema `junit-10` allows, and how its junit step names what it reads.

use super::{Found, cases, elements, name};
use roxmltree::{Document, Node};

/// What an element may have.
struct Rule {
    tag: &'static str,
    required: &'static [&'static str],
    allowed: &'static [&'static str],
    /// What we write beyond the schema. Jenkins' junit step overlooks it; its xunit plugin can be set to validate.
    ours: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
}

const RULES: &[Rule] = &[
    Rule {
        tag: "testsuites",
        required: &[],
        allowed: &["name", "time", "tests", "failures", "errors"],
        ours: &["skipped"],
        children: &["testsuite"],
        text: false,
    },
    Rule {
        tag: "testsuite",
        required: &["name", "tests", "failures", "errors"],
        allowed: &[
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
        ours: &[],
        children: &["properties", "testcase", "system-out", "system-err"],
        text: false,
    },
    Rule { tag: "properties", required: &[], allowed: &[], ours: &[], children: &["property"], text: false },
    Rule {
        tag: "property",
        required: &["name", "value"],
        allowed: &[],
        ours: &[],
        children: &[],
        text: false,
    },
    Rule {
        tag: "testcase",
        required: &["name"],
        allowed: &["time", "classname", "group"],
        // Test reporters and GitLab need them.
        ours: &["file", "line"],
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        text: false,
    },
    Rule {
        tag: "failure",
        required: &[],
        allowed: &["type", "message"],
        ours: &[],
        children: &[],
        text: true,
    },
    Rule { tag: "error", required: &[], allowed: &["type", "message"], ours: &[], children: &[], text: true },
    Rule {
        tag: "skipped",
        required: &[],
        allowed: &["type", "message"],
        ours: &[],
        children: &[],
        text: true,
    },
    Rule { tag: "system-out", required: &[], allowed: &[], ours: &[], children: &[], text: true },
    Rule { tag: "system-err", required: &[], allowed: &[], ours: &[], children: &[], text: true },
];

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    let root = document.root_element();
    found.unless(root.has_tag_name("testsuites") || root.has_tag_name("testsuite"), || {
        format!("Jenkins: the root is {}", root.tag_name().name())
    });
    for node in document.descendants().filter(Node::is_element) {
        if let Some(rule) = RULES.iter().find(|rule| node.has_tag_name(rule.tag)) {
            structure(node, rule, found);
        }
    }
    for node in document.descendants().filter(|n| n.attribute("time").is_some()) {
        let time = node.attribute("time").unwrap_or_default();
        found.unless(is_decimal(time), || format!("Jenkins: {} is not timed by '{time}'", name(node)));
    }
    for suite in elements(document, "testsuite").chain([root]) {
        counts(suite, found);
    }
    for case in cases(document) {
        // What is before the last dot becomes the package, under which results are listed.
        let split = case.attribute("classname").and_then(|name| name.rsplit_once('.'));
        found.unless(split.is_some_and(|(package, _)| !package.is_empty()), || {
            format!("Jenkins: {} has no package", name(case))
        });
    }
}

fn structure(node: Node<'_, '_>, rule: &Rule, found: &mut Found) {
    for attribute in rule.required {
        found.unless(node.has_attribute(*attribute), || {
            format!("Jenkins: {} has no attribute {attribute}", rule.tag)
        });
    }
    for attribute in node.attributes() {
        let known =
            [rule.required, rule.allowed, rule.ours].iter().any(|list| list.contains(&attribute.name()));
        found.unless(known, || format!("Jenkins: {} has an attribute {}", rule.tag, attribute.name()));
    }
    for child in node.children() {
        let tag = child.tag_name().name();
        if child.is_element() {
            found.unless(rule.children.contains(&tag), || {
                format!("Jenkins: {} has an element {tag}", rule.tag)
            });
        } else if child.is_text() && !rule.text {
            let blank = child.text().is_none_or(|text| text.trim().is_empty());
            found.unless(blank, || format!("Jenkins: {} has a text", rule.tag));
        }
    }
}

/// Digits with at most one point between or around them: no exponent, no sign, no unit.
fn is_decimal(time: &str) -> bool {
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// What the attributes count is what is there.
fn counts(suite: Node<'_, '_>, found: &mut Found) {
    let within = |tag: &'static str| suite.descendants().filter(|n| n.has_tag_name(tag)).count();
    for (attribute, tag) in
        [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
    {
        let Some(count) = suite.attribute(attribute) else { continue };
        found.unless(count == within(tag).to_string(), || {
            let there = within(tag);
            format!("Jenkins: {} has {attribute} {count}, there are {there}", suite.tag_name().name())
        });
    }
}
