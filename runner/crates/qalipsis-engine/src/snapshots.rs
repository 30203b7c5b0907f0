//! The difference that a factory sends every second.

use crate::health::HealthMonitor;
use crate::sources::{Sources, Watched};
use qalipsis_core::meters::Instrument;
use qalipsis_join::ledger::LedgerControl;
use qalipsis_minion::state::{ScenarioContext, Worker};
use qalipsis_model::snapshot::{ScenarioFigures, Snapshot};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_recorder::events::EventBuffer;
use qalipsis_recorder::evidence::EvidenceKeeper;
use qalipsis_recorder::recorder::Recorder;
use std::sync::Arc;

/// Snapshots that may wait for the connection to the head. While so many do, none is taken: they are differences, so the next one has it
/// all, and they are large.
const ROOM: usize = 8;

/// Counts a snapshot among those that wait for the connection, until it is dropped.
#[derive(Debug)]
pub struct Waiting {
    /// Each clone but that of the room is a snapshot.
    _counted: Arc<()>,
}

/// The snapshots that wait for the connection to the head.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom(Arc<()>);

impl WaitingRoom {
    /// Whether no further snapshot should be taken.
    pub(crate) fn is_full(&self) -> bool {
        Arc::strong_count(&self.0) > ROOM
    }

    /// One more waits.
    pub(crate) fn enter(&self) -> Waiting {
        Waiting { _counted: Arc::clone(&self.0) }
    }
}

/// Everything that figures are collected from.
pub(crate) struct Snapshots {
    names: Vec<String>,
    workers: Vec<Arc<Worker>>,
    off_worker: Arc<Recorder>,
    evidence: Arc<EvidenceKeeper>,
    ledgers: Vec<(usize, Arc<dyn LedgerControl>)>,
    meters: Vec<Watched>,
    instruments: Vec<(usize, Arc<dyn Instrument>)>,
    health: HealthMonitor,
    sequence: u64,
    last: Option<Timestamp>,
}

impl Snapshots {
    pub(crate) fn new(
        scenarios: &[Arc<ScenarioContext>],
        workers: Vec<Arc<Worker>>,
        off_worker: Arc<Recorder>,
        evidence: Arc<EvidenceKeeper>,
        sources: &Sources,
        health: HealthMonitor,
    ) -> Self {
        Self {
            names: scenarios.iter().map(|s| s.name.clone()).collect(),
            workers,
            off_worker,
            evidence,
            ledgers: sources.ledgers(),
            meters: sources.meters(),
            instruments: sources.instruments(),
            health,
            sequence: 0,
            last: None,
        }
    }

    /// The difference since the last call, and whether the load still runs.
    pub(crate) fn take(&mut self, at: Timestamp, load_runs: bool) -> Snapshot {
        let mut scenarios = vec![ScenarioFigures::default(); self.names.len()];
        let recorders = self.workers.iter().map(|w| &w.recorder).chain([&*self.off_worker]);
        for recorder in recorders {
            for (total, figures) in scenarios.iter_mut().zip(recorder.drain()) {
                total.merge(&figures);
            }
        }
        for (scenario, ledger) in &self.ledgers {
            // By the order in the scenario, which is the same in every factory, whatever else it hosts.
            let joins = &mut scenarios[*scenario].joins;
            joins.insert(joins.len() as u32, ledger.drain());
        }
        for watched in &self.meters {
            let meter = &watched.meter;
            scenarios[watched.scenario].meters.insert(meter.name().to_owned(), meter.drain());
        }
        for (scenario, instrument) in &self.instruments {
            instrument.drain(&mut scenarios[*scenario]);
        }
        let blocked =
            self.workers.iter().filter_map(|worker| worker.take_blocked()).reduce(|mut all, one| {
                all.merge(&one);
                all
            });
        let sequence = self.sequence;
        self.sequence += 1;
        Snapshot {
            sequence,
            since: self.last.replace(at),
            at,
            scenarios: self.names.iter().cloned().zip(scenarios).collect(),
            evidence_lost: self.evidence.take_lost(),
            unlisted_failures: self.evidence.failures.take_unlisted(),
            health: self.health.take(load_runs),
            blocked,
            events_dropped: self
                .workers
                .iter()
                .filter_map(|w| w.events.as_ref())
                .map(EventBuffer::take_dropped)
                .sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_full_until_a_waiting_snapshot_is_taken() {
        let room = WaitingRoom::default();
        let mut waiting = Vec::new();
        while !room.is_full() {
            waiting.push(room.enter());
        }
        assert_eq!(waiting.len(), ROOM);
        waiting.pop();
        assert!(!room.is_full());
    }
}
