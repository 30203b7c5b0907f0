//! What became of the keys that were awaited: the figures add up, and every output shows all of them.

use crate::text::number;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::report::ScenarioReport;
use qalipsis_model::snapshot::JoinFigures;
use std::fmt;

/// `awaited = matched + late + missing + abandoned`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) awaited: u64,
    pub(crate) matched: u64,
    pub(crate) late: u64,
    pub(crate) missing: u64,
    pub(crate) abandoned: u64,
}

/// The titles of [`Ledger::counts`].
pub(crate) const TITLES: [&str; 5] = ["awaited", "matched", "late", "missing", "abandoned"];

impl Ledger {
    pub(crate) fn of(join: &JoinFigures, scenario: &ScenarioReport) -> Self {
        let steps = || join.steps.iter().filter_map(|index| scenario.steps.get(*index as usize));
        let matched = steps().map(|s| s.figures.latency.as_deref().map_or(0, Histogram::count)).sum();
        let of_kind = |kind| steps().map(|step| step.figures.of_kind(kind)).sum();
        let (late, missing) = (of_kind(FailureKind::JoinLate), of_kind(FailureKind::JoinMissing));
        let abandoned = join.expected.saturating_sub(matched + late + missing);
        Self { awaited: join.expected, matched, late, missing, abandoned }
    }

    pub(crate) fn counts(self) -> [u64; 5] {
        [self.awaited, self.matched, self.late, self.missing, self.abandoned]
    }
}

impl fmt::Display for Ledger {
    /// `1000 awaited = 988 matched + 3 late + 9 missing + 0 abandoned`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [awaited, outcomes @ ..] = self.counts().map(number);
        write!(f, "{awaited} awaited")?;
        for (index, (count, title)) in outcomes.iter().zip(&TITLES[1..]).enumerate() {
            write!(f, " {} {count} {title}", if index == 0 { '=' } else { '+' })?;
        }
        Ok(())
    }
}
