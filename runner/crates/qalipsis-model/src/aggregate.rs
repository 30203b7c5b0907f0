//! The merged state of a campaign: all factories' differences added up.

use crate::evidence::{Evidence, FailureKind};
use crate::report::TimelineReport;
use crate::snapshot::{ScenarioFigures, Snapshot};
use crate::timeline::Timeline;
use crate::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

/// Everything that the factories of one campaign have told so far.
#[derive(Debug, Default)]
pub struct Aggregate {
    /// When the load started; before it there is no time to sort by.
    started: Option<Timestamp>,
    scenarios: BTreeMap<String, ScenarioFigures>,
    timelines: BTreeMap<String, Timeline>,
    /// By factory and id, so that a later version of the same failure replaces the earlier.
    evidence: BTreeMap<(String, u64), Evidence>,
    evidence_lost: u64,
}

impl Aggregate {
    /// The load starts: what factories report from now on is sorted by the time since then.
    pub fn start(&mut self, at: Timestamp) {
        self.started = Some(at);
    }

    /// Adds the difference that a factory reports.
    pub fn merge(&mut self, snapshot: &Snapshot) {
        let elapsed = self.elapsed(snapshot);
        for (name, figures) in &snapshot.scenarios {
            self.scenarios.entry(name.clone()).or_default().merge(figures);
            if let Some(elapsed) = elapsed {
                self.timelines.entry(name.clone()).or_default().add(elapsed, figures);
            }
        }
        self.evidence_lost += snapshot.evidence_lost;
    }

    /// The middle of what a snapshot tells of, as the time since the start of the load.
    fn elapsed(&self, snapshot: &Snapshot) -> Option<Duration> {
        let started = self.started?;
        let from = snapshot.since.map_or(Duration::ZERO, |since| since.since(started));
        Some((from + snapshot.at.since(started)) / 2)
    }

    /// Keeps a failure that a factory reports whole; a later one with the same id replaces it.
    pub fn keep(&mut self, factory: &str, mut evidence: Evidence) {
        match self.evidence.entry((factory.to_owned(), evidence.id)) {
            // A record that came right at its deadline may be told late before it is told missing.
            Entry::Occupied(kept) if kept.get().kind == FailureKind::JoinLate => {}
            Entry::Occupied(mut kept) => {
                evidence.exchange = evidence.exchange.or_else(|| kept.get_mut().exchange.take());
                kept.insert(evidence);
            }
            Entry::Vacant(place) => _ = place.insert(evidence),
        }
    }

    /// The figures of a scenario so far.
    pub fn scenario(&self, name: &str) -> Option<&ScenarioFigures> {
        self.scenarios.get(name)
    }

    /// What a scenario of so many steps did over time.
    pub fn timeline(&self, name: &str, steps: usize) -> TimelineReport {
        self.timelines.get(name).map(|timeline| timeline.report(steps)).unwrap_or_default()
    }

    /// The kept failures of a scenario, earliest first.
    pub fn evidence(&self, scenario: &str) -> Vec<&Evidence> {
        let mut evidence: Vec<&Evidence> =
            self.evidence.values().filter(|e| e.scenario == scenario).collect();
        evidence.sort_by_key(|e| e.at);
        evidence
    }

    /// Failures that could not be kept whole because the way to the head was full.
    pub fn evidence_lost(&self) -> u64 {
        self.evidence_lost
    }
}
