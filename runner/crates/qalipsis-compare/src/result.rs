//! What came out of a comparison.

use super::location::DistributionPart;
use super::run::{Measure, Share, SubjectKind};
use qalipsis_model::histogram::Histogram;
use std::time::Duration;

/// A run compared with earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What the earlier runs are known by, those of another load left out.
    pub baselines: Vec<String>,
    /// What the current run is known by.
    pub current: String,
    /// The scenarios that could be compared, in the order of the current run.
    pub scenarios: Vec<ScenarioComparison>,
    /// What limits the comparison: new and gone scenarios, runs that were left out.
    pub notes: Vec<String>,
    /// How much noisier the earlier runs were than a quiet machine is; 1 for one baseline.
    pub noise: f64,
}

/// A scenario compared with earlier runs of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioComparison {
    /// Name.
    pub name: String,
    /// The number of earlier runs that it was compared with.
    pub baselines: usize,
    /// Steps and sources of joins, in the order of the current run.
    pub subjects: Vec<SubjectComparison>,
    /// New and gone steps.
    pub notes: Vec<String>,
}

/// A step or source compared with earlier runs of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectComparison {
    /// What it is.
    pub kind: SubjectKind,
    /// Name.
    pub name: String,
    /// All earlier runs together.
    pub before: Figures,
    /// The current run.
    pub after: Figures,
    /// What was judged.
    pub changes: Vec<Change>,
}

/// What was measured of a step or source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Executions or records.
    pub count: u64,
    /// How long that took.
    pub duration: Duration,
    /// How long what succeeded took, the one to show first.
    pub times: Vec<(Measure, Histogram)>,
    /// What did not go well.
    pub shares: Vec<(Measure, Share)>,
}

impl Figures {
    /// Executions or records per second.
    pub fn per_second(&self) -> f64 {
        let seconds = self.duration.as_secs_f64();
        if seconds > 0.0 { self.count as f64 / seconds } else { 0.0 }
    }

    /// The durations of a measure.
    pub fn times(&self, measure: Measure) -> Option<&Histogram> {
        self.times.iter().find(|(m, _)| *m == measure).map(|(_, times)| times)
    }

    /// The share of a measure.
    pub fn share(&self, measure: Measure) -> Option<Share> {
        self.shares.iter().find(|(m, _)| *m == measure).map(|(_, share)| *share)
    }
}

/// One figure, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What is measured.
    pub measure: Measure,
    /// Of times: of which part of the distribution.
    pub part: Option<DistributionPart>,
    /// In the earlier runs: nanoseconds, a share from 0 to 1, or a number per second.
    pub before: f64,
    /// In the current run.
    pub after: f64,
    /// From which figure on a change for the worse would have been noticed.
    pub noticed_from: f64,
    /// The probability that chance alone makes such a difference somewhere among all that was asked.
    pub chance: f64,
    /// What follows.
    pub verdict: Verdict,
}

/// What follows from a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Worse, beyond noise, and enough to matter.
    Regression,
    /// Better, beyond noise, and enough to matter.
    Improvement,
    /// Neither.
    Unchanged,
}

impl Verdict {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Improvement => "improvement",
            Self::Unchanged => "unchanged",
        }
    }
}

impl SubjectComparison {
    /// What follows from all its changes: one regression is a regression.
    pub fn verdict(&self) -> Verdict {
        for verdict in [Verdict::Regression, Verdict::Improvement] {
            if self.of(verdict).next().is_some() {
                return verdict;
            }
        }
        Verdict::Unchanged
    }

    /// The changes with this verdict.
    pub fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.verdict == verdict)
    }
}

impl Comparison {
    /// Whether anything got worse.
    pub fn regressed(&self) -> bool {
        self.subjects().any(|(_, subject)| subject.verdict() == Verdict::Regression)
    }

    /// Every step and source, with its scenario.
    pub fn subjects(&self) -> impl Iterator<Item = (&ScenarioComparison, &SubjectComparison)> {
        self.scenarios.iter().flat_map(|scenario| scenario.subjects.iter().map(move |s| (scenario, s)))
    }

    /// How many figures were judged; nothing is shown by a comparison without any.
    pub fn judged(&self) -> usize {
        self.subjects().map(|(_, subject)| subject.changes.len()).sum()
    }
}
