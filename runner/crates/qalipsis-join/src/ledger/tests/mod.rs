//! The ledger against a simple model, and its findings.

mod findings;
mod model;
mod properties;
mod threads;

use super::{Ledger, LedgerControl};
use crate::join::{Expectation, Expectations, Join, Limits, OptionalExpectation};
use futures::FutureExt;
use qalipsis_minion::current::{self, Entered};
use qalipsis_minion::execution::Execution;
use qalipsis_minion::state::{MinionState, ScenarioContext, Worker};
use qalipsis_minion::steps::StepSpec;
use qalipsis_model::description::Monitor;
use qalipsis_model::evidence::{Evidence, FailureKind};
use qalipsis_model::plan::LoadShare;
use qalipsis_model::snapshot::JoinFigures;
use qalipsis_recorder::clock::Clock;
use qalipsis_recorder::evidence::EvidenceKeeper;
use qalipsis_recorder::recorder::Recorder;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A key and a value of it.
type Record = (u8, u32);

/// The only step.
const STEP: u32 = 0;

/// A ledger, and a minion that expects its records.
struct Bench {
    ledger: Arc<Ledger<u8, Record>>,
    join: Join<u8, Record>,
    minion: Arc<MinionState>,
    evidence: mpsc::Receiver<Evidence>,
}

impl Bench {
    fn new(limits: Option<Limits>) -> Self {
        const STEPS: &[StepSpec] =
            &[StepSpec { name: "only", description: "", monitor: Monitor::None, optional: false }];
        let (keeper, evidence) = EvidenceKeeper::new(5);
        let scenario = Arc::new(ScenarioContext {
            index: 0,
            name: "s".to_owned(),
            steps: STEPS,
            seed: 1,
            key: "test".to_owned(),
            campaign: 1,
            clock: Clock::start(),
            zone: None,
            evidence: Arc::new(keeper),
            off_worker: Arc::new(Recorder::new([1])),
            active: Default::default(),
            share: LoadShare::WHOLE,
            minions: 1,
            iteration_limit: Duration::from_secs(60),
            replay: None,
        });
        let ledger = Arc::new(Ledger::new("records".into(), Arc::clone(&scenario), limits, None, |_| None));
        let worker = Arc::new(Worker::new(0, Recorder::new([1])));
        Self {
            join: Join::new(Arc::clone(&ledger)),
            ledger,
            minion: Arc::new(MinionState::new(scenario, worker, 0)),
            evidence,
        }
    }

    /// Something in the iteration of the minion, between its steps.
    fn between_steps<T>(&self, make: impl FnOnce() -> T) -> T {
        let mut current = Some(Arc::clone(&self.minion));
        let _entered = Entered::iteration(&mut current);
        make()
    }

    /// An execution of the step starts.
    fn start(&self) -> Execution {
        Execution::start(Arc::clone(&self.minion), STEP, Location::caller())
    }

    /// Awaits `expectation` in a step for as long as nothing has to happen.
    fn poll(&self, expectation: &mut Expected) -> Option<Observed> {
        let outer = current::swap(Some(self.start()));
        let polled = match expectation {
            Expected::One(one) => one.now_or_never().map(|end| end.map(|_| true)),
            Expected::Many(many) => many.now_or_never().map(|end| end.map(|_| true)),
            Expected::Optional(optional) => {
                optional.now_or_never().map(|end| end.map(|found| found.is_some()))
            }
        };
        let execution = current::swap(outer).expect("it is still there");
        Some(match polled? {
            Ok(true) => Observed::Matched(execution.latency_ns.expect("a match has a latency")),
            Ok(false) => Observed::Absent,
            Err(fault) => match fault.kind {
                FailureKind::JoinLate => Observed::Late(execution.latency_ns.expect("so has a late one")),
                FailureKind::JoinMissing => Observed::Missing,
                _ => Observed::Refused,
            },
        })
    }

    fn record(&self, key: u8, value: u32) {
        self.ledger.route(key, (key, value), Instant::now(), None);
    }

    /// The figures once the source has ended.
    fn end(&self) -> JoinFigures {
        self.ledger.close();
        self.ledger.drain()
    }
}

/// What a scenario awaits.
enum Expected {
    One(std::pin::Pin<Box<Expectation<u8, Record>>>),
    Many(std::pin::Pin<Box<Expectations<u8, Record>>>),
    Optional(std::pin::Pin<Box<OptionalExpectation<u8, Record>>>),
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Observed {
    /// After so many ns.
    Matched(u64),
    /// After so many ns.
    Late(u64),
    Missing,
    Absent,
    Refused,
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs in paused time.
fn paused<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime can be built").block_on(test)
}
