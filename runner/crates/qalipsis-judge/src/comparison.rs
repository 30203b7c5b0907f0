//! The verdict on a campaign that was compared with a baseline.

use crate::report::{Reason, Report};
use qalipsis_compare::{Comparison, Verdict};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::verdict::{Status, exit};

impl Report {
    /// Takes in how the campaign compares with earlier runs: what got worse is a cause of its failure.
    ///
    /// A campaign that runs, was aborted or is invalid stays so: its figures are not those of a complete run, and are not
    /// compared.
    pub fn apply_comparison(&mut self, comparison: Comparison) {
        if matches!(self.status, Status::Running | Status::Aborted | Status::Invalid) {
            return;
        }
        if comparison.judged() == 0 {
            self.warnings.push(
                "nothing was compared with the baseline: the scenarios are new, or too few executions succeeded"
                    .to_owned(),
            );
            if self.status == Status::Successful {
                self.status = Status::Warning;
            }
        }
        let worse = comparison.subjects().filter_map(|(scenario, subject)| {
            Some(Reason {
                scenario: Some(scenario.name.clone()),
                step: Some(subject.name.clone()),
                kind: Some(FailureKind::Regression),
                message: subject.sentence(Verdict::Regression)?,
            })
        });
        let worse: Vec<Reason> = worse.collect();
        if !worse.is_empty() {
            self.status = Status::Failed;
            self.reasons.extend(worse);
        }
        self.comparison = Some(comparison);
    }

    /// Whether only the comparison with a baseline failed.
    pub fn only_regressed(&self) -> bool {
        self.status == Status::Failed
            && !self.reasons.is_empty()
            && self.reasons.iter().all(|reason| reason.kind == Some(FailureKind::Regression))
    }

    /// The verdict as people read it: `FAILED (regression)` when only the comparison failed.
    pub fn verdict(&self) -> String {
        if self.only_regressed() { format!("{} (regression)", self.status) } else { self.status.to_string() }
    }

    /// The exit code of the campaign.
    pub fn exit_code(&self, fail_on_warning: bool) -> u8 {
        if self.has_internal_errors {
            return exit::INTERNAL;
        }
        let warned = fail_on_warning && !self.warnings.is_empty();
        if self.only_regressed() && !warned {
            exit::REGRESSION
        } else {
            self.status.exit_code(fail_on_warning)
        }
    }
}
