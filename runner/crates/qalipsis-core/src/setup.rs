//! What a scenario's world is opened with, once per factory, before any load.

use crate::join::{Join, Key, Limits};
use crate::meter::OpenMeter;
use crate::meters::{Instruments, Meters};
use crate::probe::Probe;
use crate::source::{OpenSource, Source, SourceContext};
use parking_lot::Mutex;
use qalipsis_join::ledger::Order;
pub use qalipsis_minion::setup_error::SetupError;
use qalipsis_minion::state::ScenarioContext;
use std::sync::Arc;
use tokio::sync::watch;

/// What the engine and a [`Setup`] share.
#[derive(Debug)]
pub struct SetupContext {
    /// Of the scenario.
    pub scenario: Arc<ScenarioContext>,
    /// What its sources are read for.
    pub source: SourceContext,
    /// Becomes true when sources have to end.
    pub stop: watch::Receiver<bool>,
    /// What was joined, in order.
    pub sources: Mutex<Vec<OpenSource>>,
    /// What is watched, in order.
    pub meters: Mutex<Vec<OpenMeter>>,
    /// What the scenario measures itself.
    pub instruments: Instruments,
}

/// The typed properties and meters of a scenario, and the way to follow what it triggers.
#[derive(Debug)]
pub struct Setup<P = (), M = ()> {
    /// As configured.
    pub properties: P,
    meters: M,
    context: Arc<SetupContext>,
}

impl<P, M: Meters> Setup<P, M> {
    pub(crate) fn new(properties: P, meters: M, context: Arc<SetupContext>) -> Self {
        Self { properties, meters, context }
    }

    /// Handles of the meters that the scenario declares, for the world to keep.
    pub fn meters(&self) -> M {
        self.meters.share()
    }

    /// Reads `source` during the campaign, so that minions can await its records by key.
    ///
    /// Load starts only when the source is ready; records before that are not seen.
    pub fn join<S: Source, K: Key>(
        &self,
        source: S,
        key: impl Fn(&S::Record) -> K + Send + Sync + 'static,
    ) -> Join<K, S::Record> {
        self.open(source, key, None, None)
    }

    /// Like [`join`](Self::join), for records that have an order: of several records of one key
    /// ([`Expect::times`](crate::join::Expect::times)) those that arrive out of it are counted, and warn.
    pub fn join_ordered<S: Source, K: Key>(
        &self,
        source: S,
        key: impl Fn(&S::Record) -> K + Send + Sync + 'static,
        order: impl Fn(&S::Record) -> u64 + Send + Sync + 'static,
    ) -> Join<K, S::Record> {
        self.open(source, key, None, Some(Box::new(order)))
    }

    /// Like [`join`](Self::join), for keys that the system chooses: records that no minion expects yet
    /// are kept within `limits` until their key is known.
    pub fn join_buffered<S: Source, K: Key>(
        &self,
        source: S,
        key: impl Fn(&S::Record) -> K + Send + Sync + 'static,
        limits: Limits,
    ) -> Join<K, S::Record> {
        self.open(source, key, Some(limits), None)
    }

    fn open<S: Source, K: Key>(
        &self,
        source: S,
        key: impl Fn(&S::Record) -> K + Send + Sync + 'static,
        buffer: Option<Limits>,
        order: Option<Order<S::Record>>,
    ) -> Join<K, S::Record> {
        let context = &self.context;
        let (scenario, of) = (Arc::clone(&context.scenario), context.source.clone());
        let (join, opened) = OpenSource::join(source, key, buffer, order, scenario, of, context.stop.clone());
        context.sources.lock().push(opened);
        join
    }

    /// Reads `probe` during the whole campaign, as the meter `name`: backlogs, depths, counts.
    ///
    /// Criteria are written with [`Meter::named`](qalipsis_model::criterion::Meter::named). Load
    /// starts only when it could be read once.
    pub fn watch(&self, name: impl Into<String>, probe: impl Probe) {
        let clock = self.context.scenario.clock;
        let meter = OpenMeter::new(name.into(), probe, clock, self.context.stop.clone());
        self.context.meters.lock().push(meter);
    }

    /// Key of the campaign, to distinguish what several runs leave behind.
    pub fn campaign(&self) -> &str {
        &self.context.source.campaign
    }

    /// Name of the factory.
    pub fn factory(&self) -> &str {
        &self.context.source.factory
    }

    /// Zone of the factory.
    pub fn zone(&self) -> Option<&str> {
        self.context.scenario.zone.as_deref()
    }
}
