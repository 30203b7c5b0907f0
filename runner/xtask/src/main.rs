//! Tasks of this repository: `cargo xtask <task>`.

mod bench;
mod packages;
mod release;
mod simulate;
mod step;
mod table;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code when a step fails or a task can't do its work.
pub(crate) const FAILED: u8 = 1;

/// Exit code when the machine lacks packages that can't be installed from here. Also clap's, for wrong use.
pub(crate) const NOT_READY: u8 = 2;

/// Tasks of this repository
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Installs what is missing, then runs every check and test
    Test(test::Options),
    /// Runs the benchmarks
    Bench(bench::Options),
    /// Runs simulated campaigns with everything that can go wrong
    Simulate(simulate::Options),
    /// Packs the runner into an archive with a checksum
    Release(release::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Simulate(options) => simulate::run(&options),
        Task::Release(options) => release::run(&options),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(FAILED)
    })
}
