//! Sources and actions of a plugin, run as the engine would run them: what the tests of every plugin need.

pub mod compliance;
pub mod wire;

use qalipsis_core::clock::Clock;
use qalipsis_core::data::{AtEnd, Data};
use qalipsis_core::fault::Fault;
use qalipsis_core::meters::Instruments;
use qalipsis_core::minion::Minion;
use qalipsis_core::model::description::Monitor;
use qalipsis_core::model::evidence::{Evidence, FailureKind};
use qalipsis_core::model::plan::LoadShare;
use qalipsis_core::model::snapshot::JoinFigures;
use qalipsis_core::properties::PropertyValues;
use qalipsis_core::scenario::Scenario;
use qalipsis_core::setup::{Setup, SetupContext, SetupError};
use qalipsis_core::source::{Source, SourceContext};
use qalipsis_core::step::{Action, Outcome};
use qalipsis_core::steps::{StepSpec, Steps};
use qalipsis_join::ledger::LedgerControl;
use qalipsis_minion::state::{MinionState, ScenarioContext, Worker};
use qalipsis_recorder::evidence::EvidenceKeeper;
use qalipsis_recorder::recorder::Recorder;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// How long anything may take before a test gives up.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// A running source, and what came out of it.
pub struct Opened<R> {
    /// Its name.
    pub name: String,
    stop: watch::Sender<bool>,
    ready: watch::Receiver<bool>,
    records: mpsc::UnboundedReceiver<R>,
    evidence: mpsc::Receiver<Evidence>,
    task: JoinHandle<Result<(), Fault>>,
    ledger: Arc<dyn LedgerControl>,
}

impl<R> std::fmt::Debug for Opened<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
struct OnlyStep;

impl Steps for OnlyStep {
    const CRATE: (&'static str, &'static str) = ("plugin", "0.0.0");
    const ALL: &'static [StepSpec] =
        &[StepSpec { name: "only", description: "", monitor: Monitor::None, optional: false }];

    fn index(self) -> u32 {
        0
    }
}

fn context(scenario: &str) -> (ScenarioContext, mpsc::Receiver<Evidence>) {
    let (keeper, evidence) = EvidenceKeeper::new(5);
    let context = ScenarioContext {
        index: 0,
        name: scenario.to_owned(),
        steps: OnlyStep::ALL,
        seed: 1,
        key: "testkit".to_owned(),
        campaign: 1,
        clock: Clock::start(),
        zone: None,
        evidence: Arc::new(keeper),
        off_worker: Arc::new(Recorder::new([1])),
        active: Default::default(),
        share: LoadShare::WHOLE,
        minions: 1,
        iteration_limit: WAIT_LIMIT,
        replay: None,
    };
    (context, evidence)
}

/// Opens a world that joins `source`, and starts it. Its records are handed over as they are routed.
pub async fn open<S>(source: S) -> Opened<S::Record>
where
    S: Source,
    S::Record: Clone + Sync,
{
    let (sender, records) = mpsc::unbounded_channel();
    let source = Mutex::new(Some(source));
    let scenario = Scenario::new(
        "reading",
        move |setup: Setup| {
            let source = source.lock().unwrap().take().expect("it is opened once");
            let sender = sender.clone();
            let _ = setup.join(source, move |record: &S::Record| {
                let _ = sender.send(record.clone());
            });
            async { Ok::<_, SetupError>(()) }
        },
        |_: Minion<OnlyStep>, _| async { Outcome::Ok(()) },
    );
    let (context, evidence) = context("reading");
    let (stop, stopping) = watch::channel(false);
    let context = Arc::new(SetupContext {
        scenario: Arc::new(context),
        source: SourceContext { campaign: "c1".into(), factory: "f1".into(), scenario: "reading".into() },
        stop: stopping,
        sources: parking_lot::Mutex::new(Vec::new()),
        meters: parking_lot::Mutex::new(Vec::new()),
        instruments: Instruments::default(),
    });
    scenario.open(PropertyValues::default(), Arc::clone(&context)).await.expect("the world opens");
    let source = context.sources.lock().pop().expect("it was joined");
    Opened {
        name: source.name,
        stop,
        ready: source.ready,
        records,
        evidence,
        task: tokio::spawn(source.run),
        ledger: source.ledger,
    }
}

impl<R> Opened<R> {
    /// Waits until it is ready.
    pub async fn ready(mut self) -> Self {
        let ready =
            timeout(WAIT_LIMIT, self.ready.wait_for(|ready| *ready)).await.expect("it is ready in time");
        if ready.is_err() {
            panic!("ended instead of being ready: {:?}", self.task.await);
        }
        drop(ready);
        self
    }

    /// Why it ended without ever being ready, and after how long.
    pub async fn refusal(self) -> (Fault, Duration) {
        let began = Instant::now();
        let ended = timeout(WAIT_LIMIT, self.task).await.expect("it ends").expect("it does not panic");
        assert!(!*self.ready.borrow(), "it was ready");
        (ended.expect_err("it fails"), began.elapsed())
    }

    /// Why it ended after it was ready.
    pub async fn failure(self) -> Fault {
        let ended = timeout(WAIT_LIMIT, self.task).await.expect("it ends").expect("it does not panic");
        ended.expect_err("it fails")
    }

    /// The next record.
    pub async fn next(&mut self) -> R {
        timeout(WAIT_LIMIT, self.records.recv()).await.expect("a record arrives").expect("it runs")
    }

    /// The next record; `None` when it has ended.
    pub async fn try_next(&mut self) -> Option<R> {
        self.records.recv().await
    }

    /// The next `count` records.
    pub async fn take(&mut self, count: usize) -> Vec<R> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(self.next().await);
        }
        taken
    }

    /// The next failure that concerns the source; orphans and duplicates do not.
    pub async fn evidence(&mut self) -> Evidence {
        loop {
            let evidence = timeout(WAIT_LIMIT, self.evidence.recv()).await;
            let evidence = evidence.expect("a failure is kept").expect("it runs");
            if !matches!(evidence.kind, FailureKind::JoinOrphan | FailureKind::JoinDuplicate) {
                return evidence;
            }
        }
    }

    /// The figures since the last call.
    pub fn figures(&self) -> JoinFigures {
        self.ledger.drain()
    }

    /// Waits until its figures since this call meet a condition; gives them.
    ///
    /// # Panics
    /// When they do not in a minute; `what` names what was waited for.
    pub async fn until(&self, what: &str, met: impl Fn(&JoinFigures) -> bool) -> JoinFigures {
        let began = Instant::now();
        let mut figures = JoinFigures::default();
        loop {
            figures.merge(&self.ledger.drain());
            if met(&figures) {
                return figures;
            }
            assert!(began.elapsed() < WAIT_LIMIT, "no {what}: {figures:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops it, which must take less than the second that the engine gives; the records that nobody
    /// has taken, and how it ended.
    pub async fn stop(mut self) -> (Vec<R>, Result<(), Fault>) {
        self.stop.send_replace(true);
        let ended =
            timeout(Duration::from_secs(1), self.task).await.expect("it ends within 1 s of being stopped");
        let mut left = Vec::new();
        while let Ok(record) = self.records.try_recv() {
            left.push(record);
        }
        (left, ended.expect("it does not panic"))
    }

    /// Stops it; the records that nobody has taken, how it ended, and its figures since the last call.
    pub async fn finish(self) -> (Vec<R>, Result<(), Fault>, JoinFigures) {
        let ledger = Arc::clone(&self.ledger);
        let (left, ended) = self.stop().await;
        (left, ended, ledger.drain())
    }

    /// Stops it; how it ended, or `None` when it still ran after the second that the engine gives.
    pub async fn stop_in_time(mut self) -> Option<Result<(), Fault>> {
        self.stop.send_replace(true);
        let ended = timeout(Duration::from_secs(1), &mut self.task).await;
        self.task.abort();
        ended.ok().map(|ended| ended.expect("it does not panic"))
    }

    /// Stops it; it must have nothing left. Gives its last figures.
    pub async fn end(self) -> JoinFigures {
        let ledger = Arc::clone(&self.ledger);
        let (left, ended) = self.stop().await;
        assert_eq!(left.len(), 0, "records are left that the test did not take");
        ended.expect("it ends well");
        ledger.drain()
    }

    /// Drops it as an aborted task is dropped; gives what its thread still hands over.
    pub async fn abort(mut self) -> usize {
        self.task.abort();
        let mut left = 0;
        while timeout(WAIT_LIMIT, self.records.recv()).await.expect("its thread ends").is_some() {
            left += 1;
        }
        left
    }
}

/// Awaits `action` in a step of a minion; gives the evidence when that fails.
///
/// # Panics
/// When it fails without evidence.
pub async fn in_step<A>(action: A) -> Option<Evidence>
where
    A: Action + Send + 'static,
    A::IntoFuture: Send,
    A::Value: Send,
{
    in_step_within(action, WAIT_LIMIT).await
}

/// Like [`in_step`], with a timeout of the step.
///
/// # Panics
/// When it fails without evidence.
pub async fn in_step_within<A>(action: A, limit: Duration) -> Option<Evidence>
where
    A: Action + Send + 'static,
    A::IntoFuture: Send,
    A::Value: Send,
{
    let (context, mut evidence) = context("acting");
    let action = Arc::new(Mutex::new(Some(action)));
    let scenario = Scenario::new(
        "acting",
        |_: Setup| async { Ok::<_, SetupError>(()) },
        move |minion: Minion<OnlyStep>, _| {
            let action = action.lock().unwrap().take().expect("one iteration");
            async move {
                minion.step(OnlyStep, action).timeout(limit).await?;
                Ok(())
            }
        },
    );
    let outcome = iterate(&scenario, Arc::new(context)).await;
    let kept = evidence.try_recv().ok();
    assert_eq!(outcome.is_err(), kept.is_some());
    kept
}

/// All that one minion is dealt of `data`, in order.
///
/// # Panics
/// When a record cannot be read.
pub async fn dealt<T: Clone + Send + Sync + 'static>(data: Data<T>) -> Vec<T> {
    let (context, mut evidence) = context("taking");
    let data = Arc::new(data.at_end(AtEnd::StopMinion));
    let taken = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&taken);
    let scenario = Scenario::new(
        "taking",
        |_: Setup| async { Ok::<_, SetupError>(()) },
        move |minion: Minion<OnlyStep>, _| {
            let (data, kept) = (Arc::clone(&data), Arc::clone(&kept));
            async move {
                loop {
                    let record = data.next(&minion).await?;
                    kept.lock().unwrap().push((*record).clone());
                }
            }
        },
    );
    let _end = iterate(&scenario, Arc::new(context)).await;
    assert_eq!(evidence.try_recv().ok(), None);
    std::mem::take(&mut *taken.lock().unwrap())
}

/// One iteration of the only minion.
async fn iterate(scenario: &Scenario, context: Arc<ScenarioContext>) -> Outcome {
    let setup = Arc::new(SetupContext {
        scenario: Arc::clone(&context),
        source: SourceContext { campaign: "c1".into(), factory: "f1".into(), scenario: context.name.clone() },
        stop: watch::channel(false).1,
        sources: parking_lot::Mutex::new(Vec::new()),
        meters: parking_lot::Mutex::new(Vec::new()),
        instruments: Instruments::default(),
    });
    let iterations = scenario.open(PropertyValues::default(), setup).await.expect("the world opens");
    let worker = Arc::new(Worker::new(0, Recorder::new([1])));
    (iterations.iterate)(Arc::new(MinionState::new(context, worker, 0))).await
}
