//! The shop as a process of its own, next to the scenario that starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    shop::main()
}
