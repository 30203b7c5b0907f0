//! The configuration as the rest of the runner reads it.

use super::criteria::GivenCriterion;
use super::entry::Entry;
use crate::{MailSettings, SlackSettings};
use qalipsis_model::event::Level;
use qalipsis_model::plan::{EventsPlan, Limits};
use qalipsis_profile::speed::Speed;
use std::collections::BTreeMap;
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
    /// `report.export.events.*`: the file is below [`Junit::folder`].
    pub events: Events,
    /// `report.export.github.enabled`.
    pub github: bool,
    /// `report.export.html.enabled`: whether `report.html` is written, below [`Junit::folder`].
    pub html: bool,
    /// `report.export.mail.*`.
    pub mail: MailSettings,
    /// `report.export.slack.*`.
    pub slack: SlackSettings,
    /// `report.link`: where people find the report.
    pub link: Option<String>,
    /// `report.export.junit.*`.
    pub junit: Junit,
    /// `report.export.summary.enabled`: whether `summary.json` is written, below [`Junit::folder`].
    pub summary: bool,
    /// `factory.workers`; `None` for one per core.
    pub workers: Option<u32>,
    /// `factory.zone`.
    pub zone: Option<String>,
    /// `criteria:` of all files, from lower to higher precedence.
    pub(super) criteria: Vec<GivenCriterion>,
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

/// `report.export.junit.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Junit {
    /// Whether the files are written.
    pub enabled: bool,
    /// Below which folder; it may not exist yet.
    pub folder: PathBuf,
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
            github: true,
            html: true,
            mail: MailSettings::default(),
            slack: SlackSettings::default(),
            link: None,
            junit: Junit { enabled: true, folder: PathBuf::from("test-results") },
            summary: true,
            workers: None,
            zone: None,
            shown: BTreeMap::new(),
            criteria: Vec::new(),
            families: Vec::new(),
        }
    }
}
