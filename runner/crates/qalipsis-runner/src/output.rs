//! Where the runner's own text goes: results to standard output, errors to standard error.

use crate::cli::Color;
use crate::error::Error;
use std::io::{self, IsTerminal, Write};

/// Writes a result to standard output.
///
/// # Errors
/// [`Error::Output`]; not when the reader went away, as `| head` does.
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Writes an error to standard error, one line for each thing that is wrong.
pub fn complain(error: &Error, color: Color) {
    let mut err = io::stderr().lock();
    let label = if color.wanted(err.is_terminal()) { "\x1b[1;31merror:\x1b[0m" } else { "error:" };
    for line in error.lines() {
        // Without standard error there is nowhere left to complain; the exit code still tells.
        let _ = writeln!(err, "{label} {line}");
    }
}
