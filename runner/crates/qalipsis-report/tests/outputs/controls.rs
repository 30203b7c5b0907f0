//! What users did to a campaign while it ran is in every output, and no label leaves its place.

use crate::sample::{Campaign, PLACE, at};
use qalipsis_judge::judge::Ending;
use qalipsis_judge::report::Report;
use qalipsis_model::control::{Controls, Marker, Pause};
use qalipsis_model::snapshot::{ExecutionOutcome, ScenarioFigures};
use qalipsis_report::console::{Style, render};
use qalipsis_report::summary;
use qalipsis_report::{github, html, junit};
use qalipsis_summary::Summary;

const LABEL: &str = "v2 <script>alert(1)</script> \u{1b}[31m & ]]> \"quoted\" é";

/// Paused from the fourth second to the ninth, and with a marker in it.
fn controlled(ending: Ending) -> Report {
    let mut campaign = Campaign::healthy();
    for second in 1..12 {
        let mut figures = ScenarioFigures::default();
        let step = figures.steps.entry(PLACE).or_default();
        step.record(ExecutionOutcome::Success, 10_000_000, 10_000_000);
        campaign.later.push((at(f64::from(second) + 1.0), figures));
    }
    let until = (ending != Ending::Running).then(|| at(9.5));
    campaign.controls = Controls {
        pauses: vec![Pause { from: at(4.0), until }],
        markers: vec![Marker { label: LABEL.into(), at: at(6.25) }],
    };
    campaign.ending = ending;
    campaign.report()
}

fn suite(report: &Report) -> String {
    let folder = tempfile::tempdir().unwrap();
    let paths = junit::write(report, folder.path()).unwrap();
    std::fs::read_to_string(&paths[0]).unwrap()
}

#[test]
fn pauses_and_markers_are_in_every_output() {
    let report = controlled(Ending::Completed);
    let paused = "05:06:11.089-05:06:16.589 UTC, for 5.5 s";
    let console = render(&report, Style { color: false, unicode: true, width: 200 });
    assert!(console.contains(&format!("paused    {paused}\n")), "{console}");
    assert!(
        console.contains("marker    05:06:13.339 UTC: v2 <script>") && !console.contains('\u{1b}'),
        "{console}"
    );
    let markdown = github::summary(&report, &[]);
    let escaped = paused.replace(':', "&#58;");
    let list = format!("\n\n- paused {escaped}\n- marker 05&#58;06&#58;13.339");
    assert!(markdown.contains(&list), "{markdown}");
    assert!(!markdown.contains("<script>"), "{markdown}");
    let text = suite(&report);
    let document = roxmltree::Document::parse(&text).unwrap();
    let property = |name: &str| {
        let of_name = |node: &roxmltree::Node<'_, '_>| node.attribute("name") == Some(name);
        document.descendants().find(of_name).and_then(|node| node.attribute("value")).map(str::to_owned)
    };
    assert_eq!(property("paused").as_deref(), Some(paused));
    assert!(property("marker").unwrap().starts_with("05:06:13.339 UTC: v2 <script>alert(1)</script>"));
    let page = html::render(&report);
    assert!(page.contains(paused) && !page.contains("<script>"), "{page}");
}

#[test]
fn every_chart_over_time_draws_them() {
    let page = html::render(&controlled(Ending::Completed));
    let charts = page.matches("class=\"over-time\"").count();
    assert!(charts >= 3, "{charts}");
    assert_eq!(page.matches("class=\"band pause\"").count(), charts, "{page}");
    assert_eq!(page.matches("<line class=\"marker\"").count(), charts, "{page}");
    assert!(page.contains("<title>paused 05:06:11.089-05:06:16.589 UTC, for 5.5 s</title>"), "{page}");
}

#[test]
fn summary_has_all_of_them_and_is_read_again() {
    let report = controlled(Ending::Completed);
    let document = serde_json::to_value(Summary::from(&report)).unwrap();
    crate::summary::valid(&document).unwrap();
    assert_eq!(document["pauses"][0]["from"], "2026-11-23T05:06:11.089Z");
    assert_eq!(document["pauses"][0]["until"], "2026-11-23T05:06:16.589Z");
    assert_eq!(document["markers"][0]["label"], LABEL);
    let folder = tempfile::tempdir().unwrap();
    let path = summary::write(&report, folder.path()).unwrap();
    assert_eq!(Summary::read(&path).unwrap(), Summary::from(&report));
    // What an earlier program wrote has none.
    let mut earlier = document;
    earlier.as_object_mut().unwrap().retain(|name, _| name != "pauses" && name != "markers");
    let earlier: Summary = serde_json::from_value(earlier).unwrap();
    assert_eq!((earlier.pauses.len(), earlier.markers.len()), (0, 0));
}

#[test]
fn pause_that_lasts_has_no_end() {
    let report = controlled(Ending::Running);
    let console = render(&report, Style { color: false, unicode: true, width: 200 });
    assert!(console.contains("paused    since 05:06:11.089 UTC\n"), "{console}");
    let document = serde_json::to_value(Summary::from(&report)).unwrap();
    assert_eq!(document["pauses"][0]["until"], serde_json::Value::Null);
    crate::summary::valid(&document).unwrap();
}
