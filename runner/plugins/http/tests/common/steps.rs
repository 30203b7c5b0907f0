//! Runs one iteration of a minion outside of an engine, and gives what it left.

use futures::future::BoxFuture;
use qalipsis_core::clock::Clock;
use qalipsis_core::minion::Minion;
use qalipsis_core::model::evidence::Evidence;
use qalipsis_core::model::plan::LoadShare;
use qalipsis_core::scenario::{Iterate, Scenario};
use qalipsis_core::setup::{Setup, SetupContext, SetupError};
use qalipsis_core::source::SourceContext;
use qalipsis_core::step::Outcome;
use qalipsis_core::steps::{Monitor, StepSpec, Steps};
use qalipsis_http::Http;
use qalipsis_minion::state::{MinionState, ScenarioContext, Worker};
use qalipsis_recorder::evidence::EvidenceKeeper;
use qalipsis_recorder::recorder::Recorder;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

#[derive(Clone, Copy)]
pub(crate) enum Call {
    First,
    Second,
}

impl Steps for Call {
    const CRATE: (&'static str, &'static str) = ("tests", "");
    const ALL: &'static [StepSpec] = &[
        StepSpec { name: "first", description: "", monitor: Monitor::None, optional: false },
        StepSpec { name: "second", description: "", monitor: Monitor::None, optional: false },
    ];

    fn index(self) -> u32 {
        self as u32
    }
}

/// A scenario whose world is one client.
pub(crate) struct Stage {
    context: Arc<ScenarioContext>,
    iterate: Iterate,
    evidence: mpsc::Receiver<Evidence>,
    worker: Arc<Worker>,
}

impl Stage {
    pub(crate) async fn new(
        client: Http,
        iterate: impl Fn(Minion<Call>, Arc<Http>) -> BoxFuture<'static, Outcome> + Clone + Send + Sync + 'static,
    ) -> Self {
        let open = move |_setup: Setup<()>| std::future::ready(Ok::<_, SetupError>(client.clone()));
        let scenario = Scenario::new("tests", open, iterate);
        let (keeper, evidence) = EvidenceKeeper::new(5);
        let context = Arc::new(ScenarioContext {
            index: 0,
            name: "tests".to_owned(),
            steps: scenario.steps(),
            seed: 1,
            key: "test".to_owned(),
            campaign: 1,
            clock: Clock::start(),
            zone: None,
            evidence: Arc::new(keeper),
            off_worker: Arc::new(Recorder::new([2])),
            active: Default::default(),
            share: LoadShare::WHOLE,
            minions: 1,
            iteration_limit: Duration::from_secs(60),
            replay: None,
        });
        let (_stop, stop) = tokio::sync::watch::channel(false);
        let name = || "tests".to_owned();
        let setup = Arc::new(SetupContext {
            scenario: Arc::clone(&context),
            source: SourceContext { campaign: name(), factory: name(), scenario: name() },
            stop,
            sources: Default::default(),
            meters: Default::default(),
            instruments: Default::default(),
        });
        let iterate = scenario.open(Default::default(), setup).await.unwrap().iterate;
        Self { context, iterate, evidence, worker: Arc::new(Worker::new(0, Recorder::new([2]))) }
    }

    pub(crate) fn minion(&self, index: u32) -> Arc<MinionState> {
        Arc::new(MinionState::new(Arc::clone(&self.context), Arc::clone(&self.worker), index))
    }

    pub(crate) async fn iterate(&self, minion: &Arc<MinionState>) -> Outcome {
        minion.begin(0, Duration::ZERO);
        (self.iterate)(Arc::clone(minion)).await
    }

    /// The evidence of the one failure so far.
    pub(crate) fn evidence(&mut self) -> Evidence {
        self.evidence.try_recv().expect("a failure was recorded")
    }
}
