//! JUnit files as junitparser reads them, which many tools build upon.

use crate::sample::{Campaign, hostile};
use qalipsis_model::report::Report;
use qalipsis_report::junit;
use std::process::Command;

/// Tests, failures, errors, skipped, and whether all names are unique.
const READ: &str = r#"
import sys, junitparser
suites = junitparser.JUnitXml.fromfile(sys.argv[1])
suite = next(iter(suites))
cases = list(suite)
kinds = [type(r).__name__ for case in cases for r in case.result]
names = {(case.classname, case.name) for case in cases}
print(suite.tests, *[kinds.count(kind) for kind in ("Failure", "Error", "Skipped")], len(names) == len(cases))
assert (suite.failures, suite.errors) == (kinds.count("Failure"), kinds.count("Error"))
"#;

#[track_caller]
fn read(report: &Report) -> String {
    let folder = tempfile::tempdir().unwrap();
    let files = junit::write(report, folder.path()).unwrap();
    let read = Command::new("/usr/bin/python3").args(["-c", READ]).arg(&files[0]).output().unwrap();
    let complaint = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "is Debian's package python3-junitparser installed? {complaint}");
    String::from_utf8_lossy(&read.stdout).trim().to_owned()
}

#[test]
fn junitparser_counts_what_was_judged() {
    assert_eq!(read(&Campaign::healthy().report()), "7 0 0 1 True", "four steps, of which one is optional");
    assert_eq!(read(&Campaign::failing().report()), "7 3 0 1 True");
}

#[test]
fn junitparser_reads_names_of_any_kind_and_each_once() {
    for text in ["same", "quotes \" ' ]]> <&> \u{1b}[31m \u{0} \u{fffe} é 🎉", "a\nb"] {
        let told = read(&hostile(text));
        assert!(told.ends_with(" True"), "{text}: {told}");
    }
}
