//! Commands run one after the other, until one fails.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::workspace::{cargo, command};

/// A command with a headline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// What it does, in the headline and the summary.
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    pub(crate) arguments: &'static [&'static str],
    /// Environment variables on top of the present ones.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// Whether arguments given after `--` go to this step.
    pub(crate) takes_arguments: bool,
    /// A build that the steps after this one need, and that the machine does meanwhile with what this step leaves idle:
    /// arguments for cargo.
    pub(crate) beside: Option<&'static [&'static str]>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Program {
    /// The cargo that runs this task.
    Cargo,
    /// A program on PATH.
    Named(&'static str),
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed(Duration),
    /// With the reason, such as an exit code.
    Failed(Duration, String),
    /// A step before it failed.
    NotRun,
}

impl Step {
    /// Cargo without arguments, which the steps begin with.
    pub(crate) const PLAIN: Self = Self {
        name: "",
        program: Program::Cargo,
        arguments: &[],
        environment: &[],
        takes_arguments: false,
        beside: None,
    };

    /// The command as one would type it.
    pub(crate) fn line(&self, extra: &[String]) -> String {
        let mut words: Vec<String> =
            self.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        words.push(match self.program {
            Program::Cargo => "cargo".to_owned(),
            Program::Named(name) => name.to_owned(),
        });
        words.extend(self.arguments.iter().map(|&argument| argument.to_owned()));
        if self.takes_arguments {
            words.extend_from_slice(extra);
        }
        words.join(" ")
    }

    fn run(&self, folder: &Path, extra: &[String]) -> Outcome {
        let program = match self.program {
            Program::Cargo => cargo(),
            Program::Named(name) => OsString::from(name),
        };
        let mut command = command(program);
        command.args(self.arguments).envs(self.environment.iter().copied()).current_dir(folder);
        if self.takes_arguments {
            command.args(extra);
        }
        let start = Instant::now();
        let beside = self.beside.and_then(|arguments| build_beside(arguments, folder));
        let outcome = match command.status() {
            Ok(status) if status.success() => Outcome::Passed(start.elapsed()),
            Ok(status) => Outcome::Failed(start.elapsed(), status.to_string()),
            Err(error) => Outcome::Failed(start.elapsed(), error.to_string()),
        };
        if let Some(mut build) = beside {
            if !matches!(outcome, Outcome::Passed(_)) {
                // Nothing follows that needs it. One that has ended by itself cannot be killed, and need not be.
                let _ = build.kill();
            }
            let _ = build.wait();
        }
        outcome
    }
}

/// A build that gets only what nobody else asks for: tests that look at the time must not see it. Whether it fails is
/// seen and shown by the step that needs it.
fn build_beside(arguments: &[&str], folder: &Path) -> Option<Child> {
    let mut command = command("nice");
    command.args(["-n", "19"]).arg(cargo()).args(arguments).arg("--quiet").current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

/// Runs `steps` in `folder`, up to the first that fails. One outcome per step.
pub(crate) fn run_all(steps: &[Step], folder: &Path, extra: &[String]) -> Vec<Outcome> {
    let mut failed = false;
    let mut outcomes = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        if failed {
            outcomes.push(Outcome::NotRun);
            continue;
        }
        println!("\n==> {}/{} {}\n    {}", index + 1, steps.len(), step.name, step.line(extra));
        let outcome = step.run(folder, extra);
        match &outcome {
            Outcome::Passed(time) => println!("<== {}: passed in {:.1} s", step.name, time.as_secs_f64()),
            Outcome::Failed(time, reason) => {
                failed = true;
                println!("<== {}: failed after {:.1} s ({reason})", step.name, time.as_secs_f64());
            }
            Outcome::NotRun => {}
        }
        outcomes.push(outcome);
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(program: &'static str, arguments: &'static [&'static str]) -> Step {
        Step {
            name: "a step",
            program: Program::Named(program),
            arguments,
            environment: &[("STEP_VARIABLE", "set")],
            takes_arguments: true,
            beside: None,
        }
    }

    #[test]
    fn nothing_runs_after_a_failure() {
        let steps = [
            step("sh", &["-c", "test \"$STEP_VARIABLE$0\" = setextra"]),
            step("sh", &["-c", "exit 3"]),
            step("sh", &["-c", "exit 0"]),
        ];
        let outcomes = run_all(&steps, Path::new("/"), &["extra".to_owned()]);
        assert!(matches!(outcomes[0], Outcome::Passed(_)), "{outcomes:?}");
        assert!(matches!(&outcomes[1], Outcome::Failed(_, reason) if reason.contains("3")), "{outcomes:?}");
        assert_eq!(outcomes[2], Outcome::NotRun);
    }

    #[test]
    fn a_program_that_is_not_there_fails_its_step() {
        let outcomes = run_all(&[step("no-such-program-anywhere", &[])], Path::new("/"), &[]);
        assert!(matches!(outcomes[0], Outcome::Failed(..)), "{outcomes:?}");
    }

    #[test]
    fn the_line_is_what_one_would_type() {
        assert_eq!(step("tool", &["do"]).line(&["it".to_owned()]), "STEP_VARIABLE=set tool do it");
    }
}
