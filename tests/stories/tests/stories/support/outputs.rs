//! All outputs of one run, compared with `summary.json`: each shows the same.

use super::Case;
use qalipsis_model::evidence::FailureKind;
use qalipsis_summary::{Step, Summary};
use qalipsis_testkit::{NotifiedServer, flat};
use std::fs;
use std::path::Path;

/// Name of the file that stands for GitHub's.
pub(crate) const JOB_SUMMARY: &str = "job-summary.md";

/// Configures both notifications.
pub(crate) fn notifications() -> Vec<(&'static str, String)> {
    let (mail, slack) = (NotifiedServer::shared_mail().unwrap(), NotifiedServer::shared_slack().unwrap());
    vec![
        ("report.export.mail.enabled", "true".to_owned()),
        ("report.export.mail.host", "127.0.0.1".to_owned()),
        ("report.export.mail.port", mail.port().to_string()),
        ("report.export.mail.from", "ci@example.org".to_owned()),
        ("report.export.mail.to", "team@example.org".to_owned()),
        ("report.export.slack.enabled", "true".to_owned()),
        ("report.export.slack.token", "xoxb-1".to_owned()),
        ("report.export.slack.channel", "#ci".to_owned()),
        ("report.export.slack.url", format!("http://127.0.0.1:{}/api/", slack.port())),
    ]
}

/// The only text that is about the campaign.
fn notified(server: &NotifiedServer, part: &str, key: &str) -> String {
    let mut texts = server.received(part, key).unwrap();
    assert_eq!(texts.len(), 1, "{part} about {key}: {texts:#?}");
    texts.remove(0)
}

/// JUnit, console, annotations, page, job summary, Slack and both parts of the mail name the step (or criterion),
/// kind, message, counts, distinct minions with their share, first and last time as `summary.json` has them.
///
/// # Panics
/// With all that an output does not show.
#[track_caller]
pub(crate) fn agree(case: &Case, kind: &str, campaign: &Path, console: &str) {
    let summary = Summary::read(&campaign.join("summary.json")).unwrap();
    let reason = summary
        .reasons
        .iter()
        .find(|reason| reason.message == case.message && reason.kind.as_deref() == Some(kind))
        .unwrap_or_else(|| panic!("summary.json: no {kind} '{}' in {:#?}", case.message, summary.reasons));
    let step = reason.step.as_deref().unwrap();
    assert!(case.name.starts_with(step), "{} is about {step}", case.name);

    let (mail, slack) = (NotifiedServer::shared_mail().unwrap(), NotifiedServer::shared_slack().unwrap());
    let annotations: Vec<&str> = console.lines().filter(|line| line.starts_with("::error ")).collect();
    let annotations = annotations.join(" ").replace("%3A", ":").replace("%2C", ",").replace("%25", "%");
    let junit = fs::read_to_string(campaign.join(format!("TEST-{}.xml", summary.scenarios[0].name))).unwrap();
    let outputs = [
        ("junit", flat(&format!("{} {kind} {} {}", case.name, case.message, case.body))),
        ("annotations", flat(&annotations)),
        ("console", flat(console.split("::error ").next().unwrap())),
        ("page", flat(&readable(&fs::read_to_string(campaign.join("report.html")).unwrap()))),
        (
            "job summary",
            flat(&readable(&fs::read_to_string(campaign.join("../..").join(JOB_SUMMARY)).unwrap())),
        ),
        ("Slack", flat(&notified(slack, "text", &summary.key))),
        ("mail", flat(&notified(mail, "plain", &summary.key))),
        ("mail in HTML", flat(&readable(&notified(mail, "html", &summary.key)))),
    ];
    assert!(junit.contains(&format!("type=\"{kind}\"")), "{junit}");
    // A line of the console is cut where a word is longer than it: the beginning is what one reads.
    let begin: String = flat(&case.message).chars().take(90).collect();
    let failed = summary.scenarios.iter().flat_map(|s| &s.steps).map(|s| s.figures.failed).sum::<u64>();
    let mut missing = Vec::new();
    for (name, text) in &outputs {
        let mut wanted = vec![step.to_owned(), kind.to_owned(), begin.clone()];
        // An annotation is about one cause, and a test case about one step.
        if !matches!(*name, "junit" | "annotations") {
            wanted.push(format!("{} failed, in ", number(failed)));
        }
        let step = summary.scenarios[0].steps.iter().find(|s| s.name == case.name);
        wanted.extend(step.map(|step| facts(step, name)).unwrap_or_default());
        let unshown = wanted.into_iter().filter(|fact| !text.contains(fact.as_str()));
        missing.extend(unshown.map(|fact| format!("{name} does not show '{fact}'")));
    }
    let broken: Vec<&String> = outputs
        .iter()
        .filter(|(name, _)| missing.iter().any(|line| line.starts_with(&format!("{name} does"))))
        .map(|(_, text)| text)
        .collect();
    assert!(missing.is_empty(), "{}\n{broken:#?}", missing.join("\n"));
}

/// What belongs to a failing step, as the output writes it.
fn facts(step: &Step, output: &str) -> Vec<String> {
    let figures = &step.figures;
    let mut facts = Vec::new();
    // Several kinds are listed one by one, a single one by the message and by the minions.
    if step.failures.len() > 1 && output != "annotations" {
        facts.extend(step.failures.iter().map(|f| counted(&f.kind, f.count)));
    }
    if figures.failed_minions > 0 && (output != "annotations" || step.failures.len() == 1) {
        facts.push(format!("{} of {} minion", number(figures.failed_minions), number(figures.minions)));
    }
    for at in [figures.first_failure, figures.last_failure].into_iter().flatten() {
        facts.push(if output == "junit" { at.rfc3339() } else { at.time_of_day() });
    }
    facts
}

/// `9 missing records`, as outputs count failures of a kind.
fn counted(kind: &str, count: u64) -> String {
    FailureKind::ALL.into_iter().find(|known| known.name() == kind).unwrap().counted(count)
}

/// As outputs write it: with commas from five digits on.
fn number(value: u64) -> String {
    qalipsis_report::text::number(value)
}

/// As its reader sees it: without entities.
fn readable(text: &str) -> String {
    let mut text = text.to_owned();
    for c in "&<>*_`[]|\\~#@!$:\"'".chars().filter(|c| *c != '&') {
        text = text.replace(&format!("&#{};", u32::from(c)), &c.to_string());
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
        .replace("&#38;", "&")
}
