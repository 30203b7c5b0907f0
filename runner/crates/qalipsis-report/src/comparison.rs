//! A run held against a baseline: for terminals, for Markdown, for programs.

mod json;
mod markdown;
mod run;

pub use json::{SCHEMA_VERSION, json};
pub use markdown::markdown;
pub use run::run;

use crate::text::number;
use qalipsis_compare::{Comparison, Verdict};

/// `1 of 7 steps and sources is worse, 2 are better`.
pub fn outcome(comparison: &Comparison) -> String {
    let count = |verdict| comparison.subjects().filter(|(_, s)| s.verdict() == verdict).count() as u64;
    let all = comparison.subjects().count() as u64;
    let what = if all == 1 { "step or source" } else { "steps and sources" };
    let is = |n: u64| if n == 1 { "is" } else { "are" };
    let worse = match count(Verdict::Regression) {
        0 => format!("none of {} {what} is worse", number(all)),
        n => format!("{} of {} {what} {} worse", number(n), number(all), is(n)),
    };
    match count(Verdict::Improvement) {
        0 => worse,
        n => format!("{worse}, {} {} better", number(n), is(n)),
    }
}
