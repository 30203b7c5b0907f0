//! Where a campaign ran and with what: all that is needed to repeat it, or to compare it with another.

use std::collections::BTreeMap;

/// The machine, the programs and the configuration of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// Version of the runner.
    pub runner: String,
    /// The crates of the scenario executables.
    pub crates: Vec<CrateVersion>,
    /// The compiler, as `rustc --version` says it; `None` when the scenarios were not built by this run.
    pub rustc: Option<String>,
    /// Name of the machine, where it is known.
    pub host: Option<String>,
    /// The operating system, as people know it; may be empty.
    pub os: String,
    /// The processor's architecture: `x86_64`.
    pub architecture: String,
    /// The processor's model, where it is known.
    pub cpu: Option<String>,
    /// Processors that this process may use.
    pub cpus: u32,
    /// Memory of the machine, where it is known.
    pub memory_bytes: Option<u64>,
    /// What was configured, by key; secrets are `***`.
    pub configuration: BTreeMap<String, String>,
}

/// A crate with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrateVersion {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}
