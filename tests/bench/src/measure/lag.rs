//! How late minions are released while the machine is at 70 % of its CPU.

use crate::child;
use crate::table::{Figure, Goal, Row, median};
use bench::{Load, cpu};
use qalipsis::prelude::*;
use qalipsis_core::model::histogram::Histogram;
use qalipsis_core::profile::segment::Segment;
use std::sync::mpsc;
use std::time::Instant;

/// How long minions are released.
const RELEASED_WITHIN: Duration = Duration::from_secs(10);
/// What one minion burns.
const BURN: Duration = Duration::from_micros(50);

#[derive(Steps)]
enum Work {
    Burn,
}

/// A figure of a run.
type Read = fn(&Lag) -> f64;

/// What one run prints.
struct Lag {
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// Of all cores, in percent.
    cpu: f64,
}

pub(crate) fn rows(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (percent, goal) in [(70, Some(Goal::AtMost(1.0))), (10, None)] {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        // In turns, so that whatever else the machine does meets both.
        for _ in 0..rounds {
            ours.push(measured("releases", percent)?);
            bare.push(measured("bare-releases", percent)?);
        }
        let column = |lags: &[Lag], of: Read| median(lags.iter().map(of).collect());
        let (used, theirs) = (column(&ours, |lag| lag.cpu), column(&bare, |lag| lag.cpu));
        let figures: [(&str, Read, Option<Goal>); 3] = [
            ("p50", |lag| lag.p50_ms, None),
            ("p99", |lag| lag.p99_ms, goal),
            ("max", |lag| lag.max_ms, None),
        ];
        for (name, of, goal) in figures {
            rows.push(Row {
                measure: format!("release lag {name} at {used:.0} % CPU"),
                result: Figure { value: column(&ours, of), unit: "ms" },
                reference: Some((
                    format!("plain threads at {theirs:.0} %"),
                    Figure { value: column(&bare, of), unit: "ms" },
                )),
                goal,
            });
        }
    }
    Ok(rows)
}

fn measured(part: &str, percent: u32) -> anyhow::Result<Lag> {
    let (printed, _cpu) = child::run(&mut child::part(&[part, &percent.to_string()])?)?;
    let [p50_ms, p99_ms, max_ms, cpu] = child::numbers(&printed)?;
    Ok(Lag { p50_ms, p99_ms, max_ms, cpu })
}

fn print(lag: &Histogram, cpu: f64) {
    let ms = |ns: Option<u64>| ns.unwrap_or_default() as f64 / 1e6;
    let (p50, p99) = (lag.percentile_ns(50.0), lag.percentile_ns(99.0));
    println!("{} {} {} {cpu}", ms(p50), ms(p99), ms(lag.max_ns()));
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How many minions burn `percent` % of all cores.
fn minions(percent: u32) -> u32 {
    (RELEASED_WITHIN * cores() as u32 * percent / 100).div_duration_f64(BURN) as u32
}

fn profile() -> Profile {
    Profile::timeframe(millis(1), RELEASED_WITHIN)
}

/// The share of all cores that this process has used since `started`, in percent.
fn share(started: Instant) -> f64 {
    cpu::of_process().div_duration_f64(started.elapsed() * cores() as u32) * 100.0
}

/// Releases minions that burn `percent` % of the CPU.
pub(crate) async fn part(percent: u32) -> anyhow::Result<()> {
    let scenario = Scenario::new("burn", open, burn).minions(minions(percent)).profile(profile());
    let started = Instant::now();
    let figures = Load::default().run(scenario, |_| false).await?;
    print(&figures.release_lag, share(started));
    Ok(())
}

/// The same load without the engine: a thread that releases, and one per core that burns. It shows
/// what this machine allows at this moment.
pub(crate) fn bare(percent: u32) -> anyhow::Result<()> {
    let started = Instant::now();
    let workers: Vec<_> = (0..cores())
        .map(|_| {
            let (release, released) = mpsc::channel::<Instant>();
            let worker = std::thread::spawn(move || {
                let mut lag = Histogram::default();
                while let Ok(intended) = released.recv() {
                    lag.record(intended.elapsed().as_nanos() as u64);
                    cpu::burn(BURN);
                }
                lag
            });
            (release, worker)
        })
        .collect();
    let start = Instant::now() + millis(50);
    for launch in profile().launches(minions(percent), Segment::WHOLE) {
        let intended = start + launch.at;
        let left = intended.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            std::thread::sleep(left);
        }
        workers[launch.minion as usize % workers.len()].0.send(intended)?;
    }
    let mut lag = Histogram::default();
    for (release, worker) in workers {
        drop(release);
        lag.merge(&worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?);
    }
    print(&lag, share(started));
    Ok(())
}

async fn open(_setup: Setup) -> Result<(), SetupError> {
    Ok(())
}

async fn burn(minion: Minion<Work>, _world: Arc<()>) -> Outcome {
    minion
        .step(Work::Burn, async {
            cpu::burn(BURN);
            Ok::<_, Fault>(())
        })
        .await
}
