//! The life of a campaign in one factory.

use crate::cores::workers;
use crate::event::Event;
use crate::forwarding::{self, EventForwarder};
use crate::health::HealthMonitor;
use crate::minions::{self, Load};
use crate::pacing::{self, Gate};
use crate::snapshots::{Snapshots, WaitingRoom};
use crate::sources::{self, Opened, Sources};
use crate::worker::{self, WorkerHandle};
use futures::future::join_all;
use qalipsis_core::scenario::Scenario;
use qalipsis_minion::active_minions::ActiveMinions;
use qalipsis_minion::replay::{self, Replay};
use qalipsis_minion::rng::fnv1a;
use qalipsis_minion::state::{MinionState, ScenarioContext, Worker};
use qalipsis_model::evidence::Evidence;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{FactoryPlan, Role, Stop};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::trace::Trace;
use qalipsis_profile::overload::Overload;
use qalipsis_recorder::clock::Clock;
use qalipsis_recorder::evidence::EvidenceKeeper;
use qalipsis_recorder::recorder::Recorder;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

/// How often differences are sent.
const SNAPSHOT_PERIOD: Duration = Duration::from_secs(1);
/// How often the end of the load is looked for.
const TICK: Duration = Duration::from_millis(20);
/// How long records are read after the last minion when nothing is overdue: duplicates come late.
const SETTLE: Duration = Duration::from_millis(300);
/// The same for a factory that counts what others have read: its own reader may poll once a second.
const LEADER_SETTLE: Duration = Duration::from_millis(1_300);
/// How long hard-stopped minions may take to be gone.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);
/// How far ahead a start may be. A head gives one that is near: if it seems further away, a wall clock was set.
const START_LIMIT: Duration = Duration::from_secs(1);

/// A factory whose worlds are open and whose sources are positioned.
#[derive(Debug)]
pub struct Factory {
    plan: FactoryPlan,
    clock: Clock,
    contexts: Vec<Arc<ScenarioContext>>,
    evidence: Arc<EvidenceKeeper>,
    kept: mpsc::Receiver<Evidence>,
    /// Executions of a replayed iteration.
    traces: mpsc::Receiver<Trace>,
    off_worker: Arc<Recorder>,
    opened: Vec<Opened>,
    /// By scenario.
    overload: Vec<Overload>,
    sources: Sources,
    health: HealthMonitor,
}

/// Controls a running factory.
#[derive(Debug, Clone)]
pub struct Handle {
    load: Arc<Load>,
}

impl Handle {
    /// Stops; a later hard stop overrides a graceful one.
    pub fn stop(&self, stop: Stop) {
        self.load.stop(stop);
    }

    /// From now on no minion is released and no iteration begins; those that run are finished.
    pub fn pause(&self) {
        self.load.course.pause();
    }

    /// No other factory awaits any record of its sources any more.
    pub fn conclude(&self) {
        self.load.conclude();
    }

    /// Goes on after a pause of this length, by which all that is still to be released is moved.
    pub fn resume(&self, paused: Duration) {
        self.load.course.resume(paused);
    }
}

/// Opens the worlds of the planned scenarios and waits until their sources are positioned.
///
/// # Errors
/// Every scenario that could not get ready, with target and cause.
pub async fn prepare(scenarios: &[Scenario], plan: FactoryPlan) -> Result<Factory, Vec<NotReady>> {
    let (_never, stopping) = watch::channel(None);
    prepare_until(scenarios, plan, stopping).await
}

/// Like [`prepare`], until `stopping` asks to stop: then what is open is closed in order, within a second.
///
/// # Errors
/// Every scenario that could not get ready, with target and cause; and of a stop, what was still being opened.
pub(crate) async fn prepare_until(
    scenarios: &[Scenario],
    plan: FactoryPlan,
    stopping: watch::Receiver<Option<Stop>>,
) -> Result<Factory, Vec<NotReady>> {
    let clock = Clock::start();
    let health = HealthMonitor::start();
    let (evidence, kept) = EvidenceKeeper::new(plan.campaign.limits.evidence);
    let evidence = Arc::new(evidence.listing(plan.campaign.limits.failures));
    let (sender, traces) = mpsc::channel(replay::CAPACITY);
    let mut planned = Vec::new();
    for (scenario, share) in plan.scenarios() {
        match scenarios.iter().find(|s| s.describe().name == scenario.name) {
            Some(found) => planned.push((scenario, found, share)),
            None => {
                return Err(vec![NotReady {
                    scenario: Some(scenario.name.clone()),
                    message: "this executable has no such scenario; it was rebuilt after it was described"
                        .into(),
                }]);
            }
        }
    }
    let off_worker = Arc::new(Recorder::new(planned.iter().map(|(_, s, _)| s.steps().len())));
    let contexts: Vec<Arc<ScenarioContext>> = planned
        .iter()
        .enumerate()
        .map(|(index, (planned, scenario, share))| {
            Arc::new(ScenarioContext {
                index,
                name: planned.name.clone(),
                steps: scenario.steps(),
                seed: plan.campaign.seed,
                key: plan.campaign.key.clone(),
                campaign: fnv1a(plan.campaign.key.as_bytes()),
                clock,
                zone: plan.zone.clone(),
                evidence: Arc::clone(&evidence),
                off_worker: Arc::clone(&off_worker),
                active: Arc::new(ActiveMinions::new(share.segment.hosted(planned.minions))),
                share: *share,
                minions: planned.minions,
                iteration_limit: plan.campaign.limits.iteration,
                replay: plan.replay.clone().map(|replay| Replay::new(replay, sender.clone())),
            })
        })
        .collect();
    let worlds = planned.iter().zip(&contexts).map(|((planned, scenario, _), context)| {
        (*scenario, planned.properties.clone(), Arc::clone(context))
    });
    let overload = planned
        .iter()
        .map(|(planned, scenario, _)| planned.overload.unwrap_or(scenario.describe().overload))
        .collect();
    let (sources, opened) = sources::open(worlds, &plan, stopping).await?;
    Ok(Factory {
        plan,
        clock,
        contexts,
        evidence,
        kept,
        traces,
        off_worker,
        opened,
        overload,
        sources,
        health,
    })
}

impl Factory {
    /// Closes everything without having run any load.
    pub async fn close(mut self) {
        self.sources.end().await;
        sources::dispose(std::mem::take(&mut self.opened)).await;
    }

    /// Runs the load from `start` on. Events come until [`Event::Ended`] or [`Event::Stuck`].
    pub fn run(self, start: Timestamp) -> (Handle, mpsc::Receiver<Event>) {
        let (events, received) = mpsc::channel(1024);
        let count = workers(&self.plan);
        let recorder = || Recorder::new(self.contexts.iter().map(|c| c.steps.len()));
        let worker = |index: usize| {
            Arc::new(Worker::new(index as u32, recorder()).with_events(self.plan.campaign.events))
        };
        let workers: Vec<Arc<Worker>> = (0..count).map(worker).collect();
        // Closing checks run where the sources run, and are counted on their own.
        let closer = worker(count);
        let start = begins(&self.clock, start, Instant::now());
        let active = self.contexts.iter().map(|context| Arc::clone(&context.active)).collect();
        let load = Arc::new(Load::new(&self.plan, active, start));
        let handle = Handle { load: Arc::clone(&load) };
        tokio::spawn(self.drive(workers, closer, load, start, events));
        (handle, received)
    }

    async fn drive(
        mut self,
        workers: Vec<Arc<Worker>>,
        closer: Arc<Worker>,
        load: Arc<Load>,
        start: Instant,
        events: mpsc::Sender<Event>,
    ) {
        self.health.load_starts();
        let mut snapshots = Snapshots::new(
            &self.contexts,
            workers.iter().chain([&closer]).cloned().collect(),
            Arc::clone(&self.off_worker),
            Arc::clone(&self.evidence),
            &self.sources,
            self.health,
        );
        let room = WaitingRoom::default();
        let forwarder = EventForwarder::of(workers.iter().chain([&closer]).cloned());
        let threads: Vec<WorkerHandle> = workers
            .iter()
            .map(|worker| worker::spawn(Arc::clone(worker), &self.contexts, &self.opened, Arc::clone(&load)))
            .collect();
        let mut closing = Some(self.closing(&closer));
        let mut checking = None;
        // The worlds live in the workers and the closing checks from here on, and end with them.
        self.opened.clear();
        pacing::spawn(
            &self.plan,
            Arc::clone(&load),
            threads.iter().map(|t| t.launches.clone()).collect(),
            Gate { policies: std::mem::take(&mut self.overload), figures: Arc::clone(&self.off_worker) },
        );

        let limit = self.plan.campaign.limits.factory_silence;
        let mut tick = tokio::time::interval(TICK);
        let mut second = tokio::time::interval_at(start + SNAPSHOT_PERIOD, SNAPSHOT_PERIOD);
        // One snapshot has all of a time in which none was taken.
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut forwarding = tokio::time::interval(forwarding::PERIOD);
        let mut is_finished = false;
        let mut ended_at: Option<Instant> = None;
        let mut cancelled_at: Option<Instant> = None;
        loop {
            tokio::select! {
                Some(evidence) = self.kept.recv() => {
                    if events.send(Event::Evidence(Box::new(evidence))).await.is_err() { return; }
                }
                Some(trace) = self.traces.recv() => {
                    if events.send(Event::Trace(Box::new(trace))).await.is_err() { return; }
                }
                _ = forwarding.tick() => {
                    if forwarder.send(&events).await.is_err()
                        || forwarding::failures(&self.evidence, &events).await.is_err() { return; }
                }
                _ = second.tick(), if !room.is_full() => {
                    let snapshot = snapshots.take(self.clock.now(), !load.is_over());
                    if events.send(Event::Snapshot(snapshot, room.enter())).await.is_err() { return; }
                }
                _ = tick.tick() => {
                    if checking.as_ref().is_some_and(JoinHandle::is_finished) { break; }
                    if let Some(who) = threads.iter().find_map(|t| t.stuck(limit, &self.contexts)) {
                        let snapshot = snapshots.take(self.clock.now(), !load.is_over());
                        let _ = events.send(Event::Snapshot(snapshot, room.enter())).await;
                        let _ = forwarder.finish(&events).await;
                        let _ = forwarding::all_failures(&self.evidence, &events).await;
                        let _ = events.send(Event::Stuck(who)).await;
                        return;
                    }
                    if load.stopped() == Some(Stop::Hard) {
                        let since = *cancelled_at.get_or_insert_with(Instant::now);
                        if load.is_over() || since.elapsed() > CANCEL_LIMIT { break; }
                    } else if load.is_over() {
                        if self.plan.is_shared() && !load.is_concluded() {
                            // What belongs to the keys of this factory may come as long as others cause records.
                            if !std::mem::replace(&mut is_finished, true)
                                && events.send(Event::Finished).await.is_err() { return; }
                            continue;
                        }
                        let since = *ended_at.get_or_insert_with(Instant::now);
                        if let Some(checks) = closing.take_if(|_| self.drained(since)) {
                            // What was stopped has no sums to check.
                            if load.stopped().is_some() { break; }
                            checking = self.sources.spawn(async move { _ = join_all(checks).await; });
                        }
                    }
                }
            }
        }
        self.sources.end().await;
        worker::end(threads).await;
        while let Ok(trace) = self.traces.try_recv() {
            if events.send(Event::Trace(Box::new(trace))).await.is_err() {
                return;
            }
        }
        while let Ok(evidence) = self.kept.try_recv() {
            if events.send(Event::Evidence(Box::new(evidence))).await.is_err() {
                return;
            }
        }
        if forwarder.finish(&events).await.is_err()
            || forwarding::all_failures(&self.evidence, &events).await.is_err()
        {
            return;
        }
        let snapshot = snapshots.take(self.clock.now(), !load.is_over());
        let _ = events.send(Event::Snapshot(snapshot, room.enter())).await;
        let _ = events.send(Event::Ended).await;
    }

    /// The closing checks, ready to run.
    fn closing(&self, closer: &Arc<Worker>) -> Vec<impl Future<Output = ()> + Send + use<>> {
        let scenarios = self.contexts.iter().zip(&self.opened).zip(&self.plan.campaign.scenarios);
        let checks = scenarios.filter_map(|((context, opened), planned)| {
            // A replay is about one iteration; the sums of all are not its matter. Of several factories one checks them.
            if self.plan.replay.is_some() || context.share.role == Role::Following {
                return None;
            }
            let check = opened.iterations.after.clone()?;
            // The index after the last minion's own.
            let minion = MinionState::new(Arc::clone(context), Arc::clone(closer), planned.minions);
            Some(minions::close(minion, check, context.iteration_limit))
        });
        checks.collect()
    }

    /// Whether it counts what other factories read as well.
    fn leads(&self) -> bool {
        self.plan.with_role(Role::Leading).next().is_some()
    }

    /// Whether no record that matters can come any more, `since` the last minion ended.
    fn drained(&self, since: Instant) -> bool {
        let waited = since.elapsed();
        // The time that a criterion gives a backlog is the user's own, and so not bounded by the drain.
        let settle = if self.leads() { LEADER_SETTLE } else { SETTLE };
        waited >= settle
            && !self.sources.drains(since)
            && (!self.leads() || !self.sources.is_behind() || waited >= self.plan.campaign.limits.drain)
            && (!self.sources.awaits(waited) || waited >= self.plan.campaign.limits.drain)
    }
}

/// When a load begins that is to start at this time.
fn begins(clock: &Clock, start: Timestamp, now: Instant) -> Instant {
    clock.instant(start).clamp(now, now + START_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_was_set_does_not_delay_the_load() {
        let clock = Clock::start();
        let now = Instant::now();
        let begins_in = |ahead: Duration| begins(&clock, clock.now().plus(ahead), now) - now;
        assert!(begins_in(Duration::from_millis(5)) < Duration::from_millis(500));
        assert_eq!(begins_in(Duration::from_secs(3_600)), START_LIMIT);
        assert_eq!(begins(&clock, Timestamp(0), now), now);
    }
}
