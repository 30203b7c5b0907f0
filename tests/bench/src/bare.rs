//! The engine's parts without a campaign around them.

use qalipsis_core::clock::Clock;
use qalipsis_core::model::plan::{LoadShare, PropertyValues};
use qalipsis_core::scenario::{Iterate, Scenario};
use qalipsis_core::setup::SetupContext;
use qalipsis_core::source::{OpenSource, SourceContext};
use qalipsis_minion::state::{MinionState, ScenarioContext, Worker};
use qalipsis_recorder::evidence::EvidenceKeeper;
use qalipsis_recorder::recorder::Recorder;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// An open scenario and one worker, to be driven by hand.
pub struct Bare {
    context: Arc<ScenarioContext>,
    worker: Arc<Worker>,
    iterate: Iterate,
    /// What the world joined. Whoever wants records runs them.
    pub sources: Vec<OpenSource>,
    stop: watch::Sender<bool>,
}

impl Bare {
    /// Opens the world of `scenario`.
    ///
    /// # Panics
    /// When the world does not open.
    pub async fn open(scenario: &Scenario) -> Self {
        let (evidence, _kept) = EvidenceKeeper::new(0);
        let recorder = || Recorder::new([scenario.steps().len()]);
        let context = Arc::new(ScenarioContext {
            index: 0,
            name: scenario.describe().name.clone(),
            steps: scenario.steps(),
            seed: 1,
            key: "bench".to_owned(),
            campaign: 1,
            clock: Clock::start(),
            zone: None,
            evidence: Arc::new(evidence),
            off_worker: Arc::new(recorder()),
            active: Default::default(),
            share: LoadShare::WHOLE,
            minions: 1,
            iteration_limit: Duration::from_secs(300),
            replay: None,
        });
        let (stop, stopping) = watch::channel(false);
        let setup = Arc::new(SetupContext {
            scenario: Arc::clone(&context),
            source: SourceContext {
                campaign: "bench".into(),
                factory: "bench".into(),
                scenario: context.name.clone(),
            },
            stop: stopping,
            sources: Default::default(),
            meters: Default::default(),
            instruments: Default::default(),
        });
        let opened = scenario.open(PropertyValues::default(), Arc::clone(&setup)).await;
        let opened = opened.unwrap_or_else(|error| panic!("the world did not open: {error}"));
        let sources = std::mem::take(&mut *setup.sources.lock());
        Self { context, worker: Arc::new(Worker::new(0, recorder())), iterate: opened.iterate, sources, stop }
    }

    /// A new minion.
    pub fn minion(&self, index: u32) -> Arc<MinionState> {
        Arc::new(MinionState::new(Arc::clone(&self.context), Arc::clone(&self.worker), index))
    }

    /// One iteration of a minion.
    ///
    /// # Panics
    /// When it fails.
    pub async fn iteration(&self, minion: &Arc<MinionState>) {
        minion.begin(0, Duration::ZERO);
        if let Err(failed) = (self.iterate)(Arc::clone(minion)).await {
            panic!("{failed}");
        }
    }

    /// Empties the recorder, as the engine does every second.
    pub fn drain(&self) {
        let _figures = self.worker.recorder.drain();
    }
}

impl std::fmt::Debug for Bare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bare").field("scenario", &self.context.name).finish_non_exhaustive()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
