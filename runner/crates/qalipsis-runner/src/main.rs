//! The command `qalipsis`.

use qalipsis_runner::cli::{self, Parsed};
use qalipsis_runner::error::Error;
use qalipsis_runner::output;
use qalipsis_runner::printing::Color;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let (color, outcome) = match cli::parse(arguments) {
        Parsed::Run(invocation) => (invocation.color, run(&invocation)),
        Parsed::Show(text) => (Color::Auto, output::print(&text).map(|()| 0)),
        Parsed::Refused(error) => (Color::Auto, Err(error)),
    };
    ExitCode::from(outcome.unwrap_or_else(|error| {
        output::print_error(&error, color);
        error.exit_code()
    }))
}

fn run(invocation: &cli::Invocation) -> Result<u8, Error> {
    // Nothing here is heavy: the load is made by the scenario executables.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Error::Internal(format!("failed to start the runtime: {e}")))?;
    let outcome = runtime.block_on(qalipsis_runner::execute(invocation));
    // A blocking read that is no longer awaited must not keep the process.
    runtime.shutdown_background();
    outcome
}
