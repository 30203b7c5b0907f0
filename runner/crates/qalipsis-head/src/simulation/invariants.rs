//! What is true of every campaign, whatever goes wrong.

use super::agent::Agent;
use super::faults::{ALL_RESUMED, Faults};
use super::{Outcome, TICK, run};
use crate::fixture::secs;
use qalipsis_judge::report::Report;
use std::time::Duration;

/// What each wait of the head adds at most: silence, a hard stop, the end of a lost process.
const WAITS: Duration = secs(10 + 5 + 1);

/// How long messages that are lost and slow may hold up a campaign: each of its three directives and its last report is
/// sent again after a second or two, and takes up to 3 s.
const NETWORK: Duration = secs(60);

/// How long a stop for good may take: 5 s for the last figures, and half a second for the end of a lost process.
const CANCELLED: Duration = Duration::from_millis(5_500);

/// The invariants that are broken, each with what is wrong.
pub(crate) fn broken(faults: &Faults, outcome: &Outcome) -> Vec<String> {
    let mut broken = Vec::new();
    broken.extend(verdict_is_late(faults, outcome));
    if outcome.report.has_internal_errors {
        broken.push(format!("counts do not add up: {:?}", outcome.report.reasons));
    }
    for (index, agent) in outcome.agents.iter().enumerate() {
        let merged = merged(&outcome.report)[index];
        broken.extend(figures_are_wrong(outcome, index, agent, merged));
        broken.extend(loss_is_silent(&outcome.report, agent, merged));
    }
    for (event, count) in &outcome.written {
        if *count > 1 {
            broken.push(format!("event {event} was written {count} times"));
        }
    }
    broken.extend(pauses_are_wrong(&outcome.report));
    if faults.are_factories_sound() {
        broken.extend(sound_factory_is_lost(&outcome.report));
        if faults.stops.is_empty() && faults.timeout.is_none() {
            broken.extend(differs_from_a_run_without_faults(faults, outcome));
        }
    }
    broken
}

/// The digits of all snapshots that are in the report, by factory.
fn merged(report: &Report) -> Vec<u64> {
    report.scenarios.iter().map(|scenario| scenario.iterations.cancelled).collect()
}

/// A verdict always comes, within its limits.
fn verdict_is_late(faults: &Faults, outcome: &Outcome) -> Option<String> {
    let paused = faults.head_pause.map_or(Duration::ZERO, |(_, lasts)| lasts);
    let longest = faults.factories.iter().map(|course| course.lasts()).max().unwrap_or_default();
    let resumed = if faults.controls.is_empty() { Duration::ZERO } else { ALL_RESUMED };
    let limit = longest + WAITS + NETWORK + paused + resumed;
    if outcome.took > limit {
        return Some(format!("the verdict came after {:?}, later than {limit:?}", outcome.took));
    }
    let since = outcome.took.saturating_sub(outcome.cancelled?);
    let limit = CANCELLED + paused + 5 * TICK;
    (since > limit).then(|| format!("the verdict came {since:?} after a hard stop, later than {limit:?}"))
}

/// Pauses come one after the other, and only one that lasted until all factories had ended has no end.
fn pauses_are_wrong(report: &Report) -> Option<String> {
    let pauses = &report.controls.pauses;
    let is_wrong = pauses.windows(2).any(|two| two[0].until.is_none_or(|until| until > two[1].from));
    let is_open = pauses.last().is_some_and(|last| last.until.is_none());
    let is_early = is_open && report.scenarios.iter().any(|scenario| scenario.iterations.cancelled == 0);
    (is_wrong || is_early).then(|| format!("pauses are {pauses:?}"))
}

/// All that was acknowledged is merged, and nothing twice.
fn figures_are_wrong(outcome: &Outcome, index: usize, agent: &Agent, merged: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = agent.name();
    let seconds = outcome.seconds.get(&name).copied().unwrap_or_default();
    let mut rest = merged;
    for (snapshot, report) in agent.made().iter().enumerate() {
        let count = |figures: u64| (figures >> (2 * snapshot)) & 3;
        if count(merged) > 1 {
            wrong.push(format!("{name}: snapshot {snapshot} is merged {} times", count(merged)));
        }
        if count(merged) == 0 && *report < outcome.acknowledged[index] {
            wrong.push(format!("{name}: snapshot {snapshot} is acknowledged and not merged"));
        }
        if count(seconds) != count(merged) {
            wrong.push(format!(
                "{name}: snapshot {snapshot} is in {} seconds and merged {} times",
                count(seconds),
                count(merged)
            ));
        }
        rest &= !(3 << (2 * snapshot));
    }
    if rest != 0 {
        wrong.push(format!("{name}: figures are merged that were never made: {rest:#x}"));
    }
    wrong
}

/// Every loss is said: figures that are missing belong to a factory of which the report says so.
fn loss_is_silent(report: &Report, agent: &Agent, merged: u64) -> Option<String> {
    let all: u64 = (0..agent.made().len()).map(Agent::digit).sum();
    let name = agent.name();
    let is_lost = report.factories.iter().any(|factory| factory.name == name && factory.lost.is_some());
    let is_named = |text: &String| text.contains(&format!("'{name}'"));
    let is_said = is_lost || report.warnings.iter().any(is_named);
    (merged != all && !is_said)
        .then(|| format!("{name}: {merged:#x} of {all:#x} is merged, and nothing says so"))
}

/// A factory that does what it should is not taken for lost: neither for what the network does nor for a head that was
/// paused.
fn sound_factory_is_lost(report: &Report) -> Option<String> {
    let lost = report.factories.iter().find(|factory| factory.lost.is_some())?;
    Some(format!("{} is sound and was lost: {:?}", lost.name, lost.lost))
}

/// The network and pauses change no figures.
fn differs_from_a_run_without_faults(faults: &Faults, outcome: &Outcome) -> Option<String> {
    let other = Faults { head_pause: None, clock_jump: None, ..faults.without_network() };
    match run(&other, |_, _| {}) {
        Ok(other) => {
            let (with, without) = (merged(&outcome.report), merged(&other.report));
            (with != without).then(|| format!("figures are {with:x?}, and without faults {without:x?}"))
        }
        Err(endless) => Some(format!("without faults: {endless}")),
    }
}
