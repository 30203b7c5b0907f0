//! The configuration as the rest of the runner reads it.

use super::criteria::GivenCriterion;
use super::entry::Entry;
use super::factories::LocalFactory;
use super::section::{Section, SectionDefinition, Values};
use qalipsis_model::event::Level;
use qalipsis_model::plan::{EventsPlan, Limits};
use qalipsis_profile::speed::Speed;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The complete configuration. `Debug` shows no value that users gave to properties.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `campaign.name`.
    pub campaign_name: Option<String>,
    /// `--seed` or `campaign.seed`.
    pub seed: Option<u64>,
    /// `campaign.speed-factor`.
    pub speed: Speed,
    /// `campaign.limits.*`, `campaign.timeout`, `campaign.hard-timeout` and `report.evidence.limit`.
    pub limits: Limits,
    /// `campaign.fail-on-warning`.
    pub fail_on_warning: bool,
    /// `report.export.events.*`: the file is below [`folder`](Self::folder).
    pub events: Events,
    /// `report.link`: where people find the report.
    pub link: Option<String>,
    /// `report.export.junit.folder`: below which folder all files are written; it may not exist yet.
    pub folder: PathBuf,
    /// `factory.workers`; `None` for one per core.
    pub workers: Option<u32>,
    /// `factory.zone`.
    pub zone: Option<String>,
    /// `factories:`; empty for a single one.
    pub factories: Vec<LocalFactory>,
    /// `criteria:` of all files, from lower to higher precedence.
    pub(super) criteria: Vec<GivenCriterion>,
    /// The values of sections.
    pub(super) sections: Values,
    /// The keys that were set, with their values as reports may show them.
    pub(super) shown: BTreeMap<String, String>,
    /// Keys of families in ascending precedence; they are resolved once the scenarios are known.
    pub(super) families: Vec<Entry>,
}

/// `report.export.events.*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Events {
    /// Whether events are collected and written.
    pub enabled: bool,
    /// The lowest level of those that are.
    pub level: Level,
    /// How many may wait at each worker.
    pub buffer: u32,
}

impl Events {
    /// What factories are to collect.
    pub fn plan(self) -> Option<EventsPlan> {
        self.enabled.then_some(EventsPlan { level: self.level, buffer: self.buffer })
    }
}

impl Settings {
    /// The zones of the factories, without repetition.
    pub fn zones(&self) -> BTreeSet<&str> {
        let several = self.factories.iter().map(|factory| factory.zone.as_str());
        several.chain(self.zone.as_deref()).collect()
    }

    /// The values of a section.
    pub fn section<'a>(&'a self, definition: &'a SectionDefinition) -> Section<'a> {
        Section::new(definition, &self.sections)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            campaign_name: None,
            seed: None,
            speed: Speed::NORMAL,
            limits: Limits::default(),
            fail_on_warning: false,
            events: Events { enabled: false, level: Level::Info, buffer: 10_000 },
            link: None,
            folder: PathBuf::from("test-results"),
            workers: None,
            zone: None,
            factories: Vec::new(),
            sections: Values::default(),
            shown: BTreeMap::new(),
            criteria: Vec::new(),
            families: Vec::new(),
        }
    }
}
