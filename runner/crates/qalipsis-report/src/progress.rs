//! How far a running campaign is, in one line.

use crate::text::{counted, number};
use std::time::Duration;

/// One line about a running campaign, the same on a terminal and in a log:
/// `0:12  612 of 1000 minions released, 87 active, 4512 executions, 3 failed`.
pub fn progress_line(
    elapsed: Duration,
    active: u64,
    released: u64,
    planned: u64,
    executions: u64,
    failures: u64,
) -> String {
    let seconds = elapsed.as_secs();
    let clock = match seconds {
        0..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60),
    };
    let minions = if planned == 1 { "minion" } else { "minions" };
    format!(
        "{clock}  {} of {} {minions} released, {} active, {}, {} failed",
        number(released),
        number(planned),
        number(active),
        counted(executions, "execution"),
        number(failures),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_a_sentence() {
        assert_eq!(
            progress_line(Duration::from_secs(12), 87, 612, 1000, 45120, 3),
            "0:12  612 of 1000 minions released, 87 active, 45,120 executions, 3 failed"
        );
        assert_eq!(
            progress_line(Duration::from_millis(3_725_900), 0, 1, 1, 1, 0),
            "1:02:05  1 of 1 minion released, 0 active, 1 execution, 0 failed"
        );
    }
}
