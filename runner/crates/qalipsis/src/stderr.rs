//! Lines on standard error.

use std::fmt::Display;
use std::io::Write;

/// Writes one line. Without standard error nobody reads it, and only the exit code is left: `eprintln!` would panic.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
