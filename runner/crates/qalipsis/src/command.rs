//! The command line of a scenario executable.

use crate::{describe, factory, standalone, stderr};
use clap::{Args, Parser, Subcommand};
use qalipsis_core::data;
use qalipsis_core::scenario::Scenario;
use qalipsis_model::duration;
use qalipsis_model::verdict::exit;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Parser)]
#[command(
    about = "A scenario executable of QALIPSIS; the runner `qalipsis` drives it",
    disable_help_subcommand = true
)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print what the scenarios are, as one JSON document, without running anything
    Describe,
    /// Run scenarios alone in this process and report to the console, for debugging
    Run(Run),
    /// Host minions for a head; started by the runner
    Factory(Factory),
}

#[derive(Args)]
pub(crate) struct Run {
    /// Scenarios to run; all when none is named
    pub(crate) scenarios: Vec<String>,
    /// At most so many minions of each scenario, whatever its profile
    #[arg(long, value_name = "N")]
    pub(crate) minions: Option<u32>,
    /// Only what the profiles do in this time from their start, for example 5s
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    pub(crate) time: Option<Duration>,
    /// What is logged to standard error, as RUST_LOG: debug, or warn,shop=trace
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
    /// Set a configuration key, may repeat; qalipsis.yml and the environment are read as by the runner
    #[arg(short = 'c', long, value_name = "KEY=VALUE")]
    pub(crate) configuration: Vec<String>,
    /// Read only this configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A property in every scenario that has it, may repeat
    #[arg(short = 'p', long = "property", value_name = "NAME=VALUE")]
    pub(crate) properties: Vec<String>,
    /// Seed of schedules and data [default: random, shown at the end]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Factory {
    /// Socket on which the head listens
    #[arg(long, value_name = "SOCKET")]
    pub(crate) connect: PathBuf,
    /// Name that the head gave to this factory
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
}

fn time(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("must be a time with its unit, for example 500ms, 5s or 1m".to_owned()),
    }
}

/// Runs the command line of a scenario executable: `describe`, `run` or `factory`.
///
/// Exit codes are those of the runner: 0 for a good end, 1 for a defect, 2 for wrong usage, and of
/// `run` 3 for a failed campaign and 6 for an invalid one.
pub fn main(scenarios: impl IntoIterator<Item = Scenario>) -> ExitCode {
    let scenarios: Vec<Scenario> = scenarios.into_iter().collect();
    scenarios.iter().for_each(|scenario| data::belong_to(scenario.folder()));
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Nothing is left to show when even the terminal is gone.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            stderr::line(format_args!("error: failed to start the async runtime: {error}"));
            return ExitCode::from(exit::INTERNAL);
        }
    };
    let code = match command.action {
        Action::Describe => describe::print(&scenarios),
        Action::Run(run) => runtime.block_on(standalone::run(&scenarios, &run)),
        Action::Factory(factory) => runtime.block_on(factory::run(&scenarios, &factory)),
    };
    // A thread that scenario code blocks must not keep the process.
    runtime.shutdown_background();
    ExitCode::from(code)
}
