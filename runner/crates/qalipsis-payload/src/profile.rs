//! Execution profiles of payloads.

use crate::object::Object;
use crate::order::OrderedProfile;
use qalipsis_model::suggest::hint;
use qalipsis_profile::profile::{ArrivalRate, Completion, Profile, Share, Spacing, Stage};
use std::time::Duration;

/// Names of profiles.
const NAMES: [&str; 10] = [
    "IMMEDIATELY",
    "DEFAULT",
    "IMMEDIATE",
    "REGULAR",
    "ACCELERATING",
    "PROGRESSING_VOLUME",
    "TIME_FRAME",
    "PERCENTAGE_STAGE",
    "STAGE",
    "ARRIVALS",
];

/// The longest time of a profile: a year.
const LONGEST_MS: u64 = 365 * 86_400_000;

/// The most arrivals per second.
const MOST_PER_SECOND: f64 = 1e9;

/// The most arrivals that are drawn at random: each is drawn when a payload is checked, and again by each factory.
const MOST_RANDOM: u128 = 10_000_000;

/// What a factor may be at most.
const LARGEST_FACTOR: f64 = 1e6;

/// Reads a profile of a scenario that has so many minions; `None` when anything in it is wrong.
pub(crate) fn read(object: &Object<'_>, minions: u32) -> Option<OrderedProfile> {
    let Some(name) = object.text("profile") else {
        if object.fields.get("profile").is_none_or(serde_json::Value::is_null) {
            object.wrong("profile", format_args!("must be given: {}", NAMES.join(", ")));
        }
        return None;
    };
    let mut given = None;
    let mut follows_seed = false;
    let profile = match name {
        "IMMEDIATELY" | "DEFAULT" | "IMMEDIATE" => {
            object.allow(&["profile"]);
            Profile::Immediate
        }
        "REGULAR" => {
            object.allow(&["profile", "periodInMs", "minionsCountProLaunch"]);
            let (every, count) = (time(object, "periodInMs", 1), count(object, "minionsCountProLaunch"));
            Profile::Regular { count: count?, every: every? }
        }
        "ACCELERATING" => {
            object.allow(&[
                "profile",
                "startPeriodMs",
                "accelerator",
                "minPeriodMs",
                "minionsCountProLaunch",
            ]);
            let (start, min) = (time(object, "startPeriodMs", 1), time(object, "minPeriodMs", 1));
            let (factor, count) = (factor(object, "accelerator"), count(object, "minionsCountProLaunch"));
            Profile::faster(count?, start?, factor?, min?)
        }
        "PROGRESSING_VOLUME" => {
            object.allow(&[
                "profile",
                "periodMs",
                "minionsCountProLaunchAtStart",
                "multiplier",
                "maxMinionsCountProLaunch",
            ]);
            let (every, factor) = (time(object, "periodMs", 1), factor(object, "multiplier"));
            let first = count(object, "minionsCountProLaunchAtStart");
            let most = count(object, "maxMinionsCountProLaunch");
            Profile::more(first?, every?, factor?, most?)
        }
        "TIME_FRAME" => {
            object.allow(&["profile", "periodInMs", "timeFrameInMs"]);
            let (every, within) = (time(object, "periodInMs", 1), time(object, "timeFrameInMs", 1));
            Profile::Timeframe { every: every?, within: within? }
        }
        "PERCENTAGE_STAGE" => {
            object.allow(&["profile", "stages", "completion"]);
            let (stages, completion) = (percentages(object, minions), completion(object));
            Profile::Stages { stages: stages?, completion: completion? }
        }
        "STAGE" => {
            object.allow(&["profile", "stages", "completion"]);
            let (stages, completion) = (counts(object), completion(object));
            let (stages, completion) = (stages?, completion?);
            let sum = stages.iter().map(|stage| match stage.share {
                Share::Minions(count) => u64::from(count),
                Share::Percent(_) => 0,
            });
            given = Some(u32::try_from(sum.sum::<u64>()).unwrap_or(u32::MAX));
            Profile::Stages { stages, completion }
        }
        "ARRIVALS" => {
            object.allow(&["profile", "rates", "distribution", "seed"]);
            let (rates, spacing) = (rates(object), spacing(object));
            let (rates, (spacing, follows)) = (rates?, spacing?);
            follows_seed = follows;
            let profile = Profile::Arrivals { rates, spacing };
            let expected = profile.expected_arrivals().unwrap_or_default();
            if matches!(spacing, Spacing::Poisson { .. }) && expected > MOST_RANDOM {
                object.wrong(
                    "rates",
                    format_args!("give {expected} random arrivals, at most {MOST_RANDOM} can be drawn"),
                );
                return None;
            }
            profile
        }
        other => {
            object.wrong("profile", format_args!("unknown profile '{other}', {}", hint(other, NAMES)));
            return None;
        }
    };
    Some(OrderedProfile { profile, minions: given, follows_seed })
}

fn time(object: &Object<'_>, field: &str, least: u64) -> Option<Duration> {
    must(object, field, object.whole(field, least, LONGEST_MS).map(Duration::from_millis))
}

fn count(object: &Object<'_>, field: &str) -> Option<u32> {
    must(object, field, object.whole(field, 1, u32::MAX.into()).map(|count| count as u32))
}

fn factor(object: &Object<'_>, field: &str) -> Option<f64> {
    let factor = must(object, field, object.number(field))?;
    if (1.0..=LARGEST_FACTOR).contains(&factor) {
        return Some(factor);
    }
    object.wrong(field, format_args!("must be a number from 1 to {LARGEST_FACTOR}"));
    None
}

/// What is absent is a problem of its own; what is there and wrong is one already.
fn must<T>(object: &Object<'_>, field: &str, value: Option<T>) -> Option<T> {
    if object.fields.get(field).is_none_or(serde_json::Value::is_null) {
        object.wrong(field, "must be given");
    }
    value
}

fn completion(object: &Object<'_>) -> Option<Completion> {
    match object.text("completion") {
        None if object.fields.get("completion").is_none_or(serde_json::Value::is_null) => {
            Some(Completion::Graceful)
        }
        None => None,
        Some("GRACEFUL") => Some(Completion::Graceful),
        Some("HARD") => Some(Completion::Hard),
        Some(_) => {
            object.wrong("completion", "must be GRACEFUL or HARD");
            None
        }
    }
}

/// All or none: a stage that is wrong makes the list wrong.
fn all<'a, T>(object: &Object<'a>, field: &str, read: impl Fn(&Object<'a>) -> Option<T>) -> Option<Vec<T>> {
    let items = object.list(field);
    let listed = object.fields.get(field).and_then(serde_json::Value::as_array).map(Vec::len);
    let read: Vec<Option<T>> = items.iter().map(read).collect();
    let read: Option<Vec<T>> = read.into_iter().collect();
    read.filter(|read| Some(read.len()) == listed)
}

/// Ramp-up and total time of a stage, whose share has this name.
fn times(stage: &Object<'_>, share: &str, resolution: bool) -> Option<(Duration, Duration)> {
    let mut fields = vec![share, "rampUpDurationMs", "totalDurationMs"];
    if resolution {
        fields.push("resolutionMs");
        // It is only checked: minions are added as evenly as the ramp-up allows.
        let _ = stage.whole("resolutionMs", 1, LONGEST_MS);
    }
    stage.allow(&fields);
    let (ramp_up, total) = (time(stage, "rampUpDurationMs", 0), time(stage, "totalDurationMs", 0));
    Some((ramp_up?, total?))
}

fn percentages(object: &Object<'_>, minions: u32) -> Option<Vec<Stage>> {
    let stages = all(object, "stages", |stage| {
        let times = times(stage, "minionsPercentage", true);
        let percent = must(stage, "minionsPercentage", stage.number("minionsPercentage"))?;
        if !(0.0..=100.0).contains(&percent) {
            stage.wrong("minionsPercentage", "must be a number from 0 to 100");
            return None;
        }
        let (ramp_up, total) = times?;
        Some((percent, ramp_up, total))
    })?;
    let sum: f64 = stages.iter().map(|(percent, ..)| percent).sum();
    if (sum - 100.0).abs() > 1e-6 && !stages.is_empty() {
        object.wrong("stages", format_args!("the percentages sum to {sum}, they must sum to 100"));
        return None;
    }
    let are_whole = stages.iter().all(|(percent, ..)| percent.fract() == 0.0);
    let mut sums = (0.0, 0);
    let shares = stages.into_iter().map(|(percent, ramp_up, total)| {
        let share = if are_whole {
            Share::Percent(percent as u32)
        } else {
            // Rounded on the running sum, so that no minion is lost.
            let (percents, before) = sums;
            let until = (f64::from(minions) * (percents + percent) / 100.0 + 1e-6).floor() as u32;
            sums = (percents + percent, until);
            Share::Minions(until - before)
        };
        Stage { share, ramp_up, total }
    });
    Some(shares.collect())
}

fn counts(object: &Object<'_>) -> Option<Vec<Stage>> {
    all(object, "stages", |stage| {
        let times = times(stage, "minionsCount", true);
        let count = must(stage, "minionsCount", stage.whole("minionsCount", 0, u32::MAX.into()));
        let (ramp_up, total) = times?;
        Some(Stage { share: Share::Minions(count? as u32), ramp_up, total })
    })
}

fn rates(object: &Object<'_>) -> Option<Vec<ArrivalRate>> {
    all(object, "rates", |rate| {
        let times = times(rate, "perSecond", false);
        let per_second = must(rate, "perSecond", rate.number("perSecond"))?;
        if !(0.0..=MOST_PER_SECOND).contains(&per_second) {
            rate.wrong("perSecond", format_args!("must be a number from 0 to {MOST_PER_SECOND}"));
            return None;
        }
        let (ramp, total) = times?;
        Some(ArrivalRate { per_hour: (per_second * 3600.0).round() as u64, ramp, total })
    })
}

/// How arrivals lie in time, and whether they follow the seed of the campaign.
fn spacing(object: &Object<'_>) -> Option<(Spacing, bool)> {
    let seed = object.whole("seed", 0, u64::MAX);
    match object.text("distribution") {
        None if object.fields.get("distribution").is_none_or(serde_json::Value::is_null) => {
            Some((Spacing::Even, false))
        }
        None => None,
        Some("EVEN") => Some((Spacing::Even, false)),
        Some("POISSON") => Some((Spacing::Poisson { seed: seed.unwrap_or(0) }, seed.is_none())),
        Some(_) => {
            object.wrong("distribution", "must be EVEN or POISSON");
            None
        }
    }
}
