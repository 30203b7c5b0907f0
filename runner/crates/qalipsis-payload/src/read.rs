//! Reads a payload field by field, so that all that is wrong is found at once, each at its place.

use crate::object::{Object, kind};
use crate::order::{Offered, Order};
use crate::problem::{PointedProblem, pointer_token};
use crate::profile;
use qalipsis_calendar::NoCalendar;
use qalipsis_config::Given;
use qalipsis_config::problem::{Problem, one_line};
use qalipsis_config::reason;
use qalipsis_model::suggest::hint;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_store::{MissedRuns, When};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Lengths of the name of a campaign, in characters.
const NAME: std::ops::RangeInclusive<usize> = 3..=300;

/// The longest offset of a start: one day.
const LONGEST_OFFSET: Duration = Duration::from_secs(86_400);

/// Start of the keys that concern the head and not one campaign.
const OF_THE_HEAD: [&str; 3] = ["server.", "head.", "store."];

const FIELDS: [&str; 8] =
    ["name", "speedFactor", "startOffsetMs", "timeout", "hardTimeout", "seed", "configuration", "scenarios"];

const OF_SCENARIOS: [&str; 4] = ["minionsCount", "zones", "executionProfile", "properties"];

/// What a payload asks for, as far as it can be read, and all that is wrong with it.
pub fn read(payload: &Value, offered: &[Offered], zones: &[Option<String>]) -> (Order, Vec<Problem>) {
    let problems = RefCell::new(Vec::new());
    let mut order = Order::default();
    if let Some(object) = Object::of(payload, String::new(), &problems) {
        object.allow(&FIELDS);
        read_campaign(&object, &mut order);
        read_scenarios(&object, offered, zones, &mut order);
    }
    (order, problems.into_inner())
}

/// The label of a marker and its instant, when one is given.
///
/// # Errors
/// All that is wrong.
pub fn read_marker(document: &Value) -> Result<(String, Option<Timestamp>), Vec<Problem>> {
    let problems = RefCell::new(Vec::new());
    let mut marker = (String::new(), None);
    if let Some(object) = Object::of(document, String::new(), &problems) {
        object.allow(&["label", "at"]);
        match object.text("label") {
            Some(label) => label.clone_into(&mut marker.0),
            None if object.given("label").is_none() => object.wrong("label", "must be given"),
            None => {}
        }
        if let Some(text) = object.text("at") {
            marker.1 = object.instant("at", text);
        }
    }
    let problems = problems.into_inner();
    if problems.is_empty() { Ok(marker) } else { Err(problems) }
}

/// A schedule as far as it can be read.
#[derive(Debug)]
pub struct ReadSchedule {
    /// Its name.
    pub name: String,
    /// What it starts, which is read apart.
    pub request: Option<Value>,
    /// When it starts.
    pub when: Option<When>,
    /// What becomes of times at which no head ran.
    pub missed: MissedRuns,
    /// Whether it starts at all.
    pub enabled: bool,
}

/// A schedule as far as it can be read, and all that is wrong with it but for its campaign. `known` is its name, when that is
/// known from elsewhere.
pub fn read_schedule(document: &Value, known: Option<&str>) -> (ReadSchedule, Vec<Problem>) {
    let problems = RefCell::new(Vec::new());
    let mut schedule = ReadSchedule {
        name: known.unwrap_or_default().to_owned(),
        request: None,
        when: None,
        missed: MissedRuns::Skip,
        enabled: true,
    };
    if let Some(object) = Object::of(document, String::new(), &problems) {
        object.allow(&["name", "campaign", "at", "cron", "timeZone", "missed", "enabled"]);
        match (object.text("name"), known) {
            (Some(name), Some(known)) if name != known => {
                object.wrong("name", format_args!("must be '{known}', as in the path"));
            }
            (Some(name), _) if (1..=100).contains(&name.chars().count()) => {
                name.clone_into(&mut schedule.name)
            }
            (None, Some(_)) if object.given("name").is_none() => {}
            _ => object.wrong("name", "must be a text of 1 to 100 characters"),
        }
        match object.given("campaign") {
            Some(request) => schedule.request = Some(request.clone()),
            None => object.wrong("campaign", "must be given, as POST /campaigns takes it"),
        }
        schedule.when = read_when(&object);
        match object.text("missed") {
            Some("SKIP") | None => {}
            Some("CATCH_UP") => schedule.missed = MissedRuns::CatchUp,
            Some(other) => {
                object.wrong(
                    "missed",
                    format_args!("unknown value '{other}', {}", hint(other, ["SKIP", "CATCH_UP"])),
                );
            }
        }
        match object.given("enabled") {
            Some(Value::Bool(enabled)) => schedule.enabled = *enabled,
            Some(other) => {
                object.wrong("enabled", format_args!("must be true or false, it is {}", kind(other)))
            }
            None => {}
        }
    }
    (schedule, problems.into_inner())
}

fn read_when(object: &Object<'_>) -> Option<When> {
    match (object.text("at"), object.text("cron")) {
        (Some(text), None) => {
            if object.given("timeZone").is_some() {
                object.wrong("timeZone", "belongs to cron: an instant has its own offset");
            }
            let at = object.instant("at", text)?;
            Some(When::At(at))
        }
        (None, Some(expression)) => {
            let time_zone = object.text("timeZone").unwrap_or("UTC").to_owned();
            Some(When::Cron { expression: expression.to_owned(), time_zone })
        }
        (Some(_), Some(_)) => {
            object.wrong("cron", "must not be given beside at");
            None
        }
        (None, None) => {
            if object.given("at").is_none() && object.given("cron").is_none() {
                object.wrong("cron", "must be given, or at for a single start");
            }
            None
        }
    }
}

/// What is wrong with the times of a schedule, at its place.
pub fn wrong_calendar(error: &NoCalendar) -> PointedProblem {
    let pointer = match error {
        NoCalendar::TimeZone(_) => "/timeZone",
        NoCalendar::Expression { .. } | NoCalendar::Never(_) => "/cron",
    };
    PointedProblem { pointer: pointer.to_owned(), message: error.to_string() }
}

fn read_campaign(object: &Object<'_>, order: &mut Order) {
    if let Some(configuration) = object.object("configuration") {
        for (key, value) in configuration.fields {
            let pointer = configuration.at(key);
            if OF_THE_HEAD.iter().any(|start| key.starts_with(start)) {
                configuration.wrong(key, format_args!("'{key}' is a key of the head, not of one campaign"));
            } else if let Some(text) = configuration.scalar(key, value) {
                order.given.push(Given { place: pointer, key: key.clone(), value: text });
            }
        }
    }
    let mut give = |field: &str, key: &str, value: String| {
        order.given.push(Given { place: object.at(field), key: key.to_owned(), value });
    };
    match object.fields.get("name") {
        Some(Value::String(name)) if NAME.contains(&name.trim().chars().count()) => {
            give("name", "campaign.name", name.trim().to_owned());
        }
        None => object.wrong("name", "must be given, 3 to 300 characters"),
        Some(_) => object.wrong("name", "must be a text of 3 to 300 characters"),
    }
    if let Some(factor) = object.number("speedFactor") {
        give("speedFactor", "campaign.speed-factor", factor.to_string());
    }
    if let Some(seed) = object.whole("seed", 0, u64::MAX) {
        give("seed", "campaign.seed", seed.to_string());
    }
    let timeout = object.duration("timeout");
    if let Some(timeout) = timeout {
        give("timeout", "campaign.timeout", in_words(timeout));
    }
    let hard = match object.fields.get("hardTimeout") {
        Some(Value::Bool(false) | Value::Null) | None => None,
        Some(Value::Bool(true)) => {
            if object.fields.get("timeout").is_none_or(Value::is_null) {
                object.wrong("hardTimeout", "is true, so a timeout must be given");
            }
            timeout
        }
        Some(_) => object.duration("hardTimeout"),
    };
    if let Some(hard) = hard {
        give("hardTimeout", "campaign.hard-timeout", in_words(hard));
    }
    if let Some(offset) = object.whole("startOffsetMs", 0, LONGEST_OFFSET.as_millis() as u64) {
        order.start_offset = Duration::from_millis(offset);
    }
}

fn read_scenarios(object: &Object<'_>, offered: &[Offered], zones: &[Option<String>], order: &mut Order) {
    if object.fields.get("scenarios").is_none_or(Value::is_null) {
        object.wrong("scenarios", "must be given, with at least one scenario");
        return;
    }
    let Some(scenarios) = object.object("scenarios") else { return };
    if scenarios.fields.is_empty() {
        object.wrong("scenarios", "must have at least one scenario");
    }
    for name in scenarios.fields.keys() {
        let Some(known) = offered.iter().find(|one| one.scenario.name == *name) else {
            let names = offered.iter().map(|one| one.scenario.name.as_str());
            scenarios.wrong(name, format_args!("unknown scenario '{name}', {}", hint(name, names)));
            continue;
        };
        let before = object.problem_count();
        if let Some(scenario) = scenarios.object(name) {
            read_scenario(&scenario, known, zones, order);
        }
        if object.problem_count() == before {
            order.scenarios.push(name.clone());
        } else {
            order.profiles.remove(name);
        }
    }
}

fn read_scenario(object: &Object<'_>, known: &Offered, there: &[Option<String>], order: &mut Order) {
    object.allow(&OF_SCENARIOS);
    let name = &known.scenario.name;
    let minions = object.whole("minionsCount", 1, u32::MAX.into()).map(|count| count as u32);
    if let Some(zones) = object.object("zones") {
        read_zones(&zones, name, object, there, order);
    }
    let ordered = object
        .object("executionProfile")
        .and_then(|profile| profile::read(&profile, minions.unwrap_or(known.scenario.minions)));
    let profile = ordered.as_ref().map_or(&known.scenario.profile, |ordered| &ordered.profile);
    let given = ordered.as_ref().and_then(|ordered| ordered.minions).or_else(|| profile.minions());
    let follows_seed = ordered.as_ref().is_some_and(|ordered| ordered.follows_seed);
    if let Some(count) = minions {
        match given {
            Some(_) if follows_seed => object.wrong(
                "minionsCount",
                "the seed of the campaign gives the number of random arrivals, leave this field out",
            ),
            // What the profile gives anyway needs no key.
            Some(given) if given == count => {}
            Some(given) => object.wrong(
                "minionsCount",
                format_args!("its profile gives {given} minions, leave this field out or write the same"),
            ),
            None => order.given.push(Given {
                place: object.at("minionsCount"),
                key: format!("scenarios.{name}.minions"),
                value: count.to_string(),
            }),
        }
    }
    if let Some(ordered) = ordered {
        let count = given.or(minions).unwrap_or(known.scenario.minions);
        if let Some(problem) = ordered.profile.problem(count) {
            object.wrong("executionProfile", reason::of_profile(&ordered.profile, problem));
        } else {
            for criterion in &known.scenario.criteria {
                if let Some(problem) = criterion.problem(&known.scenario, &ordered.profile) {
                    object.wrong("executionProfile", reason::of_criterion(criterion, &problem));
                }
            }
        }
        order.profiles.insert(name.clone(), ordered);
    }
    if let Some(properties) = object.object("properties") {
        for (property, value) in properties.fields {
            let names = known.scenario.properties.iter().map(|property| property.name.as_str());
            if !names.clone().any(|name| name == property) {
                properties.wrong(
                    property,
                    format_args!("no property '{property}' in scenario '{name}', {}", hint(property, names)),
                );
            } else if let Some(value) = properties.scalar(property, value) {
                let key = format!("scenarios.{name}.properties.{property}");
                order.given.push(Given { place: properties.at(property), key, value });
            }
        }
    }
}

/// How much of a scenario each zone has.
fn read_zones(
    zones: &Object<'_>,
    name: &str,
    scenario: &Object<'_>,
    there: &[Option<String>],
    order: &mut Order,
) {
    let known: BTreeSet<&str> = there.iter().flatten().map(String::as_str).collect();
    // What a file gives to the others does not count beside a payload.
    for zone in known.iter().filter(|zone| !zones.fields.contains_key(**zone)) {
        order.given.push(Given {
            place: scenario.at("zones"),
            key: format!("scenarios.{name}.zones.{zone}"),
            value: "0".to_owned(),
        });
    }
    let mut sum = 0;
    for (zone, share) in zones.fields {
        if !known.contains(zone.as_str()) {
            let there = if known.is_empty() {
                "the only zone of this head has no name, give it one with factory.zone or leave zones out"
                    .to_owned()
            } else {
                format!("there is: {}", known.iter().copied().collect::<Vec<_>>().join(", "))
            };
            zones.wrong(zone, format_args!("no factory in zone '{zone}', {there}"));
        }
        let Some(share) =
            share.as_f64().filter(|share| share.fract() == 0.0 && (0.0..=100.0).contains(share))
        else {
            zones.wrong(zone, "must be a percentage, a whole number from 0 to 100");
            continue;
        };
        let share = share as u32;
        sum += share;
        if known.contains(zone.as_str()) {
            order.given.push(Given {
                place: zones.at(zone),
                key: format!("scenarios.{name}.zones.{zone}"),
                value: share.to_string(),
            });
        }
    }
    if zones.fields.is_empty() || sum != 100 {
        scenario.wrong("zones", format_args!("the percentages sum to {sum}, they must sum to 100"));
    }
}

/// A duration as configuration reads it.
fn in_words(duration: Duration) -> String {
    format!("{}ns", duration.as_nanos())
}

/// What planning finds wrong with an order, at the pointers of what was given.
pub fn planned(order: &Order, problems: &[Problem]) -> Vec<PointedProblem> {
    let scenarios = order.scenarios.iter().map(|name| {
        let pointer = format!("/scenarios/{}/properties", pointer_token(name));
        (one_line(&format!("scenario '{name}'")), pointer)
    });
    let given = order.given.iter().map(|given| (one_line(&given.place), given.place.clone()));
    let pointers: BTreeMap<String, String> = scenarios.chain(given).collect();
    problems.iter().map(|problem| PointedProblem::of_plan(problem, &pointers)).collect()
}
