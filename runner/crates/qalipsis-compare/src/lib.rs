//! Whether a run is worse than earlier ones of the same load: the comparison with a baseline.
//!
//! The unit of chance is the run, not the execution: executions of one run share its machine, its caches and
//! its neighbours, so that a test over them takes every hiccup for a regression. Each run is reduced to one
//! figure per step and measure (`location`, `scale`); how much that figure differs between runs of the same
//! system is learned from several baselines (`noise`); a change counts when it stands out of that noise
//! after correction for the number of questions asked (`holm`) and is large enough to matter.
//! The reasons, the literature and the measured error rates are in `runner/docs/baseline.md`.

mod decide;
mod disturbance;
mod holm;
mod location;
mod noise;
mod render;
mod result;
mod run;
mod scale;

#[cfg(test)]
mod tests;

pub use decide::{compare, mismatch};
pub use location::DistributionPart;
pub use result::{Change, Comparison, Figures, ScenarioComparison, SubjectComparison, Verdict};
pub use run::{Measure, Run, ScenarioRun, Share, Subject, SubjectKind, load};
