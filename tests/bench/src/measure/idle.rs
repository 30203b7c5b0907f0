//! Memory of minions that sleep in a step.

use crate::child;
use crate::table::{Figure, Goal, Row, median};
use anyhow::Context;
use bench::Load;
use qalipsis::prelude::*;

#[derive(Steps)]
enum Idle {
    Sleep,
}

pub(crate) fn rows(rounds: usize) -> anyhow::Result<Vec<Row>> {
    [100_000, 1_000_000]
        .into_iter()
        .map(|minions: u32| {
            let mut resident = Vec::new();
            for _ in 0..rounds {
                let (printed, _cpu) = child::run(&mut child::part(&["idle-minions", &minions.to_string()])?)?;
                let [bytes] = child::numbers(&printed)?;
                resident.push(bytes / f64::from(minions));
            }
            Ok(Row {
                measure: format!("memory per idle minion, of {minions}"),
                result: Figure { value: median(resident), unit: "bytes" },
                reference: None,
                goal: Some(Goal::AtMost(3_072.0)),
            })
        })
        .collect()
}

/// Prints the resident bytes that the minions add once all of them sleep.
pub(crate) async fn part(minions: u32) -> anyhow::Result<()> {
    let scenario = Scenario::new("idle", open, sleep).minions(minions);
    let empty = resident()?;
    let mut full = None;
    Load::default()
        .run(scenario, |figures| {
            let all = figures.released == u64::from(minions);
            // The figures are asked again while minions end.
            if all && full.is_none() {
                full = Some(resident());
            }
            all
        })
        .await?;
    let full = full.context("the minions ended before they were counted")??;
    println!("{}", full.saturating_sub(empty));
    Ok(())
}

async fn open(_setup: Setup) -> Result<(), SetupError> {
    Ok(())
}

async fn sleep(minion: Minion<Idle>, _world: Arc<()>) -> Outcome {
    minion
        .step(Idle::Sleep, async {
            tokio::time::sleep(secs(3_600)).await;
            Ok::<_, Fault>(())
        })
        .await
}

/// Bytes of this process that are in memory.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS in /proc/self/status")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}
