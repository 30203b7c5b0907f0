//! All outputs of one run, held against its JUnit case: each tells the same.

use super::Case;
use std::fs;
use std::path::Path;

/// Name of the file that stands for GitHub's.
pub(crate) const JOB_SUMMARY: &str = "job-summary.md";

/// Console, annotations, `summary.json`, page and job summary name the step (or criterion), kind, message
/// and times of `case`.
#[track_caller]
pub(crate) fn agree(case: &Case, kind: &str, campaign: &Path, console: &str) {
    let summary = fs::read_to_string(campaign.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let reasons = summary["reasons"].as_array().unwrap();
    let reason = reasons
        .iter()
        .find(|reason| reason["message"] == case.message.as_str() && reason["kind"] == kind)
        .unwrap_or_else(|| panic!("summary.json: no {kind} '{}' in {reasons:#?}", case.message));
    let step = reason["step"].as_str().unwrap();
    assert!(case.name.starts_with(step), "{} is about {step}", case.name);

    let page = read_markup(&campaign.join("report.html"));
    let job = read_markup(&campaign.join("../..").join(JOB_SUMMARY));
    let annotations: String = console.lines().filter(|line| line.starts_with("::error ")).collect();
    let annotations = annotations.replace("%3A", ":").replace("%2C", ",").replace("%25", "%");
    let console: String = flat(console.split("::error ").next().unwrap());
    let outputs =
        [("console", &console), ("page", &page), ("job summary", &job), ("annotations", &annotations)];
    // A line of the console is cut where a word is longer than it: the beginning is what one reads.
    let begin: String = flat(&case.message).chars().take(90).collect();
    for (name, text) in outputs {
        for told in [step, kind, begin.as_str()] {
            assert!(text.contains(told), "{name} does not tell '{told}':\n{text}");
        }
    }
    let steps = summary["scenarios"][0]["steps"].as_array().unwrap();
    let figures = &steps.iter().find(|s| s["name"] == step).unwrap()["figures"];
    if let (Some(first), true) = (figures["first_failure"].as_str(), case.name == step) {
        let first = &first[11..23];
        for (name, text) in outputs.into_iter().chain([("junit", &case.body)]) {
            assert!(text.contains(first), "{name} does not tell the time {first}:\n{text}");
        }
    }
}

/// As its reader sees it: without entities.
fn read_markup(path: &Path) -> String {
    let mut text = fs::read_to_string(path).unwrap();
    for c in "&<>*_`[]|\\~#@!$:\"'".chars().filter(|c| *c != '&') {
        text = text.replace(&format!("&#{};", u32::from(c)), &c.to_string());
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
        .replace("&#38;", "&")
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
