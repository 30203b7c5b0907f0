use crate::order::{Offered, Order};
use crate::read::read;
use qalipsis_model::description::{Monitor, PropertyDescription, ScenarioDescription, StepDescription};
use qalipsis_model::location::SourceLocation;
use qalipsis_profile::profile::{Launch, Profile};
use qalipsis_profile::segment::Segment;
use serde_json::{Value, json};

/// One scenario `shop` of 10 minions.
fn shop() -> Vec<Offered> {
    let step = StepDescription {
        name: "order".into(),
        description: String::new(),
        monitor: Monitor::None,
        optional: false,
    };
    let property = PropertyDescription {
        name: "url".into(),
        value_type: "string".into(),
        default: None,
        required: false,
        secret: false,
        description: String::new(),
    };
    let scenario = ScenarioDescription {
        name: "shop".into(),
        description: String::new(),
        minions: 10,
        overload: Default::default(),
        profile: Profile::immediate(),
        steps: vec![step],
        properties: vec![property],
        meters: Vec::new(),
        criteria: Vec::new(),
        location: SourceLocation { file: "src/main.rs".into(), line: 1, column: 1 },
    };
    vec![Offered { crate_name: "shop".into(), crate_version: "1.0.0".into(), scenario }]
}

fn read_payload(payload: Value) -> (Order, Vec<String>) {
    let (order, problems) = read(&payload, &shop(), &[Some("eu".into())]);
    (order, problems.iter().map(ToString::to_string).collect())
}

fn with_scenario(scenario: Value) -> (Order, Vec<String>) {
    read_payload(json!({ "name": "test", "scenarios": { "shop": scenario } }))
}

/// The releases of a profile: milliseconds since the start, in order.
fn schedule(profile: Value, minions: Option<u32>) -> Vec<u64> {
    let mut scenario = json!({ "executionProfile": profile });
    if let Some(minions) = minions {
        scenario["minionsCount"] = json!(minions);
    }
    let (order, problems) = with_scenario(scenario);
    assert_eq!(problems, [""; 0]);
    let ordered = &order.profiles["shop"];
    let count = ordered.minions.or_else(|| ordered.profile.minions()).or(minions).unwrap_or(10);
    let launches = ordered.profile.launches(count, Segment::WHOLE);
    launches.map(|Launch { at, .. }| at.as_millis() as u64).collect()
}

#[test]
fn each_profile_of_the_jvm_product_is_a_schedule() {
    for name in ["IMMEDIATELY", "DEFAULT", "IMMEDIATE"] {
        assert_eq!(schedule(json!({ "profile": name }), Some(3)), [0, 0, 0]);
    }
    let regular = json!({ "profile": "REGULAR", "periodInMs": 100, "minionsCountProLaunch": 2 });
    assert_eq!(schedule(regular, Some(5)), [0, 0, 100, 100, 200]);
    let accelerating = json!({
        "profile": "ACCELERATING",
        "startPeriodMs": 400,
        "accelerator": 2.0,
        "minPeriodMs": 150,
        "minionsCountProLaunch": 1,
    });
    assert_eq!(schedule(accelerating, Some(5)), [0, 400, 600, 750, 900]);
    let growing = json!({
        "profile": "PROGRESSING_VOLUME",
        "periodMs": 100,
        "minionsCountProLaunchAtStart": 1,
        "multiplier": 2,
        "maxMinionsCountProLaunch": 3,
    });
    assert_eq!(schedule(growing, Some(7)), [0, 100, 100, 200, 200, 200, 300]);
    let frame = json!({ "profile": "TIME_FRAME", "periodInMs": 100, "timeFrameInMs": 400 });
    assert_eq!(schedule(frame, Some(4)), [0, 100, 200, 300]);
    let stage = |key: &str, share: f64| {
        let mut stage = json!({ "rampUpDurationMs": 100, "totalDurationMs": 200, "resolutionMs": 50 });
        stage[key] = if share.fract() == 0.0 { json!(share as u64) } else { json!(share) };
        stage
    };
    let percent = |share| stage("minionsPercentage", share);
    let stages = json!({ "profile": "PERCENTAGE_STAGE", "stages": [percent(50.0), percent(50.0)], "completion": "HARD" });
    assert_eq!(schedule(stages, Some(4)), [0, 50, 200, 250]);
    let thirds = json!({ "profile": "PERCENTAGE_STAGE", "stages": [percent(12.5), percent(87.5)] });
    assert_eq!(schedule(thirds, Some(8)), [0, 200, 214, 228, 242, 257, 271, 285]);
    let counted = |share| stage("minionsCount", share);
    let stages =
        || json!({ "profile": "STAGE", "stages": [counted(2.0), counted(1.0)], "completion": "GRACEFUL" });
    assert_eq!(schedule(stages(), None), [0, 50, 200], "the stages give the number");
    assert_eq!(schedule(stages(), Some(3)), [0, 50, 200], "which may be repeated");
    let arrivals = json!({
        "profile": "ARRIVALS",
        "rates": [{ "perSecond": 2.5, "rampUpDurationMs": 0, "totalDurationMs": 2000 }],
        "distribution": "EVEN",
    });
    assert_eq!(schedule(arrivals, None), [0, 400, 800, 1200, 1600]);
    let poisson = json!({
        "profile": "ARRIVALS",
        "rates": [{ "perSecond": 20, "rampUpDurationMs": 0, "totalDurationMs": 1000 }],
        "distribution": "POISSON",
        "seed": 7,
    });
    let instants = schedule(poisson, None);
    assert!(instants.is_sorted() && instants.windows(3).any(|w| w[1] - w[0] != w[2] - w[1]), "{instants:?}");
}

#[test]
fn random_arrivals_without_a_seed_follow_that_of_the_campaign() {
    let rates = json!([{ "perSecond": 20, "rampUpDurationMs": 0, "totalDurationMs": 1000 }]);
    let mut profile = json!({ "profile": "ARRIVALS", "rates": rates, "distribution": "POISSON" });
    let (order, problems) = with_scenario(json!({ "executionProfile": profile }));
    assert!(problems.is_empty() && order.profiles["shop"].follows_seed, "{problems:?}");
    let (_, problems) = with_scenario(json!({ "executionProfile": profile, "minionsCount": 20 }));
    assert_eq!(
        problems,
        [
            "/scenarios/shop/minionsCount: the seed of the campaign gives the number of random arrivals, leave this field out"
        ]
    );
    profile["seed"] = json!(7);
    assert!(!with_scenario(json!({ "executionProfile": profile })).0.profiles["shop"].follows_seed);
}

#[test]
fn what_is_wrong_with_a_profile_is_said_at_its_place() {
    let at = "/scenarios/shop/executionProfile";
    for (profile, expected) in [
        (
            json!({}),
            "/profile: must be given: IMMEDIATELY, DEFAULT, IMMEDIATE, REGULAR, ACCELERATING, PROGRESSING_VOLUME, TIME_FRAME, PERCENTAGE_STAGE, STAGE, ARRIVALS",
        ),
        (json!({ "profile": "STAGES" }), "/profile: unknown profile 'STAGES', did you mean 'STAGE'?"),
        (json!({ "profile": 1 }), "/profile: must be a text, it is a number"),
        (
            json!({ "profile": "IMMEDIATELY", "periodInMs": 1 }),
            "/periodInMs: unknown field 'periodInMs', there are: profile",
        ),
        (
            json!({ "profile": "REGULAR", "minionsCountProLaunch": 1, "periodInMs": 1.5 }),
            "/periodInMs: must be a whole number from 1 to 31536000000",
        ),
        (
            json!({ "profile": "ACCELERATING", "startPeriodMs": 1, "accelerator": 0.5, "minPeriodMs": 1, "minionsCountProLaunch": 1 }),
            "/accelerator: must be a number from 1 to 1000000",
        ),
        (
            json!({ "profile": "ACCELERATING", "startPeriodMs": 1, "accelerator": 2, "minPeriodMs": 5, "minionsCountProLaunch": 1 }),
            ": profile faster: the first period must be at least the shortest",
        ),
        (
            json!({ "profile": "TIME_FRAME", "periodInMs": 5, "timeFrameInMs": 4 }),
            ": profile timeframe: the window must be at least as long as the period",
        ),
        (json!({ "profile": "STAGE", "stages": [] }), ": profile stages: there must be at least one stage"),
        (json!({ "profile": "STAGE", "stages": [1] }), "/stages/0: must be an object, it is a number"),
        (json!({ "profile": "STAGE" }), "/stages: must be given"),
        (
            json!({ "profile": "PERCENTAGE_STAGE", "stages": [
                { "minionsPercentage": 90, "rampUpDurationMs": 1, "totalDurationMs": 1 },
            ]}),
            "/stages: the percentages sum to 90, they must sum to 100",
        ),
        (
            json!({ "profile": "PERCENTAGE_STAGE", "completion": "SOFT", "stages": [
                { "minionsPercentage": 100, "rampUpDurationMs": 1, "totalDurationMs": 1 },
            ]}),
            "/completion: must be GRACEFUL or HARD",
        ),
        (
            json!({ "profile": "ARRIVALS", "rates": [{ "perSecond": 0, "rampUpDurationMs": 0, "totalDurationMs": 5 }] }),
            ": profile arrivals: the rates give no minion",
        ),
        (
            json!({ "profile": "ARRIVALS", "distribution": "POISSON", "rates": [
                { "perSecond": 1_000_000, "rampUpDurationMs": 10_000, "totalDurationMs": 15_001 },
            ]}),
            "/rates: give 10001000 random arrivals, at most 10000000 can be drawn",
        ),
    ] {
        let (order, problems) = with_scenario(json!({ "executionProfile": profile }));
        assert_eq!(problems, [format!("{at}{expected}")]);
        assert!(order.scenarios.is_empty() && order.profiles.is_empty());
    }
}

#[test]
fn fields_become_keys_of_configuration() {
    let (order, problems) = read_payload(json!({
        "name": "nightly",
        "speedFactor": 2,
        "startOffsetMs": 1500,
        "timeout": "PT1M30S",
        "hardTimeout": true,
        "seed": u64::MAX,
        "configuration": { "campaign.fail-on-warning": true, "campaign.limits.dropped": 3, "report.link": "http://ci" },
        "scenarios": { "shop": { "minionsCount": 5, "zones": { "eu": 100 }, "properties": { "url": "http://shop" } } },
    }));
    assert_eq!(problems, [""; 0]);
    let given: Vec<String> =
        order.given.iter().map(|given| format!("{} {}={}", given.place, given.key, given.value)).collect();
    assert_eq!(
        given,
        [
            "/configuration/campaign.fail-on-warning campaign.fail-on-warning=true",
            "/configuration/campaign.limits.dropped campaign.limits.dropped=3",
            "/configuration/report.link report.link=http://ci",
            "/name campaign.name=nightly",
            "/speedFactor campaign.speed-factor=2",
            "/seed campaign.seed=18446744073709551615",
            "/timeout campaign.timeout=90000000000ns",
            "/hardTimeout campaign.hard-timeout=90000000000ns",
            "/scenarios/shop/zones/eu scenarios.shop.zones.eu=100",
            "/scenarios/shop/minionsCount scenarios.shop.minions=5",
            "/scenarios/shop/properties/url scenarios.shop.properties.url=http://shop",
        ]
    );
    assert_eq!((order.start_offset.as_millis(), order.scenarios), (1500, vec!["shop".to_owned()]));
}

#[test]
fn durations_are_those_of_iso_8601_and_those_of_configuration() {
    let hard = |timeout: Value, hard: Value| {
        let payload =
            json!({ "name": "test", "timeout": timeout, "hardTimeout": hard, "scenarios": { "shop": {} } });
        let (order, problems) = read_payload(payload);
        let value =
            |key: &str| order.given.iter().find(|given| given.key == key).map(|given| given.value.clone());
        (value("campaign.timeout"), value("campaign.hard-timeout"), problems)
    };
    let ns = |seconds: u64| Some(format!("{}ns", seconds * 1_000_000_000));
    assert_eq!(hard(json!("PT2H"), json!(false)), (ns(7200), None, vec![]));
    assert_eq!(hard(json!("P1DT1S"), json!("PT90000S")), (ns(86_401), ns(90_000), vec![]));
    assert_eq!(hard(json!("90s"), Value::Null), (ns(90), None, vec![]));
    for wrong in ["", "10", "PT", "-PT1S", "PT0S", "P1M"] {
        let (timeout, _, problems) = hard(json!(wrong), json!(false));
        assert_eq!(timeout, None, "{wrong}");
        assert_eq!(
            problems,
            ["/timeout: must be an ISO-8601 duration of more than zero, for example PT10M or PT1H30M"],
            "{wrong}"
        );
    }
    let (.., problems) = hard(Value::Null, json!(true));
    assert_eq!(problems, ["/hardTimeout: is true, so a timeout must be given"]);
}

#[test]
fn zones_are_those_of_this_head() {
    assert_eq!(with_scenario(json!({ "zones": { "eu": 100 } })).1, [""; 0]);
    assert_eq!(
        with_scenario(json!({ "zones": { "eu": 60, "us": 30 } })).1,
        [
            "/scenarios/shop/zones/us: no factory in zone 'us', there is: eu",
            "/scenarios/shop/zones: the percentages sum to 90, they must sum to 100",
        ]
    );
    assert_eq!(
        with_scenario(json!({ "zones": {} })).1,
        ["/scenarios/shop/zones: the percentages sum to 0, they must sum to 100"]
    );
}

#[test]
fn a_document_of_another_kind_is_refused_at_its_root() {
    assert_eq!(read_payload(json!([])).1, ["must be an object, it is a list"]);
    assert_eq!(
        read_payload(json!({})).1,
        [
            "/name: must be given, 3 to 300 characters",
            "/scenarios: must be given, with at least one scenario"
        ]
    );
    let (_, problems) = read_payload(json!({ "name": "a".repeat(301), "scenarios": {} }));
    assert_eq!(
        problems,
        ["/name: must be a text of 3 to 300 characters", "/scenarios: must have at least one scenario"]
    );
    let (_, problems) =
        with_scenario(json!({ "minionsCount": 5, "executionProfile": { "profile": "STAGE", "stages": [
            { "minionsCount": 4, "rampUpDurationMs": 0, "totalDurationMs": 10 },
        ]}}));
    assert_eq!(
        problems,
        ["/scenarios/shop/minionsCount: its profile gives 4 minions, leave this field out or write the same"]
    );
}
