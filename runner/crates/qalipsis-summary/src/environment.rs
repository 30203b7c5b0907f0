//! The machine, the programs and the configuration.

use qalipsis_judge::report::Report;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the campaign ran and with what. What is not known is null or empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Environment {
    /// Version of the runner.
    pub runner: String,
    /// The crates of the scenario executables.
    pub crates: Vec<Crate>,
    /// The compiler, as `rustc --version` says it; null when the scenarios were not built by this run.
    pub rustc: Option<String>,
    /// Commit of the working directory.
    pub git_revision: Option<String>,
    /// Name of the machine.
    pub host: Option<String>,
    /// The operating system.
    pub os: String,
    /// The processor's architecture.
    pub architecture: String,
    /// The processor's model.
    pub cpu: Option<String>,
    /// Processors that the runner could use.
    pub cpus: u32,
    /// Memory of the machine.
    pub memory_bytes: Option<u64>,
    /// What was configured, by key. Secrets, and what came from `${...}`, are `***`.
    pub configuration: BTreeMap<String, String>,
}

/// A crate with its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Environment {
    pub(super) fn of(report: &Report) -> Self {
        let known = report.environment.clone();
        let crates = known.crates.into_iter().map(|c| Crate { name: c.name, version: c.version });
        Self {
            runner: known.runner,
            crates: crates.collect(),
            rustc: known.rustc,
            git_revision: report.git_revision.clone(),
            host: known.host,
            os: known.os,
            architecture: known.architecture,
            cpu: known.cpu,
            cpus: known.cpus,
            memory_bytes: known.memory_bytes,
            configuration: known.configuration,
        }
    }
}
