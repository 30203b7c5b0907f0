//! Story 3: one region is slow, and the other is not.

use crate::support::{Checkout, Outcome, shop};
use qalipsis_summary::{Summary, Zone};

const MINIONS: u64 = 300;

/// Two factories on one machine, and a limit for each zone.
const ZONES: &str = "factories:
  - {zone: eu}
  - {zone: us}
scenarios.checkout.zones: {eu: 60, us: 40}
criteria:
  - {scenario: checkout, step: place, measure: response-time.p95, below: 1s, zone: eu}
  - {scenario: checkout, step: place, measure: response-time.p95, below: 1s, zone: us}
";

#[test]
fn the_slow_zone_is_named_and_the_other_stays_green() {
    let shop = shop("--far-delay 2000");
    let outcome = Checkout::at(&shop).file(ZONES).set("zones.us.properties.shop", shop.far().unwrap()).run();
    let case = outcome.assert_red_at("place response time p95 in zone us", "latency", "qalipsis.yml:7");
    assert!(case.message.contains("observed 2."), "{}", case.message);
    let suite = outcome.suite();
    assert_eq!(suite.case("place response time p95 in zone eu").outcome, None, "{}", outcome.finished);
    let slow = "zone us is slowest: place response time p95 2.";
    assert!(outcome.finished.stdout.contains(slow), "{}", outcome.finished);
    let summary = outcome.summary();
    assert!(summary.scenarios[0].zone_differences[0].message.starts_with(slow), "{}", outcome.finished);
    assert_divided(&outcome, &summary);
}

#[test]
fn two_healthy_zones_are_green_and_count_as_one_factory_does() {
    let shop = shop("--far-delay 0");
    let apart = Checkout::at(&shop).file(ZONES).set("zones.us.properties.shop", shop.far().unwrap());
    let outcome = apart.set("campaign.seed", "7").run();
    outcome.assert_green(MINIONS);
    let divided = outcome.summary();
    assert_divided(&outcome, &divided);
    assert!(divided.scenarios[0].zone_differences.is_empty(), "{}", outcome.finished);

    let outcome = Checkout::at(&shop).set("campaign.seed", "7").run();
    outcome.assert_green(MINIONS);
    let alone = outcome.summary();
    let counts = |summary: &Summary| {
        let scenario = &summary.scenarios[0];
        let steps: Vec<_> = scenario
            .steps
            .iter()
            .map(|step| (step.name.clone(), step.figures.executions, step.figures.failed_minions))
            .collect();
        let joins: Vec<_> = scenario
            .joins
            .iter()
            .map(|join| {
                (join.expected, join.records, join.taken, join.duplicates, join.orphans, join.undecodable)
            })
            .collect();
        (scenario.released, steps, joins)
    };
    assert_eq!(counts(&divided), counts(&alone), "{}", outcome.finished);
}

/// The split is exact to the minion, and each record is counted once.
#[track_caller]
fn assert_divided(outcome: &Outcome, summary: &Summary) {
    let scenario = &summary.scenarios[0];
    let released: Vec<(&str, u64)> =
        scenario.by_zone.iter().map(|Zone { zone, released, .. }| (zone.as_str(), *released)).collect();
    assert_eq!(released, [("eu", MINIONS * 6 / 10), ("us", MINIONS * 4 / 10)], "{}", outcome.finished);
    let join = &scenario.joins[0];
    assert_eq!(
        (join.expected, join.records, join.taken),
        (MINIONS, MINIONS, MINIONS),
        "{}",
        outcome.finished
    );
    assert_eq!((join.orphans, join.duplicates), (0, 0), "{}", outcome.finished);
}
