//! Which zones are concerned, in words.

use crate::text::{counted, number};
use qalipsis_judge::report::{CriterionReport, ScenarioReport};
use qalipsis_judge::zone::ZoneDifference;

/// The most zones that one line names.
const NAMED: usize = 5;

/// `only in zone us: 37 of its 400 minions`, or the share of each zone; `None` without several zones, and where no
/// minion failed.
pub(crate) fn failing(scenario: &ScenarioReport, step: &str) -> Option<String> {
    let index = scenario.steps.iter().position(|s| s.name == step)? as u32;
    let shares = scenario.by_zone.iter().filter_map(|zone| {
        let figures = zone.figures.steps.get(&index)?;
        Some((zone.name.as_str(), figures.failed_minions, figures.minions))
    });
    let mut shares: Vec<(&str, u64, u64)> = shares.collect();
    // Largest share first; by cross-multiplication, so that equal shares keep the order of their names.
    shares.sort_by(|a, b| (b.1 * a.2).cmp(&(a.1 * b.2)));
    let concerned = shares.iter().filter(|(_, failed, _)| *failed > 0).count();
    match shares.first() {
        Some((zone, failed, all)) if concerned == 1 => {
            Some(format!("only in zone {zone}: {} of its {}", number(*failed), counted(*all, "minion")))
        }
        Some(_) if concerned > 1 => {
            let share = |(zone, failed, all): &(&str, u64, u64)| {
                format!("{zone} {} of {}", number(*failed), counted(*all, "minion"))
            };
            let named: Vec<String> = shares.iter().take(NAMED).map(share).collect();
            let more = shares.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Some(format!("by zone: {}{more}", named.join(", ")))
        }
        _ => None,
    }
}

/// How zones differ in what a criterion is about, when it is about all of them.
pub(crate) fn behind(scenario: &ScenarioReport, criterion: &CriterionReport) -> Option<String> {
    let rule = &criterion.criterion;
    let differing = scenario.zone_differences.iter().filter(|d| d.step == rule.subject.name());
    let fits = |kind| rule.quantity.failure_kind() == kind;
    differing
        .into_iter()
        .filter(|_| rule.scope.zone.is_none())
        .find(|difference| fits(difference.quantity.failure_kind()))
        .map(|difference| difference.message())
}

/// The lines that name where zones differ most: one on failures, one on times, each with how many steps more.
pub(crate) fn differing(scenario: &ScenarioReport) -> Vec<String> {
    most(scenario.zone_differences.iter())
}

/// As [`differing`], without what the causes of the verdict say already.
pub(crate) fn untold(scenario: &ScenarioReport) -> Vec<String> {
    let is_said = |difference: &ZoneDifference| {
        let failed = scenario.steps.iter().any(|s| s.name == difference.step && s.headline.is_some());
        let message = difference.message();
        let mut breached = scenario.criteria.iter().filter(|criterion| criterion.is_breached());
        (failed && !difference.is_time())
            || breached.any(|criterion| behind(scenario, criterion).as_ref() == Some(&message))
    };
    most(scenario.zone_differences.iter().filter(|difference| !is_said(difference)))
}

fn most<'a>(differences: impl Iterator<Item = &'a ZoneDifference>) -> Vec<String> {
    let mut lines: Vec<(bool, String, usize)> = Vec::new();
    for difference in differences {
        let is_time = difference.is_time();
        match lines.iter_mut().find(|(other, ..)| *other == is_time) {
            Some((_, _, more)) => *more += 1,
            None => lines.push((is_time, difference.message(), 0)),
        }
    }
    let shown = |(_, message, more): (bool, String, usize)| match more {
        0 => message,
        more => format!("{message}; zones differ at {} as well", counted(more as u64, "other step")),
    };
    lines.into_iter().map(shown).collect()
}
