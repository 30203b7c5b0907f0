//! Runs as real systems make them: executions that depend on each other, several modes, pauses, and a
//! machine that is another one each time.

use crate::{Measure, Run, ScenarioRun, Share, Subject, SubjectKind};
use qalipsis_model::histogram::Histogram;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// A system under test, and the machine it runs on.
#[derive(Debug, Clone, Copy)]
pub(super) struct System {
    /// Executions of each step in a run.
    pub(super) executions: usize,
    /// How much runs differ from each other, as a standard deviation on a logarithmic scale.
    pub(super) between_runs: f64,
    /// How much executions follow their predecessor, from 0 to below 1.
    pub(super) memory: f64,
    /// The share of executions that take the slow way.
    pub(super) slow_share: f64,
    /// Pauses per run, each of which hits thirty executions in a row.
    pub(super) pauses: f64,
    /// The share of a run in which something else keeps the machine busy, so that everything waits, the load
    /// generator too.
    pub(super) busy: f64,
}

pub(super) const QUIET: System =
    System { executions: 500, between_runs: 0.02, memory: 0.0, slow_share: 0.0, pauses: 0.0, busy: 0.0 };
pub(super) const AUTOCORRELATED: System = System { memory: 0.9, ..QUIET };
pub(super) const TWO_MODES: System = System { slow_share: 0.2, ..QUIET };
pub(super) const PAUSING: System = System { memory: 0.7, pauses: 1.0, ..QUIET };
pub(super) const NOISY: System = System { between_runs: 0.08, memory: 0.7, ..QUIET };

/// What was changed in the system.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    /// Everything takes this many times as long.
    pub(super) slower: f64,
    /// This share of executions takes ten times as long.
    pub(super) much_slower: f64,
    /// This share of executions fails.
    pub(super) failing: f64,
}

pub(super) const HEALTHY: Fault = Fault { slower: 1.0, much_slower: 0.0, failing: 0.0 };

pub(super) fn dice(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A run of a scenario whose first step has the fault and whose second has not.
pub(super) fn run(system: System, fault: Fault, dice: &mut ChaCha8Rng) -> Run {
    let shift = system.between_runs * normal(dice);
    let subjects = vec![
        step("place", 8e6, system, fault, shift, dice),
        step("search", 20e6, system, HEALTHY, shift, dice),
        step("verify", 1e3, system, HEALTHY, shift, dice),
    ];
    let duration = Duration::from_secs_f64(5.5 * (1.0 + 0.01 * normal(dice)));
    let scenario = ScenarioRun {
        name: "shop".into(),
        load: "500 minions at once".into(),
        duration,
        release_lag: release_lag(system),
        subjects,
    };
    Run { label: "run".into(), scenarios: vec![scenario] }
}

fn step(
    name: &str,
    typical_ns: f64,
    system: System,
    fault: Fault,
    shift: f64,
    dice: &mut ChaCha8Rng,
) -> Subject {
    let mut times = Histogram::default();
    // Each step has its own part of the difference between runs.
    let shift = shift + 0.5 * system.between_runs * normal(dice);
    let (mut drift, mut failures) = (normal(dice), 0);
    let mut paused = 0;
    for execution in 0..system.executions {
        drift = system.memory * drift + (1.0 - system.memory.powi(2)).sqrt() * normal(dice);
        if dice.random_bool((system.pauses / system.executions as f64).min(1.0)) {
            paused = 30;
        }
        let mut ns = typical_ns * (shift + 0.15 * drift).exp() * fault.slower;
        if dice.random_bool(system.slow_share) {
            ns *= 6.0;
        }
        if dice.random_bool(fault.much_slower) {
            ns *= 10.0;
        }
        if (execution as f64) < system.busy * system.executions as f64 {
            ns += 60e6 * dice.random::<f64>();
        }
        if paused > 0 {
            ns += f64::from(paused) * 3e6;
            paused -= 1;
        }
        if dice.random_bool(fault.failing) {
            failures += 1;
        } else {
            times.record(ns as u64);
        }
    }
    let count = system.executions as u64;
    Subject {
        kind: SubjectKind::Step,
        name: name.into(),
        count,
        times: vec![(Measure::ResponseTime, times.clone()), (Measure::ServiceTime, times)],
        shares: vec![(Measure::ErrorRate, Share { hits: failures, of: count })],
    }
}

fn release_lag(system: System) -> Histogram {
    let mut lag = Histogram::default();
    let busy = (system.busy * system.executions as f64) as u64;
    lag.record_n(150_000, system.executions as u64 - busy);
    lag.record_n(30_000_000, busy);
    lag
}

/// A value of the standard normal distribution (Box and Muller 1958).
fn normal(dice: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (dice.random(), dice.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}
