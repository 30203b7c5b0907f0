//! The shop as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    shop::main()
}
