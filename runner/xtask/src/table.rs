//! The summary at the end of a task.

use std::fmt::Write;

use crate::step::{Outcome, Step};

/// One line per step: what became of it, how long it took, its name.
pub(crate) fn summary(steps: &[Step], outcomes: &[Outcome]) -> String {
    let mut text = String::from("\nresult      time  step\n");
    for (step, outcome) in steps.iter().zip(outcomes) {
        let (result, time) = match outcome {
            Outcome::Passed(time) => ("passed", format!("{:.1} s", time.as_secs_f64())),
            Outcome::Failed(time, _) => ("FAILED", format!("{:.1} s", time.as_secs_f64())),
            Outcome::NotRun => ("not run", String::from("-")),
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "{result:<7} {time:>8}  {}", step.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn columns_are_aligned() {
        let step = |name| Step { name, arguments: &[], ..Step::PLAIN };
        let outcomes = [
            Outcome::Passed(Duration::from_millis(1_250)),
            Outcome::Failed(Duration::from_secs(300), "exit status: 1".to_owned()),
            Outcome::NotRun,
        ];
        assert_eq!(
            summary(&[step("format"), step("tests"), step("docs")], &outcomes),
            "\nresult      time  step\n\
             passed     1.2 s  format\n\
             FAILED   300.0 s  tests\n\
             not run        -  docs\n"
        );
    }
}
