//! `cargo xtask bench`: the benchmarks, then one table of every measure beside its goal.
//!
//! Absolute times depend on the machine, so nothing here fails on one: where a figure can be compared with
//! another of the same run, the table does so. What is measured, and how, is in `tests/bench`.

use std::process::ExitCode;

use crate::FAILED;
use crate::step::{self, Outcome, Step};
use crate::table::summary;
use crate::workspace::root;

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Arguments for the program that measures, such as the name of a measure or `--rounds 5`
    #[arg(last = true)]
    arguments: Vec<String>,
}

const STEPS: &[Step] = &[
    Step {
        name: "oha, the reference for HTTP",
        // Does nothing when this version is there already.
        arguments: &[
            "install",
            "--quiet",
            "--locked",
            "oha",
            "--version",
            "=1.16.0",
            "--root",
            "target/tools",
        ],
        ..Step::PLAIN
    },
    Step {
        name: "runner and measuring programs",
        arguments: &["build", "--release", "-p", "qalipsis-runner", "-p", "bench"],
        ..Step::PLAIN
    },
    Step {
        name: "benchmarks",
        arguments: &[
            "bench",
            "-p",
            "bench",
            "--bench",
            "step",
            "--bench",
            "join",
            "--",
            "--quiet",
            "--warm-up-time",
            "1",
            "--measurement-time",
            "3",
        ],
        ..Step::PLAIN
    },
    Step {
        name: "measures",
        arguments: &["run", "--quiet", "--release", "-p", "bench", "--bin", "bench", "--"],
        takes_arguments: true,
        ..Step::PLAIN
    },
];

/// Runs the benchmarks, then measures and prints the table.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let outcomes = step::run_all(STEPS, &root(), &options.arguments);
    print!("{}", summary(STEPS, &outcomes));
    let passed = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Passed(_)));
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
