//! From the start of the runner to the first minion.

use crate::child;
use crate::table::{Figure, Goal, Row, median};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Starts in each round.
const STARTS: usize = 10;

pub(crate) fn rows(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let stamp = folder.path().join("stamp");
    let (runner, scenarios) = (child::beside("qalipsis")?, child::beside("bench-scenarios")?);
    let mut with_runner = Command::new(runner);
    with_runner
        .args(["--autostart", "--quiet", "-s", "first-minion", "--executable"])
        .arg(&scenarios)
        .arg("-c")
        .arg(format!("properties.stamp={}", stamp.display()))
        .current_dir(folder.path());
    let mut alone = Command::new(scenarios);
    alone.args(["run", "-p", &format!("stamp={}", stamp.display())]).current_dir(folder.path());

    let measure = |command: &mut Command| -> anyhow::Result<f64> {
        let mut times = Vec::new();
        for _ in 0..rounds * STARTS {
            let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
            let _printed = child::run(command)?;
            let reached = Duration::from_nanos(std::fs::read_to_string(&stamp)?.parse()?);
            times.push(reached.saturating_sub(started).as_secs_f64() * 1e3);
            std::fs::remove_file(&stamp)?;
        }
        Ok(median(times))
    };
    let (result, reference) = (measure(&mut with_runner)?, measure(&mut alone)?);
    Ok(vec![Row {
        measure: "start of the runner to the first minion".to_owned(),
        result: Figure { value: result, unit: "ms" },
        reference: Some(("executable alone".to_owned(), Figure { value: reference, unit: "ms" })),
        goal: Some(Goal::AtMost(300.0)),
    }])
}
