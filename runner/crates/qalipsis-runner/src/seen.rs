//! What a campaign saw of one iteration, compared with its replay.

use crate::iteration::Target;
use qalipsis_judge::report::Report;
use qalipsis_model::snapshot::ExecutionOutcome;
use qalipsis_summary::Scenario;
use qalipsis_summary::failures::{self, Known};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The outcome of one execution of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Name of the step.
    pub(crate) step: String,
    /// `None` when it was dropped before its end.
    pub(crate) outcome: Option<ExecutionOutcome>,
    /// Kind of its failure.
    pub(crate) failure: Option<String>,
}

/// How one iteration failed in its campaign.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The last failure of each step, by its name; of the iteration outside of any step, by `None`.
    failures: BTreeMap<Option<String>, String>,
    /// Whether a step without one is known to have had none.
    complete: bool,
}

impl Seen {
    /// From the list of failures beside the summary, or else from the failures that the summary has as evidence.
    pub(crate) fn of(summary: &Path, scenario: &Scenario, target: Target) -> Self {
        let list = summary.with_file_name(failures::FILE_NAME);
        match failures::of_iteration(&list, &scenario.name, target.minion, target.iteration) {
            Ok(known) => Self::listed(known),
            Err(_) => Self::kept(scenario, target),
        }
    }

    fn listed(known: Known) -> Self {
        // A record that came too late has a line for its deadline and one for its arrival.
        let last = known.failures.into_iter().map(|failed| (failed.step, failed.kind));
        Self { failures: last.collect(), complete: known.complete }
    }

    fn kept(scenario: &Scenario, target: Target) -> Self {
        let mut seen = Self { complete: true, ..Self::default() };
        let ours =
            |minion: Option<u32>, iteration| minion == Some(target.minion) && iteration == target.iteration;
        for step in &scenario.steps {
            for failure in &step.failures {
                seen.complete &= failure.count == failure.kept.len() as u64;
                if failure.kept.iter().any(|kept| ours(kept.minion, kept.iteration)) {
                    seen.failures.insert(Some(step.name.clone()), failure.kind.clone());
                }
            }
        }
        for problem in &scenario.problems {
            seen.complete &= problem.count == problem.kept.len() as u64;
            if problem.kept.iter().any(|kept| ours(kept.minion, kept.iteration)) {
                seen.failures.insert(None, problem.kind.clone());
            }
        }
        seen
    }

    /// Where the replay ended otherwise, in the order of `steps`; empty when it did nowhere.
    pub(crate) fn differences(
        &self,
        steps: &[String],
        replayed: &[Replayed],
        report: &Report,
    ) -> Vec<String> {
        let mut differences = Vec::new();
        for step in steps {
            let executions: Vec<&Replayed> = replayed.iter().filter(|one| one.step == *step).collect();
            let kinds: BTreeSet<&str> = executions.iter().filter_map(|one| one.failure.as_deref()).collect();
            let seen = self.failures.get(&Some(step.clone())).map(String::as_str);
            let difference = match (seen, kinds.is_empty(), executions.is_empty()) {
                (Some(seen), true, true) => {
                    format!("the replay did not reach it, the campaign saw {seen}")
                }
                (Some(seen), true, false) => format!("the replay succeeded, the campaign saw {seen}"),
                (Some(seen), false, _) if !kinds.contains(seen) => {
                    format!("the replay saw {}, the campaign saw {seen}", joined(&kinds))
                }
                (None, false, _) if self.complete => {
                    format!("the replay saw {}, the campaign saw no failure", joined(&kinds))
                }
                (None, false, _) => {
                    format!("the replay saw {}, the campaign lists no failure of it", joined(&kinds))
                }
                _ => continue,
            };
            differences.push(format!("step '{step}': {difference}"));
        }
        let outside = report.scenarios.iter().any(|scenario| !scenario.problems.is_empty());
        if let Some(seen) = self.failures.get(&None).filter(|_| !outside) {
            differences.push(format!("outside of any step: the replay succeeded, the campaign saw {seen}"));
        }
        differences
    }

    /// Whether it is known how the iteration ended.
    pub(crate) fn is_known(&self) -> bool {
        self.complete || !self.failures.is_empty()
    }
}

fn joined(kinds: &BTreeSet<&str>) -> String {
    kinds.iter().copied().collect::<Vec<_>>().join(" and ")
}

/// Data files of the replay whose content is not that of the campaign, as text.
pub(crate) fn changed_files(then: &Scenario, report: &Report) -> Vec<String> {
    let now = report.scenarios.iter().flat_map(|scenario| &scenario.data_files);
    let changed = now.filter(|(name, digest)| {
        let before = then.data_files.iter().find(|file| file.name == **name);
        before.is_some_and(|before| before.digest != format!("{digest:016x}"))
    });
    changed
        .map(|(name, _)| {
            format!("{name} has been changed since the campaign, so its records are not the same")
        })
        .collect()
}
