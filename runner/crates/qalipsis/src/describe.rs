//! `describe`: what the scenarios are, for the runner.

use crate::stderr;
use qalipsis_core::scenario::Scenario;
use qalipsis_model::description::ExecutableDescription;
use qalipsis_model::plan::CONTRACT;
use qalipsis_model::verdict::exit;
use std::io::Write;

pub(crate) fn describe(scenarios: &[Scenario]) -> ExecutableDescription {
    let (crate_name, crate_version) = scenarios.first().map_or(("", ""), Scenario::crate_id);
    ExecutableDescription {
        contract: CONTRACT,
        crate_name: crate_name.to_owned(),
        crate_version: crate_version.to_owned(),
        scenarios: scenarios.iter().map(|s| s.describe().clone()).collect(),
    }
}

pub(crate) fn print(scenarios: &[Scenario]) -> u8 {
    let printed = serde_json::to_vec(&describe(scenarios))
        .map_err(std::io::Error::other)
        .and_then(|json| std::io::stdout().lock().write_all(&json));
    match printed {
        Ok(()) => exit::OK,
        Err(error) => {
            stderr::line(format_args!("error: failed to print the description: {error}"));
            exit::INTERNAL
        }
    }
}
