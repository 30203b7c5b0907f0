//! `qalipsis compare`: one finished run against earlier ones.

use crate::baseline::{self, Baselines};
use crate::cli::{Format, Invocation};
use crate::error::Error;
use crate::output;
use crate::problem::Problem;
use qalipsis_compare::load;
use qalipsis_model::verdict::exit;
use qalipsis_report::{comparison, console};
use std::path::Path;

/// Holds a summary against a baseline, shows what came out, and gives the exit code of it.
///
/// # Errors
/// When a file cannot be compared, or there is nothing to compare.
pub fn compare(invocation: &Invocation, before: &Path, current: &Path, format: Format) -> Result<u8, Error> {
    let baselines = Baselines::read(before)?;
    let summary = baseline::read_comparable(current)?;
    let loads: Vec<(&str, String)> =
        summary.scenarios.iter().map(|s| (&*s.name, load(s.minions, &s.profile))).collect();
    baselines.check(&loads.iter().map(|(name, load)| (*name, &**load)).collect::<Vec<_>>())?;
    let outcome = baselines.against(&summary, current.display().to_string());
    if outcome.judged() == 0 {
        return Err(Problem::new(format_args!(
            "nothing could be compared: too few executions succeeded in {} or in {}",
            before.display(),
            current.display()
        ))
        .into());
    }
    output::print(&match format {
        Format::Text => console::comparison(&outcome, output::style(invocation.color)),
        Format::Markdown => comparison::markdown(&outcome),
        Format::Json => comparison::json(&outcome),
    })?;
    Ok(if outcome.regressed() { exit::REGRESSION } else { exit::OK })
}
