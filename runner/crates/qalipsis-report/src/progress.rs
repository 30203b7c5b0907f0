//! How far a running campaign is, in one line.

use crate::text::{counted, fit, number, width};
use std::time::Duration;

/// How far a running campaign is.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Since the start of the load.
    pub elapsed: Duration,
    /// Minions that were released.
    pub released: u64,
    /// Minions that the profile releases.
    pub planned: u64,
    /// Minions that were released and have not ended.
    pub active: u64,
    /// Executions that ended.
    pub executions: u64,
    /// Those that did not succeed.
    pub failures: u64,
}

impl Standing {
    /// The same on a terminal and in a log:
    /// `0:12  612 of 1000 minions released, 87 active, 4512 executions, 3 failed`.
    pub fn line(&self) -> String {
        let minions = if self.planned == 1 { "minion" } else { "minions" };
        let (released, planned) = (number(self.released), number(self.planned));
        self.text_with(&format!("{released} of {planned} {minions} released"))
    }

    /// As [`line`](Self::line), in at most so many columns: first in fewer words, then cut at its end.
    pub fn line_within(&self, columns: usize) -> String {
        let line = self.line();
        if width(&line) <= columns {
            return line;
        }
        let short = self.text_with(&format!("{}/{}", number(self.released), number(self.planned)));
        fit(&short, columns, "...")
    }

    fn text_with(&self, released: &str) -> String {
        let seconds = self.elapsed.as_secs();
        let clock = match seconds {
            0..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
            _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60),
        };
        let (active, failures) = (number(self.active), number(self.failures));
        let draining = if self.planned > 0 && self.released == self.planned && self.active == 0 {
            ", draining"
        } else {
            ""
        };
        let executions = counted(self.executions, "execution");
        format!("{clock}  {released}, {active} active, {executions}, {failures} failed{draining}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDING: Standing = Standing {
        elapsed: Duration::from_secs(12),
        released: 612,
        planned: 1000,
        active: 87,
        executions: 45_120,
        failures: 3,
    };

    #[test]
    fn it_reads_as_a_sentence() {
        assert_eq!(
            STANDING.line(),
            "0:12  612 of 1000 minions released, 87 active, 45,120 executions, 3 failed"
        );
        let one = Standing {
            elapsed: Duration::from_millis(3_725_900),
            released: 1,
            planned: 1,
            active: 0,
            executions: 1,
            failures: 0,
        };
        assert_eq!(one.line(), "1:02:05  1 of 1 minion released, 0 active, 1 execution, 0 failed, draining");
    }

    #[test]
    fn a_narrow_place_gets_fewer_words_and_then_fewer_signs() {
        assert_eq!(STANDING.line_within(200), STANDING.line());
        assert_eq!(STANDING.line_within(58), "0:12  612/1000, 87 active, 45,120 executions, 3 failed");
        assert_eq!(STANDING.line_within(30), "0:12  612/1000, 87 active,...");
    }
}
