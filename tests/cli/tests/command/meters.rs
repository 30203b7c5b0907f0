//! Meters of a scenario, and criteria on them.

use crate::support::{FIXTURE, TestContext};
use qalipsis_summary::Summary;

/// On a machine that may be busy with other tests.
const PATIENT: [&str; 2] = ["-c", "campaign.limits.release-lag=1m"];

#[test]
fn a_criterion_on_a_meter_is_green_and_red_in_every_report() {
    let context = TestContext::new();
    let finished = context.autostart("measures", &PATIENT);
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert!(finished.stdout.contains("meter taken, offers that were taken: 100 %, 20 of 20"), "{finished}");
    assert!(finished.stdout.contains("meter price: p50 9.5"), "{finished}");
    assert!(finished.stdout.contains("meter items: 40 in total, "), "{finished}");
    let summary = Summary::read(&context.summary()).unwrap();
    let kinds: Vec<(&str, &str, u64)> =
        summary.scenarios[0].meters.iter().map(|m| (&*m.name, &*m.kind, m.count)).collect();
    assert_eq!(
        kinds,
        [
            ("taken", "rate", 20),
            ("price", "summary", 20),
            ("thinking", "timer", 20),
            ("items", "counter", 40)
        ]
    );

    let context = TestContext::new();
    let red = [PATIENT[0], PATIENT[1], "-c", "scenarios.measures.properties.refusing=5"];
    let finished = context.autostart("measures", &red);
    assert_eq!(finished.code(), Some(3), "{finished}");
    assert!(finished.stdout.contains("✗ measures › taken  meter"), "{finished}");
    assert!(finished.stdout.contains("expected rate at least 80 %, observed 75 %"), "{finished}");
    let summary = Summary::read(&context.summary()).unwrap();
    let met: Vec<bool> = summary.scenarios[0].criteria.iter().map(|criterion| criterion.held).collect();
    assert_eq!(met, [false, true]);
    let junit = context.junit();
    assert!(
        junit.contains("<failure message=\"expected rate at least 80 %, observed 75 %\" type=\"meter\">"),
        "{junit}"
    );
}

#[test]
fn configuration_judges_meters_and_refuses_what_does_not_fit() {
    let context = TestContext::new();
    context.write(
        "qalipsis.yml",
        "criteria:\n\
         - {scenario: measures, meter: taken, measure: rate, at-least: 100%}\n\
         - {scenario: measures, meter: price, measure: p95, below: 10}\n\
         - {scenario: measures, meter: thinking, measure: time.max, below: 59s}\n",
    );
    let finished = context.autostart("measures", &PATIENT);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let summary = Summary::read(&context.summary()).unwrap();
    let shown: Vec<String> = summary.scenarios[0]
        .criteria
        .iter()
        .map(|c| {
            format!("{} {} {}: {}", c.meter.as_deref().unwrap_or_default(), c.measure, c.expected, c.held)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "taken rate at least 100 %: true",
            "items total between 40 and 40: true",
            "price value p95 below 10: false",
            "thinking time max below 59 s: true",
        ]
    );

    context.write(
        "qalipsis.yml",
        "criteria:\n- {scenario: measures, meter: taken, measure: p95, below: 10}\n\
         - {scenario: measures, meter: takn, measure: rate, at-least: 1%}\n",
    );
    let finished = context.run(&["validate", "--executable", FIXTURE, "-s", "measures"]);
    assert_eq!(finished.code(), Some(2), "{finished}");
    assert_eq!(
        finished.stderr,
        "error: qalipsis.yml:2:3: scenario 'measures': the criterion 'taken value p95 below 10' does not fit its \
         meter, which is a rate: it has a rate and a count\n\
         error: qalipsis.yml:3:3: scenario 'measures': the criterion 'takn rate at least 1 %' is on an unknown meter, \
         did you mean 'taken'?\n"
    );
}
