//! Minions from release to end.

use crate::course::Course;
use qalipsis_core::scenario::Iterate;
use qalipsis_minion::active_minions::ActiveMinions;
use qalipsis_minion::panics;
use qalipsis_minion::spans;
use qalipsis_minion::state::{MinionState, Worker};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::plan::{FactoryPlan, Stop};
use qalipsis_model::snapshot::ExecutionOutcome;
use qalipsis_recorder::clock;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

/// The state that pacing, workers and the factory share.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) course: Course,
    /// Minions that were not released yet or have not ended, of all scenarios.
    open: AtomicU64,
    /// The same per scenario.
    hosted: Vec<Arc<ActiveMinions>>,
    /// Per scenario: minions released that have not ended.
    active: Vec<AtomicU64>,
    /// Per scenario: how long after the start minions stop repeating, pauses left out; `None` when each runs once.
    until: Vec<Option<Duration>>,
    /// Whether no other factory awaits any record any more.
    concluded: AtomicBool,
}

impl Load {
    pub(crate) fn new(plan: &FactoryPlan, hosted: Vec<Arc<ActiveMinions>>, start: Instant) -> Self {
        let scenarios = &plan.campaign.scenarios;
        Self {
            course: Course::from(start),
            open: AtomicU64::new(plan.scenarios().map(|(s, share)| share.segment.hosted(s.minions)).sum()),
            hosted,
            active: scenarios.iter().map(|_| AtomicU64::new(0)).collect(),
            until: scenarios.iter().map(|s| s.profile.repeats_until()).collect(),
            concluded: AtomicBool::new(false),
        }
    }

    pub(crate) fn stop(&self, stop: Stop) {
        self.course.stop(stop);
    }

    /// No other factory awaits any record of these scenarios any more.
    pub(crate) fn conclude(&self) {
        self.concluded.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_concluded(&self) -> bool {
        self.concluded.load(Ordering::Relaxed)
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.course.stopped()
    }

    /// Minions of this scenario that were released and have not ended.
    pub(crate) fn active(&self, scenario: usize) -> u64 {
        self.active[scenario].load(Ordering::Relaxed)
    }

    /// A minion of this scenario is released.
    pub(crate) fn opened(&self, scenario: usize) {
        self.active[scenario].fetch_add(1, Ordering::Relaxed);
    }

    /// So many minions of this scenario will not be released, or have ended.
    pub(crate) fn closed(&self, scenario: usize, minions: u64) {
        self.hosted[scenario].leave(minions);
        self.open.fetch_sub(minions, Ordering::SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.open.load(Ordering::SeqCst) == 0
    }

    /// Whether the time in which minions of this scenario repeat is over; a pause puts it off.
    pub(crate) fn has_passed(&self, scenario: usize) -> bool {
        // In this order: a pause that ends in between has moved the end already.
        !self.course.is_paused()
            && self.until[scenario].is_some_and(|until| Instant::now() >= self.course.instant(until))
    }

    /// Whether a minion of this scenario begins another iteration; while the load is paused it waits.
    async fn repeats(&self, scenario: usize) -> bool {
        if self.until[scenario].is_none() {
            return false;
        }
        self.course.resumed().await;
        self.stopped().is_none() && !self.has_passed(scenario)
    }
}

/// Counts the end of a released minion, however it ends: also when it is cancelled before it was ever polled.
pub(crate) struct EndGuard {
    load: Arc<Load>,
    worker: Arc<Worker>,
    scenario: usize,
    /// Whether its release is counted.
    begun: bool,
}

impl EndGuard {
    pub(crate) fn of(load: &Arc<Load>, worker: &Arc<Worker>, scenario: usize) -> Self {
        Self { load: Arc::clone(load), worker: Arc::clone(worker), scenario, begun: false }
    }
}

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.worker.recorder.scenario(self.scenario, |figures| {
            figures.released += u64::from(!self.begun);
            figures.ended += 1;
        });
        self.load.active[self.scenario].fetch_sub(1, Ordering::Relaxed);
        self.load.closed(self.scenario, 1);
    }
}

/// Runs the iterations of one minion that was to be released at `intended`.
pub(crate) async fn run(
    minion: MinionState,
    mut ending: EndGuard,
    iterate: Iterate,
    limit: Duration,
    intended: Instant,
) {
    let scenario = ending.scenario;
    let minion = Arc::new(minion);
    let first = minion.first_iteration();
    let mut iteration = first;
    let mut intended = intended;
    let mut failed_before = false;
    loop {
        let started = Instant::now();
        let lag = started.saturating_duration_since(intended);
        minion.begin(iteration, lag);
        if iteration == first {
            ending.begun = true;
            ending.worker.recorder.scenario(scenario, |figures| {
                figures.released += 1;
                figures.release_lag.record(lag.as_nanos() as u64);
            });
        }
        let started_at = minion.date(started);
        let outcome = run_iteration(&minion, &iterate, clock::after(started, limit)).await;
        let service = started.elapsed();
        let failed = outcome != ExecutionOutcome::Success;
        ending.worker.recorder.scenario(scenario, |figures| {
            figures.last_started = figures.last_started.max(Some(started_at));
            figures.last_ended = figures.last_ended.max(Some(started_at.plus(service)));
            let iterations = &mut figures.iterations;
            iterations.record(outcome, service.as_nanos() as u64, (service + lag).as_nanos() as u64);
            iterations.minions += u64::from(iteration == first);
            iterations.failed_minions += u64::from(failed && !failed_before);
        });
        failed_before |= failed;
        if minion.ended() || !ending.load.repeats(scenario).await {
            return;
        }
        iteration += 1;
        // A scenario that never has to wait must not keep the others of its worker from running.
        tokio::task::yield_now().await;
        intended = Instant::now();
    }
}

/// Runs the closing check of a scenario; its steps record how it went.
pub(crate) async fn close(minion: MinionState, check: Iterate, limit: Duration) {
    let minion = Arc::new(minion);
    let now = Instant::now();
    minion.begin(0, Duration::ZERO);
    run_iteration(&minion, &check, clock::after(now, limit)).await;
}

async fn run_iteration(minion: &Arc<MinionState>, iterate: &Iterate, deadline: Instant) -> ExecutionOutcome {
    let panicked = |panic: panics::Panic| {
        minion.fail_iteration(FailureKind::Panic, format!("panicked at {}: {}", panic.place, panic.message));
        ExecutionOutcome::Error
    };
    minion.polling();
    let span = spans::iteration(minion);
    let made = panics::catch(|| iterate(Arc::clone(minion)));
    minion.polled();
    let mut iteration = match made {
        Ok(iteration) => iteration,
        Err(panic) => return panicked(panic),
    };
    let polled = tokio::time::timeout_at(
        deadline,
        poll_fn(|cx| {
            minion.polling();
            let polled = span.in_scope(|| panics::catch(|| iteration.as_mut().poll(cx)));
            minion.polled();
            match polled {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(outcome)) => Poll::Ready(Ok(outcome)),
                Err(panic) => Poll::Ready(Err(panic)),
            }
        }),
    )
    .await;
    let outcome = match polled {
        Ok(Ok(Ok(()))) => ExecutionOutcome::Success,
        Ok(Ok(Err(_no_failure))) if minion.ended() => ExecutionOutcome::Success,
        Ok(Ok(Err(_recorded))) => ExecutionOutcome::Failure,
        Ok(Err(panic)) => panicked(panic),
        Err(_elapsed) => {
            minion.time_out(iteration);
            if minion.ended() { ExecutionOutcome::Success } else { ExecutionOutcome::Timeout }
        }
    };
    spans::ended(&span, outcome);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_recorder::recorder::Recorder;

    /// Whoever waits for the end of the load would wait for ever otherwise.
    #[test]
    fn a_minion_that_is_cancelled_before_its_first_poll_was_released_and_has_ended() {
        let load = Arc::new(Load {
            course: Course::from(Instant::now()),
            open: AtomicU64::new(1),
            hosted: vec![Arc::new(ActiveMinions::new(1))],
            active: vec![AtomicU64::new(0)],
            until: vec![None],
            concluded: AtomicBool::new(false),
        });
        let worker = Arc::new(Worker::new(0, Recorder::new([1])));
        load.opened(0);
        let ending = EndGuard::of(&load, &worker, 0);
        assert!(!load.is_over());
        let task = async move { drop(ending) };
        drop(task);
        assert!(load.is_over());
        let figures = worker.recorder.drain().into_iter().next().unwrap();
        assert_eq!((figures.released, figures.ended), (1, 1));
    }
}
