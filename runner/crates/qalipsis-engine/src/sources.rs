//! Worlds and sources: opened before the load, drained after it, on a runtime of their own.

use crate::cores::workers;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use qalipsis_core::meter::Meter;
use qalipsis_core::meters::{Instrument, Instruments};
use qalipsis_core::scenario::{Iterations, Scenario};
use qalipsis_core::setup::{SetupContext, SetupError};
use qalipsis_core::source::SourceContext;
use qalipsis_core::warm_up::Targets;
use qalipsis_join::ledger::{LedgerControl, source_evidence};
use qalipsis_minion::fault::Fault;
use qalipsis_minion::panics;
use qalipsis_minion::state::ScenarioContext;
use qalipsis_model::criterion::{Criterion, Limit, Quantity, Subject};
use qalipsis_model::duration::human;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{FactoryPlan, PropertyValues, Stop};
use qalipsis_profile::profile::Completion;
use qalipsis_recorder::clock;
use std::fmt;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

/// How long sources may take to end once asked.
const STOP_LIMIT: Duration = Duration::from_secs(1);
/// How long worlds that are being opened may take to end when the campaign is stopped before they are open.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// How often it is looked whether they have ended.
const CLOSE_TICK: Duration = Duration::from_millis(5);

/// A scenario whose world is open.
pub(crate) struct Opened {
    pub(crate) iterations: Iterations,
    pub(crate) completion: Completion,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

/// All running sources of a factory.
pub(crate) struct Sources {
    /// `None` only once ended.
    runtime: Option<Runtime>,
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
    ledgers: Vec<(usize, Arc<dyn LedgerControl>)>,
    meters: Vec<Watched>,
    instruments: Vec<(usize, Arc<dyn Instrument>)>,
    /// The sources and probes whose readiness is being awaited.
    awaited: Vec<Running>,
}

/// A probe that is being read.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub(crate) scenario: usize,
    pub(crate) meter: Arc<Meter>,
    /// How long a criterion gives it to drain; `None` without such a criterion.
    drain_limit: Option<Duration>,
}

/// The longest time that a criterion gives this meter to drain.
fn drain_limit(criteria: &[Criterion], meter: &str) -> Option<Duration> {
    let limits = criteria.iter().filter_map(|criterion| {
        match (&criterion.subject, criterion.quantity, criterion.limit) {
            (
                Subject::Meter(name),
                Quantity::Drain,
                Limit::AtMost(ns) | Limit::Below(ns) | Limit::Between(_, ns),
            ) if name == meter => Some(Duration::from_nanos(ns as u64)),
            _ => None,
        }
    });
    limits.max()
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("running", &self.running.len()).finish_non_exhaustive()
    }
}

/// A world that is being opened.
struct Opening {
    setup: Arc<SetupContext>,
    completion: Completion,
    criteria: Vec<Criterion>,
    world: JoinHandle<Result<Iterations, SetupError>>,
    targets: Targets,
}

/// A world that is being opened, for whoever has to explain or end it.
struct Begun {
    scenario: String,
    world: AbortHandle,
    targets: Targets,
}

/// Opens the worlds, starts what they joined and waits until all is positioned, or until it is stopped.
pub(crate) async fn open(
    worlds: impl Iterator<Item = (&Scenario, PropertyValues, Arc<ScenarioContext>)>,
    plan: &FactoryPlan,
    mut stopping: watch::Receiver<Option<Stop>>,
) -> Result<(Sources, Vec<Opened>), Vec<NotReady>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("sources")
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let (stop, source_stopping) = watch::channel(false);
    let deadline = clock::after(Instant::now(), plan.campaign.limits.warm_up);
    let opening: Vec<Opening> = worlds
        .zip(&plan.campaign.scenarios)
        .map(|((scenario, values, context), planned)| {
            let setup = Arc::new(SetupContext {
                source: SourceContext {
                    campaign: plan.campaign.key.clone(),
                    factory: plan.factory.clone(),
                    scenario: context.name.clone(),
                },
                scenario: context,
                stop: source_stopping.clone(),
                sources: Mutex::new(Vec::new()),
                meters: Mutex::new(Vec::new()),
                instruments: Instruments::new(workers(plan)),
            });
            let targets = Targets::default();
            let world = caught(scenario.open(values, Arc::clone(&setup)));
            let world = runtime.spawn(targets.follow(world));
            let completion = planned.profile.at_end();
            Opening { setup, completion, criteria: planned.criteria.clone(), world, targets }
        })
        .collect();
    let begun: Vec<Begun> = opening
        .iter()
        .map(|opening| Begun {
            scenario: opening.setup.scenario.name.clone(),
            world: opening.world.abort_handle(),
            targets: opening.targets.clone(),
        })
        .collect();
    // From here on the runtime belongs to what can be dropped anywhere.
    let mut sources = Sources {
        stop,
        running: Vec::new(),
        ledgers: Vec::new(),
        meters: Vec::new(),
        instruments: Vec::new(),
        awaited: Vec::new(),
        runtime: Some(runtime),
    };
    let mut scenarios = Vec::new();
    let failed = tokio::select! {
        failed = sources.warm_up(opening, &mut scenarios, deadline, plan) => failed,
        () = asked(&mut stopping, Stop::Graceful) => {
            let mut unfinished = unopened(&begun);
            unfinished.extend(sources.unready());
            close(&begun, &mut stopping).await;
            unfinished
        }
    };
    if failed.is_empty() && stopping.borrow().is_none() {
        return Ok((sources, scenarios));
    }
    dispose(scenarios).await;
    sources.end().await;
    Err(failed)
}

/// The world of a scenario, whose panics are failures with their place.
async fn caught(
    mut opening: BoxFuture<'static, Result<Iterations, SetupError>>,
) -> Result<Iterations, SetupError> {
    let polled = std::future::poll_fn(|cx| match panics::catch(|| opening.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(outcome)) => Poll::Ready(outcome),
        Err(panic) => {
            let message = format!("opening the world panicked at {}: {}", panic.place, panic.message);
            Poll::Ready(Err(SetupError::new(message)))
        }
    });
    polled.await
}

/// Worlds that are not open, for a campaign that is stopped now.
fn unopened(begun: &[Begun]) -> Vec<NotReady> {
    let open = begun.iter().filter(|begun| !begun.world.is_finished());
    let report = |begun: &Begun| {
        let name = &begun.scenario;
        let waited = begun.targets.waited_for();
        let waited = waited.map_or_else(String::new, |target| format!(", it waited for {target}"));
        NotReady {
            scenario: Some(name.clone()),
            message: format!("World::open of {name} was still running{waited}"),
        }
    };
    open.map(report).collect()
}

/// Cancels worlds that are being opened, and waits until what they hold is dropped; not for one that blocks its thread,
/// and not when the user asks again.
async fn close(begun: &[Begun], stopping: &mut watch::Receiver<Option<Stop>>) {
    begun.iter().for_each(|begun| begun.world.abort());
    let ended = async {
        while begun.iter().any(|begun| !begun.world.is_finished()) {
            tokio::time::sleep(CLOSE_TICK).await;
        }
    };
    tokio::select! {
        _ = tokio::time::timeout(CLOSE_LIMIT, ended) => {}
        () = asked(stopping, Stop::Hard) => {}
    }
}

/// Returns when the campaign is stopped at least so.
async fn asked(stopping: &mut watch::Receiver<Option<Stop>>, how: Stop) {
    // Its guard must not outlive this line: whoever asks would wait for it.
    let gone = stopping.wait_for(|stop| *stop >= Some(how)).await.is_err();
    if gone {
        std::future::pending().await
    }
}

/// Drops worlds where they may block, in the order in which they were opened.
pub(crate) async fn dispose(worlds: Vec<Opened>) {
    if !worlds.is_empty() {
        let dropping = tokio::task::spawn_blocking(move || drop(worlds));
        // A panic of a destructor was printed.
        let _ = tokio::time::timeout(CLOSE_LIMIT, dropping).await;
    }
}

async fn opened(
    mut world: JoinHandle<Result<Iterations, SetupError>>,
    targets: &Targets,
    deadline: Instant,
    plan: &FactoryPlan,
) -> Result<Iterations, String> {
    match tokio::time::timeout_at(deadline, &mut world).await {
        Ok(Ok(Ok(iterations))) => Ok(iterations),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(panic)) => Err(match panic.try_into_panic() {
            Ok(payload) => format!("opening the world panicked: {}", panics::message(&*payload)),
            Err(_) => "opening the world was cancelled".to_owned(),
        }),
        Err(_elapsed) => {
            let waited = targets.waited_for();
            world.abort();
            let waited = waited.map_or_else(
                || "what it waited for is not known".to_owned(),
                |target| format!("it waited for {target}"),
            );
            Err(format!(
                "the world was not open after {} (campaign.limits.warm-up), {waited}",
                human(plan.campaign.limits.warm_up)
            ))
        }
    }
}

/// A source from its start to its end.
#[derive(Clone)]
struct Running {
    scenario: Arc<ScenarioContext>,
    name: String,
    ready: watch::Receiver<bool>,
    /// Where its records go; `None` for a probe.
    ledger: Option<Arc<dyn LedgerControl>>,
    /// Why it ended before it was ready.
    failure: Arc<Mutex<Option<String>>>,
    /// Whether it has ended.
    ended: Arc<watch::Sender<bool>>,
}

impl Running {
    /// Waits until the source is ready; else says why it is not.
    async fn positioned(&self, deadline: Instant, plan: &FactoryPlan) -> Result<(), String> {
        let name = &self.name;
        let mut ready = self.ready.clone();
        match tokio::time::timeout_at(deadline, ready.wait_for(|ready| *ready)).await {
            Ok(Ok(_)) => Ok(()),
            // The source dropped its feed: it is ending, and returns why.
            Ok(Err(_)) => {
                let mut ended = self.ended.subscribe();
                let _ = tokio::time::timeout_at(deadline, ended.wait_for(|ended| *ended)).await;
                let failure = self.failure.lock().take();
                Err(failure.unwrap_or_else(|| format!("{name}: ended before it was ready")))
            }
            Err(_elapsed) => Err(format!(
                "{name}: was not ready after {} (campaign.limits.warm-up)",
                human(plan.campaign.limits.warm_up)
            )),
        }
    }

    async fn run(self, source: impl Future<Output = Result<(), Fault>> + Send + 'static) {
        self.read(source).await;
        self.ended.send_replace(true);
    }

    async fn read(&self, source: impl Future<Output = Result<(), Fault>> + Send + 'static) {
        let task = tokio::spawn(source);
        let ending = AbortOnDrop(task.abort_handle());
        let mut fault = match task.await {
            Ok(Ok(())) => return,
            Ok(Err(fault)) => fault,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => Fault::error(format!("panicked: {}", panics::message(&*payload))),
                Err(_) => return,
            },
        };
        drop(ending);
        let message = format!("{}: {}", self.name, fault.message);
        if *self.ready.borrow() {
            if let Some(ledger) = &self.ledger {
                ledger.failed(&fault.message);
            }
            fault.kind = FailureKind::Source;
            fault.source = Some(self.name.clone());
            fault.message = message;
            source_evidence(&self.scenario, None, fault);
        } else {
            *self.failure.lock() = Some(message);
        }
    }
}

/// Ends the inner task of a source when the outer one is aborted.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Sources {
    /// Waits until the worlds are open and starts what they joined; gives what could not get ready.
    async fn warm_up(
        &mut self,
        opening: Vec<Opening>,
        scenarios: &mut Vec<Opened>,
        deadline: Instant,
        plan: &FactoryPlan,
    ) -> Vec<NotReady> {
        let mut failed = Vec::new();
        let opening = opening.into_iter().map(|opening| async move {
            let Opening { setup, completion, criteria, world, targets } = opening;
            (setup, completion, criteria, opened(world, &targets, deadline, plan).await)
        });
        for (setup, completion, criteria, world) in join_all(opening).await {
            let scenario = &setup.scenario;
            let not_ready = |message| NotReady { scenario: Some(scenario.name.clone()), message };
            match world {
                Ok(iterations) => scenarios.push(Opened { iterations, completion }),
                Err(message) => {
                    failed.push(not_ready(message));
                    continue;
                }
            }
            let mut started = Vec::new();
            let instruments = setup.instruments.opened();
            let mut names: Vec<String> = instruments.iter().map(|own| own.name().to_owned()).collect();
            self.instruments.extend(instruments.into_iter().map(|own| (scenario.index, own)));
            for source in std::mem::take(&mut *setup.sources.lock()) {
                self.ledgers.push((scenario.index, Arc::clone(&source.ledger)));
                started.push((source.name, source.ready, source.run, Some(source.ledger)));
            }
            for meter in std::mem::take(&mut *setup.meters.lock()) {
                let name = meter.meter.name().to_owned();
                if names.contains(&name) {
                    failed.push(not_ready(format!("there are two meters '{name}', rename one")));
                }
                let limit = drain_limit(&criteria, &name);
                names.push(name);
                self.meters.push(Watched {
                    scenario: scenario.index,
                    meter: Arc::clone(&meter.meter),
                    drain_limit: limit,
                });
                started.push((meter.name, meter.ready, meter.run, None));
            }
            for (name, ready, run, ledger) in started {
                let running = Running {
                    scenario: Arc::clone(scenario),
                    name,
                    ready,
                    ledger,
                    failure: Arc::default(),
                    ended: Arc::new(watch::Sender::new(false)),
                };
                let Some(task) = self.spawn(running.clone().run(run)) else { continue };
                self.running.push(task);
                self.awaited.push(running);
            }
        }
        // All at once: a consumer group takes seconds, and several would use up the limit one after the other.
        let positioning = self.awaited.iter().map(|running| async move {
            let positioned = running.positioned(deadline, plan).await;
            positioned.map_err(|message| NotReady { scenario: Some(running.scenario.name.clone()), message })
        });
        failed.extend(join_all(positioning).await.into_iter().filter_map(Result::err));
        self.awaited.clear();
        failed
    }

    /// What is not positioned, for a campaign that is stopped now.
    fn unready(&self) -> impl Iterator<Item = NotReady> {
        self.awaited.iter().filter(|running| !*running.ready.borrow()).map(|running| {
            let (name, scenario) = (&running.name, &running.scenario.name);
            NotReady {
                scenario: Some(scenario.clone()),
                message: format!("{name} of {scenario} was not ready yet"),
            }
        })
    }

    pub(crate) fn ledgers(&self) -> Vec<(usize, Arc<dyn LedgerControl>)> {
        self.ledgers.clone()
    }

    /// Runs something where the sources run.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Option<JoinHandle<()>> {
        self.runtime.as_ref().map(|runtime| runtime.spawn(task))
    }

    pub(crate) fn meters(&self) -> Vec<Watched> {
        self.meters.clone()
    }

    pub(crate) fn instruments(&self) -> Vec<(usize, Arc<dyn Instrument>)> {
        self.instruments.clone()
    }

    /// Whether a criterion still gives a backlog time to drain, `since` the last minion ended.
    ///
    /// A reading from before that proves nothing: it may not have seen the last iterations.
    pub(crate) fn drains(&self, since: Instant) -> bool {
        let open = |watched: &Watched| watched.drain_limit.is_some_and(|limit| since.elapsed() < limit);
        self.meters.iter().any(|watched| open(watched) && !watched.meter.is_drained_since(since))
    }

    /// Whether an awaited record may still come, `waited` after the last minion.
    ///
    /// It may as long as one is overdue: for its own deadline again, and longer while the source
    /// has not read what is there or cannot read, because then the load generator is late and not the system.
    pub(crate) fn awaits(&self, waited: Duration) -> bool {
        let mut overdue = self.ledgers.iter().filter(|(_, ledger)| ledger.overdue() > 0);
        overdue.any(|(_, ledger)| {
            waited < ledger.longest_deadline() || ledger.consumer_lag() > 0 || ledger.is_interrupted()
        })
    }

    /// Whether a source has not read all that is there, or cannot read.
    pub(crate) fn is_behind(&self) -> bool {
        self.ledgers.iter().any(|(_, ledger)| ledger.consumer_lag() > 0 || ledger.is_interrupted())
    }

    /// Ends all sources and keeps the evidence of what never came.
    pub(crate) async fn end(&mut self) {
        self.stop.send_replace(true);
        let deadline = Instant::now() + STOP_LIMIT;
        // Those that ended before were awaited already.
        for mut source in self.running.drain(..).filter(|source| !source.is_finished()) {
            if tokio::time::timeout_at(deadline, &mut source).await.is_err() {
                source.abort();
            }
        }
        for (_, ledger) in &self.ledgers {
            ledger.close();
        }
    }
}

impl Drop for Sources {
    fn drop(&mut self) {
        // A runtime must not be dropped where others may wait for it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
