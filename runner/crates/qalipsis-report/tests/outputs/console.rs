use crate::sample::{ACCEPTED, Campaign, FULFILLED, at, hostile};
use insta::assert_snapshot;
use proptest::prelude::*;
use qalipsis_judge::judge::Ending;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::verdict::Status;
use qalipsis_report::console::{Style, note, render, summary};
use qalipsis_report::text::width;

const PLAIN: Style = Style { color: false, unicode: true, width: 100 };

#[test]
fn a_passing_campaign_is_short() {
    assert_snapshot!(render(&Campaign::healthy().report(), PLAIN));
}

#[test]
fn meters_of_the_scenario_are_shown_after_its_sources() {
    assert_snapshot!(render(&Campaign::measuring().report(), PLAIN));
}

#[test]
fn a_failing_campaign_begins_with_its_causes() {
    let mut text = render(&Campaign::failing().report(), PLAIN);
    text.push_str(&note("junit", "test-results/20261123-050607-k3v9/TEST-checkout.xml", PLAIN));
    assert_snapshot!(text);
}

#[test]
fn flaky_executions_and_tolerated_failures_are_shown() {
    assert_snapshot!(render(&Campaign::forgiven().report(), PLAIN));
}

#[test]
fn the_zone_that_is_worst_is_named_once() {
    assert_snapshot!(render(&Campaign::in_zones(&["africa", "asia", "eu", "us"]).report(), PLAIN));
    // Without a criterion there is no cause that says it.
    let mut campaign = Campaign::in_zones(&["eu", "us"]);
    campaign.described.scenario.criteria.clear();
    let text = render(&campaign.report(), PLAIN);
    let named = "  zone us is slowest: place-order response time p95 2.05 s, 46.4 ms in zone eu\n";
    assert_eq!(text.matches(named).count(), 1, "{text}");
    assert!(!text.contains("fails most"), "the cause says it: {text}");
}

#[test]
fn a_failing_campaign_on_a_narrow_terminal_without_unicode() {
    let style = Style { color: false, unicode: false, width: 64 };
    let text = render(&Campaign::failing().report(), style);
    assert!(text.is_ascii());
    assert_snapshot!(text);
}

/// The same campaign on terminals of all widths, in both sets of characters.
#[test]
fn a_failing_campaign_fits_every_width() {
    for (unicode, name) in [(true, "unicode"), (false, "ascii")] {
        for columns in [60, 80, 200] {
            let style = Style { color: false, unicode, width: columns };
            let text = render(&Campaign::failing().report(), style);
            assert!(unicode || text.is_ascii(), "{text}");
            assert!(text.lines().all(|line| width(line) <= usize::from(columns)), "{text}");
            assert_snapshot!(format!("a_failing_campaign_in_{columns}_columns_of_{name}"), text);
        }
    }
}

#[test]
fn quiet_shows_the_verdict_and_its_causes() {
    assert_snapshot!(summary(&Campaign::failing().report(), PLAIN));
}

#[test]
fn a_failing_campaign_in_colors() {
    let style = Style { color: true, ..PLAIN };
    let colored = render(&Campaign::failing().report(), style);
    let mut stripped = String::new();
    let mut parts = colored.split("\u{1b}[");
    stripped.push_str(parts.next().unwrap());
    for part in parts {
        stripped.push_str(part.split_once('m').unwrap().1);
    }
    assert_eq!(stripped, render(&Campaign::failing().report(), PLAIN), "colors only color");
    assert_snapshot!(colored.replace('\u{1b}', "ESC"));
}

#[test]
fn a_target_that_was_never_there() {
    assert_snapshot!(render(&Campaign::not_ready().report(), PLAIN));
}

#[test]
fn an_aborted_campaign_says_why() {
    let mut campaign = Campaign::healthy();
    campaign.ending = Ending::Lost("factory factory-1 was killed by signal 9 (SIGKILL)".into());
    campaign.figures.released = 612;
    campaign.figures.steps.remove(&FULFILLED);
    campaign.step(ACCEPTED).cancelled = 40;
    let mut report = campaign.report();
    report.factories[1].lost = Some("was killed by signal 9 (SIGKILL)".into());
    assert_snapshot!(render(&report, PLAIN));
}

#[test]
fn an_invalid_campaign_says_why() {
    let mut campaign = Campaign::healthy();
    campaign.figures.release_lag.record_n(3_000_000_000, 20);
    assert_snapshot!(render(&campaign.report(), PLAIN));
}

#[test]
fn records_left_unread_matter_when_awaited_ones_are_missing() {
    let unread = |records: u64, missing: bool| {
        let mut campaign = Campaign::healthy();
        campaign.figures.joins.get_mut(&0).unwrap().consumer_lag = Some(records);
        if missing {
            campaign.step(FULFILLED).record_failure(FailureKind::JoinMissing, at(2.0));
        }
        campaign.report()
    };
    assert_eq!(unread(1_001, false).status, Status::Successful);
    assert_eq!(unread(1_000, true).status, Status::Failed);
    let report = unread(1_001, true);
    assert_eq!(report.status, Status::Invalid);
    assert_eq!(
        report.reasons[0].message,
        "the load generator did not read all of kafka topic orders.fulfilled: 1001 records were left at the end, the limit is \
         1000 (campaign.limits.source-lag); 1 awaited record is missing and may be among them; give it more cores, a longer \
         campaign.limits.drain, or less to read"
    );
}

#[test]
fn dropped_minions_are_shown_and_invalidate() {
    let mut campaign = Campaign::healthy();
    campaign.figures.released = 960;
    campaign.figures.dropped = 40;
    let shown = render(&campaign.report(), PLAIN);
    assert!(shown.starts_with("✗ INVALID"), "{shown}");
    assert!(shown.contains("960 of 1000 minions released"), "{shown}");
    assert!(shown.contains("40 minions dropped"), "{shown}");
}

#[test]
fn warnings_alone_come_first() {
    let mut campaign = Campaign::healthy();
    let join = campaign.figures.joins.get_mut(&0).unwrap();
    (join.duplicates, join.records) = (3, join.records + 3);
    assert_snapshot!(render(&campaign.report(), PLAIN));
}

#[test]
fn a_step_that_was_never_executed_is_a_cause() {
    let mut campaign = Campaign::healthy();
    campaign.described.scenario.steps[3].optional = false;
    assert_snapshot!(render(&campaign.report(), PLAIN));
}

#[test]
fn hostile_text_stays_text() {
    let text = "x\u{1b}[2J\u{1b}]0;owned\u{7}\r\n✓ SUCCESSFUL\u{202e} <\"&'> 日本 👩‍👩‍👧";
    assert_snapshot!(render(&hostile(text), PLAIN));
}

#[test]
fn a_message_of_a_megabyte_is_cut() {
    let shown = render(&hostile(&"long ".repeat(200_000)), PLAIN);
    assert!(shown.len() < 20_000, "{}", shown.len());
}

fn is_safe(shown: &str, columns: usize) -> Result<(), TestCaseError> {
    for line in shown.lines() {
        prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        prop_assert!(width(line) <= columns, "{} of {columns}: {line:?}", width(line));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_breaks_the_page(text in any::<String>(), columns in 60_u16..140, unicode in any::<bool>()) {
        let style = Style { color: false, unicode, width: columns };
        is_safe(&render(&hostile(&text), style), usize::from(columns))?;
    }
}
