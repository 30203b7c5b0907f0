//! `cargo xtask bench`: the benchmarks, then the ratios between them.
//!
//! Absolute times depend on the machine, so nothing here fails on one. What can be compared between
//! machines are ratios of two figures of the same run; those go to [`RATIOS`], each as a module of its own.

use std::process::ExitCode;

use crate::FAILED;
use crate::step::{self, Outcome, Program, Step};
use crate::table::summary;
use crate::workspace::root;

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Arguments for `cargo bench`, such as the name of a benchmark
    #[arg(last = true)]
    arguments: Vec<String>,
}

const STEPS: &[Step] = &[Step {
    name: "benchmarks",
    program: Program::Cargo,
    arguments: &["bench", "--workspace"],
    environment: &[],
    takes_arguments: true,
}];

/// A figure against another of the same run.
struct Ratio {
    /// What is compared with what, such as "requests per CPU-second against oha".
    name: &'static str,
    /// The goal; printed beside what was measured, never enforced.
    goal: f64,
    measure: fn() -> anyhow::Result<f64>,
}

/// One line per comparison.
const RATIOS: &[Ratio] = &[];

/// Runs the benchmarks, then measures and prints the ratios.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let outcomes = step::run_all(STEPS, &root(), &options.arguments);
    print!("{}", summary(STEPS, &outcomes));
    if !outcomes.iter().all(|outcome| matches!(outcome, Outcome::Passed(_))) {
        return Ok(ExitCode::from(FAILED));
    }
    for ratio in RATIOS {
        println!("{}: {:.2} (goal {:.2})", ratio.name, (ratio.measure)()?, ratio.goal);
    }
    Ok(ExitCode::SUCCESS)
}
