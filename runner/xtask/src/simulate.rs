//! `cargo xtask simulate`: campaigns of the head with everything that can go wrong, each from a seed.
//!
//! What is simulated is in `runner/crates/qalipsis-head/src/simulation.rs`. The tests run 2,000 seeds; this task runs as
//! many as there is time for, or one that failed again, with all that happens in it.

use std::process::ExitCode;

use anyhow::Context;

use crate::FAILED;
use crate::workspace::{cargo, command, root};

/// The test that reads its seeds from the environment.
const TEST: &str = "simulation::seeds_keep_the_invariants";

/// Arguments of `cargo xtask simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many seeds to run, from 0
    #[arg(long, default_value_t = 100_000)]
    seeds: u64,
    /// The only seed to run, with all that happens in it
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
}

/// Runs the simulation.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut cargo = command(cargo());
    cargo.args(["test", "--quiet", "-p", "qalipsis-head", "--lib"]).current_dir(root());
    match options.seed {
        // One is over before anything else could be built.
        Some(seed) => cargo.env("QALIPSIS_TEST_SEED", seed.to_string()),
        None => cargo.arg("--release").env("QALIPSIS_TEST_SEEDS", options.seeds.to_string()),
    };
    cargo.args(["--", "--exact", "--nocapture", TEST]);
    let status = cargo.status().context("failed to run cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo is content with a test that is not there.
    #[test]
    fn the_test_that_is_run_exists() {
        let file = root().join("runner/crates/qalipsis-head/src/simulation.rs");
        let name = TEST.rsplit("::").next().unwrap();
        assert!(std::fs::read_to_string(file).unwrap().contains(&format!("\nfn {name}()")));
    }
}
