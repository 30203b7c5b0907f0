//! The merged state of a campaign: all factories' differences added up.

use crate::evidence::Evidence;
use crate::snapshot::{ScenarioFigures, Snapshot};
use std::collections::BTreeMap;

/// Everything that the factories of one campaign have told so far.
#[derive(Debug, Default)]
pub struct Aggregate {
    scenarios: BTreeMap<String, ScenarioFigures>,
    /// By factory and id, so that a later version of the same failure replaces the earlier.
    evidence: BTreeMap<(String, u64), Evidence>,
    evidence_lost: u64,
}

impl Aggregate {
    /// Adds the difference that a factory reports.
    pub fn merge(&mut self, snapshot: &Snapshot) {
        for (name, figures) in &snapshot.scenarios {
            self.scenarios.entry(name.clone()).or_default().merge(figures);
        }
        self.evidence_lost += snapshot.evidence_lost;
    }

    /// Keeps a failure that a factory reports whole.
    pub fn keep(&mut self, factory: &str, evidence: Evidence) {
        self.evidence.insert((factory.to_owned(), evidence.id), evidence);
    }

    /// The figures of a scenario so far.
    pub fn scenario(&self, name: &str) -> Option<&ScenarioFigures> {
        self.scenarios.get(name)
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
