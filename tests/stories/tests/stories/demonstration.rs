//! What users see of the stories, as `runner/docs/demonstration.md` shows it: the page holds the output of real
//! runs, and what each run of these tests reports as causes must still read like it, but for figures, ids and
//! instants.

use crate::support::Outcome;
use regex_lite::Regex;
use std::fs;
use std::path::PathBuf;

/// Set to write what is seen into the page instead of comparing.
const WRITE: &str = "WRITE_DEMONSTRATION";

/// What differs between two runs of the same story, in the order to replace it.
const VARIES: &[(&str, &str)] = &[
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b", "ID"),
    (r"\b\d{8}-\d{6}-[a-z0-9]{6}\b", "KEY"),
    (r", git [0-9a-f]{40}", ""),
    (r"[▁▂▃▄▅▆▇█]+", "CHART"),
    (r"\blamp\b|\bchair\b|\btable\b", "PRODUCT"),
    (r"\b\d[\d,.]* (ns|µs|ms|s|min)( \d\d s)?\b", "TIME"),
    (r"\d[\d,.:]*", "N"),
    // Where an excerpt is cut depends on the length of the address in it.
    (r"\S*…", "…"),
    (r"\s+", " "),
    // Whether the machine is busy depends on what else it does.
    (r#"; the load generator itself had a hard time meanwhile.*?( at scenarios/|" type=)"#, "$1"),
];

/// Beginnings of the lines that the page leaves out: what the tests let reports be sent to.
const LEFT_OUT: [&str; 3] = ["::", "slack ", "mail "];

fn shape(text: &str) -> String {
    VARIES.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../runner/docs/demonstration.md")
}

/// The failed cases of a JUnit file.
fn failed_cases(junit: &str) -> String {
    let cases = junit.split("<testcase").skip(1).filter_map(|case| case.split("</testcase>").next());
    let failed = cases.filter(|case| case.contains("<failure"));
    failed.map(|case| format!("<testcase{case}</testcase>\n")).collect()
}

/// Where the causes are: of the console all above the tables, of JUnit the names and messages.
fn causes(language: &str, text: &str) -> String {
    match language {
        "text" => text.split("\n✗ scenario").next().unwrap_or_default().to_owned(),
        _ => {
            let lines = text.lines().map(str::trim);
            lines
                .filter(|l| l.starts_with("<testcase") || l.starts_with("<failure"))
                .collect::<Vec<_>>()
                .join("\n")
        }
    }
}

/// Compares a run with the blocks under this heading of the page.
#[track_caller]
pub(crate) fn assert_shown(heading: &str, outcome: &Outcome) {
    let junit = fs::read_to_string(outcome.junit_file()).unwrap();
    let lines = outcome.finished.stdout.lines();
    let printed: Vec<&str> =
        lines.filter(|line| !LEFT_OUT.iter().any(|start| line.starts_with(start))).collect();
    let seen = [("text", printed.join("\n")), ("xml", failed_cases(&junit))];
    let text = fs::read_to_string(page()).unwrap();
    let start = text.find(&format!("## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let end = text[start + 3..].find("\n## ").map_or(text.len(), |end| start + 3 + end);
    let mut section = text[start..end].to_owned();
    for (language, seen) in seen {
        let open = format!("```{language}\n");
        let from = section.find(&open).unwrap_or_else(|| panic!("no block {language}")) + open.len();
        let to = from + section[from..].find("```").unwrap();
        if std::env::var_os(WRITE).is_some() {
            section.replace_range(from..to, &format!("{}\n", seen.trim_matches('\n')));
        } else {
            let report = |text: &str| shape(&causes(language, text.trim()));
            assert_eq!(
                report(&seen),
                report(&section[from..to]),
                "{heading}: update the page with {WRITE}=1 if this is meant"
            );
        }
    }
    if std::env::var_os(WRITE).is_some() {
        fs::write(page(), format!("{}{section}{}", &text[..start], &text[end..])).unwrap();
    }
}
