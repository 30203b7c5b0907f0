//! Where the runner's own text goes: results to standard output, errors to standard error.

use crate::error::Error;
use crate::printing::Color;
use qalipsis_report::console::Style;
use qalipsis_report::text::one_line;
use std::io::{self, IsTerminal, Write};
use terminal_size::{Width, terminal_size};

/// Columns when the width of the terminal is unknown.
const WIDTH: u16 = 110;

/// What standard output can show.
pub fn style(color: Color) -> Style {
    Style {
        color: color.wanted(io::stdout().is_terminal()),
        unicode: speaks_unicode(),
        width: terminal_size().map_or(WIDTH, |(Width(columns), _)| columns),
    }
}

/// Writes a result to standard output.
///
/// # Errors
/// [`Error::Output`]; not when the reader went away, as `| head` does.
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if is_gone(&error) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Whether the reader is gone: a pipe without a reader, or a terminal that was closed.
fn is_gone(error: &io::Error) -> bool {
    /// `EIO`, which has no kind of its own.
    const TERMINAL_IS_GONE: i32 = 5;
    error.kind() == io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(TERMINAL_IS_GONE)
}

/// Writes one error to standard error.
pub fn error(text: &str, color: Color) {
    line_of("error:", "1;31", &one_line(text), color);
}

/// Writes an error to standard error, one line for each thing that is wrong.
pub fn print_error(error: &Error, color: Color) {
    error.lines().iter().for_each(|line| line_of("error:", "1;31", line, color));
}

/// Writes a warning to standard error, on one line.
pub fn warn(text: &str, color: Color) {
    line_of("warning:", "1;33", &one_line(text), color);
}

fn line_of(label: &str, code: &str, line: &str, color: Color) {
    let mut err = io::stderr().lock();
    let painted = color.wanted(err.is_terminal()).then(|| format!("\x1b[{code}m{label}\x1b[0m"));
    // Without standard error only the exit code is left.
    let _ = writeln!(err, "{} {line}", painted.as_deref().unwrap_or(label));
}

/// Whether the locale's character set is UTF-8; without any locale it is, as in most CI.
pub(crate) fn speaks_unicode() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    set.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
