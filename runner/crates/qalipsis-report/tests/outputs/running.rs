//! A campaign that still runs is shown by every output as far as it is known, and by none with a verdict.

use crate::sample::{Campaign, FULFILLED};
use qalipsis_judge::judge::Ending;
use qalipsis_judge::report::Report;
use qalipsis_model::snapshot::StepFigures;
use qalipsis_model::verdict::Status;
use qalipsis_report::console::{Style, render};
use qalipsis_report::{github, html, junit};
use qalipsis_summary::Summary;

const GOES_ON: &str =
    "The campaign is still running: all figures are those until now, and there is no verdict yet.";

/// Of the first second of a campaign, in which no minion got to the last step.
fn early() -> Report {
    let mut campaign = Campaign::healthy();
    *campaign.step(FULFILLED) = StepFigures::default();
    campaign.figures.joins.clear();
    campaign.ending = Ending::Running;
    campaign.report()
}

fn written(report: &Report) -> String {
    let folder = tempfile::tempdir().unwrap();
    let paths = junit::write(report, folder.path()).unwrap();
    std::fs::read_to_string(&paths[0]).unwrap()
}

#[test]
fn what_has_not_come_yet_is_no_failure() {
    let report = early();
    assert_eq!((report.status, report.verdict()), (Status::Running, "RUNNING".into()));
    assert_eq!(report.reasons, [], "nothing failed so far");
    let step = &report.scenarios[0].steps[FULFILLED as usize];
    assert_eq!((step.skipped, step.cause.as_deref()), (true, Some("the campaign is still running")));
    assert!(report.scenarios[0].criteria.iter().all(|criterion| !criterion.is_breached()));
    let mut ended = Campaign::healthy();
    *ended.step(FULFILLED) = StepFigures::default();
    assert_eq!(ended.report().status, Status::Failed, "at its end it is one");
}

#[test]
fn what_failed_so_far_is_shown() {
    let mut campaign = Campaign::failing();
    let ended = campaign.report();
    campaign = Campaign::failing();
    campaign.ending = Ending::Running;
    let report = campaign.report();
    assert_eq!((report.status, ended.status), (Status::Running, Status::Failed));
    let failed = |report: &Report| report.reasons.iter().filter_map(|r| r.step.clone()).collect::<Vec<_>>();
    assert_eq!(failed(&report), failed(&ended));
}

#[test]
fn every_output_says_that_it_runs() {
    let report = early();
    let style = Style { color: false, unicode: true, width: 200 };
    let console = render(&report, style);
    assert!(console.contains("RUNNING") && console.contains(GOES_ON), "{console}");
    let page = html::render(&report);
    assert!(page.contains("<h1>RUNNING</h1>") && page.contains(GOES_ON), "{page}");
    let markdown = github::summary(&report, &[]);
    assert!(markdown.starts_with("## ⏳ RUNNING") && markdown.contains(GOES_ON), "{markdown}");
    let summary = serde_json::to_value(Summary::from(&report)).unwrap();
    assert_eq!(summary["status"], "RUNNING");
    crate::summary::valid(&summary).unwrap();
}

#[test]
fn junit_has_neither_failures_nor_a_passing_campaign() {
    let text = written(&early());
    let document = roxmltree::Document::parse(&text).unwrap();
    let is_red = |node: &roxmltree::Node<'_, '_>| node.has_tag_name("failure") || node.has_tag_name("error");
    assert!(!document.descendants().any(|node| is_red(&node)), "{text}");
    let case = document.descendants().find(|node| node.attribute("name") == Some("campaign")).unwrap();
    let skipped = case.children().find(|node| node.has_tag_name("skipped")).unwrap();
    assert_eq!(skipped.attribute("message"), Some(GOES_ON));
}
