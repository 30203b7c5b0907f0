//! What sources could not read, what cannot be judged because of it, and whether the counts add up.

use super::{Ending, JudgeInput};
use crate::report::{Reason, ScenarioProblem, ScenarioReport, StepReport};
use qalipsis_model::evidence::{Evidence, FailureKind};
use qalipsis_model::join::{Gap, JoinFigures};
use qalipsis_model::snapshot::ScenarioFigures;

/// Gaps that one sentence names.
const NAMED: usize = 3;

/// Awaited records that cannot be judged because their source could not read: the figures are invalid.
pub(super) fn unread(scenario: &ScenarioReport) -> impl Iterator<Item = Reason> {
    let harmed = scenario.joins.iter().filter(|join| join.in_gap > 0);
    harmed.map(|join| Reason {
        scenario: Some(scenario.name.clone()),
        step: None,
        kind: None,
        message: format!(
            "{} of {} awaited records could not be observed: {} {}",
            join.in_gap,
            join.expected,
            join.name,
            unreadable(join)
        ),
    })
}

/// The sources that ended for good before the campaign did.
///
/// Those of joins are counted: neither a limit of evidence nor evidence that was lost hides one. What is read beside
/// them has only its evidence.
pub(super) fn failed_sources(figures: &ScenarioFigures, evidence: &[&Evidence]) -> Option<ScenarioProblem> {
    let evidence: Vec<Evidence> =
        evidence.iter().filter(|one| one.kind == FailureKind::Source).map(|one| (*one).clone()).collect();
    let of_joins = figures.joins.values().filter_map(|join| {
        let (name, why) = (&join.name, join.failed.as_deref()?);
        let prefix = format!("{name}: ");
        let message = if why.starts_with(&prefix) { why.to_owned() } else { prefix + why };
        Some((name.clone(), message))
    });
    let mut failed: Vec<(String, String)> = of_joins.collect();
    for one in &evidence {
        let name = one.source.clone().unwrap_or_default();
        if !failed.iter().any(|(known, _)| *known == name) {
            failed.push((name, one.message.clone()));
        }
    }
    let (_, first) = failed.first()?;
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    let message = match names.len() {
        1 => first.clone(),
        several => format!("{several} sources failed: {}; for example: {first}", names.join(", ")),
    };
    Some(ScenarioProblem {
        name: "sources".to_owned(),
        kind: FailureKind::Source,
        count: names.len() as u64,
        message,
        evidence,
    })
}

/// Whether a problem is the failure of sources, each of which is named already with what could not be observed.
pub(super) fn is_named(scenario: &ScenarioReport, problem: &ScenarioProblem) -> bool {
    let failed = || scenario.joins.iter().filter(|join| join.failed.is_some());
    let is_of_join = |evidence: &Evidence| failed().any(|join| Some(&join.name) == evidence.source.as_ref());
    problem.kind == FailureKind::Source
        && failed().all(|join| join.in_gap > 0)
        && problem.evidence.iter().all(is_of_join)
}

/// Whether something failed that no source had to see: a step beyond what its source could not read, or a problem
/// that is not the failure of a source.
pub(super) fn is_certain_to_fail(scenario: &ScenarioReport) -> bool {
    scenario.steps.iter().any(|step| step.headline.is_some())
        || scenario.problems.iter().any(|problem| !is_named(scenario, problem))
}

/// `could not be read 12:00:03.120-12:00:05.004 UTC: connection reset by peer`
fn unreadable(join: &JoinFigures) -> String {
    if let Some(failed) = &join.failed {
        let since = join.gaps.iter().find(|gap| gap.to.is_none());
        let since = since.map_or_else(String::new, |gap| format!(" {}", gap.interval()));
        return format!(
            "could not be read{since}: {}",
            failed.trim_start_matches(&format!("{}: ", join.name))
        );
    }
    let named: Vec<String> = join.gaps.iter().take(NAMED).map(Gap::text).collect();
    let more = match join.gaps_total.saturating_sub(named.len() as u64) {
        0 => String::new(),
        more => format!(", and {more} times more"),
    };
    format!("could not be read {}{more}", named.join(", "))
}

/// What of a step's failures only says that its source could not read: all of them are a consequence and no failure
/// of the system, or some are and the headline says how many.
pub(super) fn fold(step: &mut StepReport, joins: &[&JoinFigures]) {
    let in_gap = step.figures.in_gap;
    let Some(headline) = step.headline.take_if(|_| in_gap > 0) else { return };
    let failures: u64 = step.failures.iter().map(|failure| failure.count).sum();
    let records = if in_gap == 1 { "1 record" } else { &format!("{in_gap} records") };
    if failures > in_gap {
        step.headline = Some(format!("{headline}; of these {records} could not be observed"));
        return;
    }
    let source = joins.iter().find(|join| join.in_gap > 0);
    let why = source.map_or_else(String::new, |join| format!(": {} {}", join.name, unreadable(join)));
    step.cause = Some(format!("{records} could not be observed{why}"));
}

/// Gaps that harmed nothing, and passing events.
pub(super) fn warnings(scenario: &ScenarioReport) -> Vec<String> {
    let mut warnings = Vec::new();
    for join in &scenario.joins {
        let place = format!("{}: {}", scenario.name, join.name);
        if !join.gaps.is_empty() && join.failed.is_none() {
            let lost = if join.gaps.iter().any(Gap::loses_records) {
                "what came meanwhile may be lost"
            } else {
                "what came meanwhile was read afterwards"
            };
            warnings.push(format!("{place}: {}; {lost}", unreadable(join)));
        }
        for (code, notice) in &join.notices {
            let times =
                if notice.count == 1 { String::new() } else { format!(" {} times, first", notice.count) };
            warnings.push(format!(
                "{place}: {code}{times} at {} UTC: {}",
                notice.first.time_of_day(),
                notice.message
            ));
        }
        if join.before_expected > 0 {
            let keys = if join.before_expected == 1 {
                "1 key was"
            } else {
                &format!("{} keys were", join.before_expected)
            };
            warnings.push(format!(
                "{place}: {keys} expected only after a record of it had come; expect a key before the request goes out"
            ));
        }
    }
    warnings
}

/// Counts that must add up and do not: an error of this program, which makes all figures doubtful.
pub(super) fn imbalances(input: &JudgeInput<'_>) -> Vec<Reason> {
    // What was lost on the way has no sums.
    if *input.ending != Ending::Completed {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    for planned in &input.plan.scenarios {
        let Some(figures) = input.aggregate.scenario(&planned.name) else { continue };
        // A replay runs one of them.
        let hosted = if input.replay { 1 } else { u64::from(planned.minions) };
        let messages = minions(figures, hosted).into_iter().chain(ledgers(figures));
        reasons.extend(messages.map(|message| Reason {
            scenario: Some(planned.name.clone()),
            step: None,
            kind: None,
            message: format!("internal error, please report it: {message}"),
        }));
    }
    reasons
}

fn minions(figures: &ScenarioFigures, planned: u64) -> Option<String> {
    let ScenarioFigures { released, dropped, unreleased, ended, .. } = figures;
    let adds_up = released + dropped + unreleased == planned && ended == released;
    (!adds_up).then(|| {
        format!(
            "of {planned} minions {released} were released, {dropped} dropped and {unreleased} not released, and \
             {ended} ended"
        )
    })
}

fn ledgers(figures: &ScenarioFigures) -> impl Iterator<Item = String> {
    figures.joins.values().flat_map(|join| {
        let keys = join.keys_of_known_outcome();
        let records = join.records_of_known_outcome();
        let wrong_keys = (keys != i128::from(join.expected)).then(|| {
            format!(
                "{}: {} keys were awaited, and {} matched, {} late, {} missing, {} absent, {} abandoned",
                join.name, join.expected, join.matched, join.late, join.missing, join.absent, join.abandoned
            )
        });
        let wrong_records = (records != i128::from(join.records)).then(|| {
            format!(
                "{}: {} records were read, and {} taken, {} duplicates, {} orphans, {} undecodable, {} of abandoned \
                 keys",
                join.name,
                join.records,
                join.taken,
                join.duplicates,
                join.orphans,
                join.undecodable,
                join.abandoned_records
            )
        });
        wrong_keys.into_iter().chain(wrong_records)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balanced() -> JoinFigures {
        JoinFigures {
            name: "orders".into(),
            expected: 10,
            matched: 5,
            late: 2,
            missing: 1,
            absent: 1,
            abandoned: 1,
            records: 15,
            taken: 8,
            duplicates: 1,
            orphans: 2,
            undecodable: 3,
            abandoned_records: 1,
            ..JoinFigures::default()
        }
    }

    fn said(change: impl FnOnce(&mut JoinFigures)) -> Vec<String> {
        let mut join = balanced();
        change(&mut join);
        ledgers(&ScenarioFigures { joins: [(0, join)].into(), ..ScenarioFigures::default() }).collect()
    }

    #[test]
    fn a10_each_count_of_keys_and_records_is_part_of_a_sum() {
        assert_eq!(said(|_| {}), [""; 0]);
        let keys: [fn(&mut JoinFigures); 6] = [
            |join| join.expected += 1,
            |join| join.matched += 1,
            |join| join.late += 1,
            |join| join.missing -= 1,
            |join| join.absent += 1,
            |join| join.abandoned += 1,
        ];
        for change in keys {
            assert!(said(change)[0].contains("keys were awaited"), "{:?}", said(change));
        }
        let records: [fn(&mut JoinFigures); 6] = [
            |join| join.records += 1,
            |join| join.taken += 1,
            |join| join.duplicates += 1,
            |join| join.orphans += 1,
            |join| join.undecodable += 1,
            |join| join.abandoned_records += 1,
        ];
        for change in records {
            assert!(said(change)[0].contains("records were read"), "{:?}", said(change));
        }
        assert_eq!(
            said(|join| join.matched = 4),
            ["orders: 10 keys were awaited, and 4 matched, 2 late, 1 missing, 1 absent, 1 abandoned"]
        );
    }

    #[test]
    fn minions_are_released_dropped_or_not_released_and_all_released_ones_end() {
        let figures = |released, dropped, unreleased, ended| ScenarioFigures {
            released,
            dropped,
            unreleased,
            ended,
            ..ScenarioFigures::default()
        };
        assert_eq!(minions(&figures(7, 2, 1, 7), 10), None);
        assert_eq!(minions(&figures(1, 0, 0, 1), 1), None);
        assert!(minions(&figures(1, 0, 0, 1), 10).is_some(), "law 3: one minion is not ten");
        assert!(minions(&figures(7, 2, 0, 7), 10).is_some());
        assert!(minions(&figures(10, 0, 0, 9), 10).is_some());
    }
}
