//! Releases minions at their intended instants.
//!
//! A thread of its own, because the timer wheel of the async runtime rounds to 1 ms and waits
//! behind whatever runs there.

use crate::minions::Load;
use qalipsis_model::plan::{FactoryPlan, Stop};
use qalipsis_profile::overload::Overload;
use qalipsis_recorder::recorder::Recorder;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The longest sleep, so that a stop is noticed.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// One minion to be started by a worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Release {
    pub(crate) scenario: usize,
    pub(crate) minion: u32,
    /// How long after the start of the load it is intended, pauses left out.
    pub(crate) after: Duration,
}

/// What releases must pass.
pub(crate) struct Gate {
    /// By scenario.
    pub(crate) policies: Vec<Overload>,
    /// Where dropped minions are counted.
    pub(crate) figures: Arc<Recorder>,
}

impl Gate {
    /// Whether a minion of this scenario may be released now. Counts it otherwise, and stops the load when
    /// the policy asks for that.
    fn passes(&self, scenario: usize, load: &Load) -> bool {
        let (policy, active) = (self.policies[scenario], load.active(scenario));
        if !policy.exceeded(active) {
            return true;
        }
        self.figures.scenario(scenario, |figures| {
            figures.dropped += 1;
            if matches!(policy, Overload::Abort(_)) {
                figures.overloaded = figures.overloaded.max(Some(active));
            }
        });
        load.closed(scenario, 1);
        if matches!(policy, Overload::Abort(_)) {
            load.stop(Stop::Graceful);
        }
        false
    }

    /// Counts minions that the load was stopped before.
    fn withhold(&self, scenario: usize, minions: u64, load: &Load) {
        self.figures.scenario(scenario, |figures| figures.unreleased += minions);
        load.closed(scenario, minions);
    }
}

/// Starts the thread. Workers get minions in turns.
pub(crate) fn spawn(plan: &FactoryPlan, load: Arc<Load>, workers: Vec<mpsc::Sender<Release>>, gate: Gate) {
    let runtime = Handle::current();
    let scenarios: Vec<_> =
        plan.scenarios().map(|(scenario, share)| (scenario.clone(), share.segment)).collect();
    let pace = move || {
        let mut launches: Vec<_> =
            scenarios.iter().map(|(s, segment)| s.profile.launches(s.minions, *segment).peekable()).collect();
        let mut turn = 0;
        loop {
            let next = launches
                .iter_mut()
                .enumerate()
                .filter_map(|(scenario, launches)| launches.peek().map(|launch| (launch.at, scenario)))
                .min();
            let Some((at, scenario)) = next else { return };
            if !sleep_until(at, &load, &runtime) {
                break;
            }
            let Some(launch) = launches[scenario].next() else { return };
            if !gate.passes(scenario, &load) {
                continue;
            }
            load.opened(scenario);
            let release = Release { scenario, minion: launch.minion, after: launch.at };
            if workers[turn % workers.len()].blocking_send(release).is_err() {
                gate.withhold(scenario, 1, &load);
            }
            turn += 1;
        }
        // Stopped: the rest is not released.
        for (scenario, rest) in launches.into_iter().enumerate() {
            gate.withhold(scenario, rest.count() as u64, &load);
        }
    };
    std::thread::Builder::new().name("pacing".into()).spawn(pace).expect("a thread can be started");
}

/// Sleeps until so long after the start, while the load is paused as well. False when the load was stopped before.
fn sleep_until(after: Duration, load: &Load, runtime: &Handle) -> bool {
    loop {
        if load.stopped().is_some() {
            return false;
        }
        if load.course.is_paused() {
            runtime.block_on(load.course.resumed());
            continue;
        }
        let left = load.course.instant(after).saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(LONGEST_SLEEP));
    }
}
