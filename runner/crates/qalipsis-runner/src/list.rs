//! `qalipsis list`: what there is to run.

use crate::campaign;
use crate::cli::Invocation;
use crate::discovery::{Executable, select};
use crate::error::Error;
use crate::output;
use qalipsis_model::description::ExecutableDescription;
use qalipsis_model::plan::CONTRACT;
use qalipsis_model::verdict::exit;
use serde::Serialize;

/// The document of `list --json`.
#[derive(Serialize)]
struct Document<'a> {
    contract: u32,
    executables: &'a [ExecutableDescription],
}

/// Shows the scenarios that are asked for. The configuration is not even read.
///
/// # Errors
/// When executables or patterns are wrong, or there is nothing to show.
pub async fn list(invocation: &Invocation, json: bool) -> Result<u8, Error> {
    let executables = campaign::discover(invocation).await?;
    let descriptions = shown(&invocation.scenarios, &executables)?;
    output::print(&if json { document(&descriptions)? } else { qalipsis_report::list::list(&descriptions) })?;
    Ok(exit::OK)
}

fn shown(patterns: &[String], executables: &[Executable]) -> Result<Vec<ExecutableDescription>, Error> {
    let selected = select(patterns, executables)?;
    let mut descriptions: Vec<ExecutableDescription> =
        executables.iter().map(|e| e.description.clone()).collect();
    for description in &mut descriptions {
        description.scenarios.retain(|scenario| selected.iter().any(|s| s.scenario.name == scenario.name));
    }
    descriptions.retain(|description| !description.scenarios.is_empty());
    Ok(descriptions)
}

fn document(executables: &[ExecutableDescription]) -> Result<String, Error> {
    let document = Document { contract: CONTRACT, executables };
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::Internal(format!("failed to write the descriptions: {error}")))?;
    text.push('\n');
    Ok(text)
}
