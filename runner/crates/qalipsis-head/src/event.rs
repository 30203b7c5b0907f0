//! What subscribers see of a running campaign.

use crate::progress::Progress;
use qalipsis_cluster::FactoryId;
use qalipsis_judge::judge::Breach;
use qalipsis_judge::report::Report;
use qalipsis_model::control::Marker;
use qalipsis_model::evidence::Evidence;
use qalipsis_model::snapshot::ScenarioFigures;
use qalipsis_model::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

/// Events that may wait for a subscriber; a slower one loses the oldest, and gets their number.
pub const EVENTS: usize = 1_024;

/// The way of events to all subscribers.
pub type Broadcast = broadcast::Sender<Arc<CampaignEvent>>;

/// Something that subscribers may want to know; nothing that they do can change the campaign.
#[derive(Debug, Clone)]
pub enum CampaignEvent {
    /// The campaign is planned.
    Planned {
        /// Its key.
        key: String,
        /// The labels of its factories, by their number.
        factories: Vec<String>,
    },
    /// A factory is ready.
    FactoryReady(FactoryId),
    /// A factory was lost.
    FactoryLost {
        /// Which.
        factory: FactoryId,
        /// Why.
        why: String,
    },
    /// All factories are ready, and the load starts at this time.
    Started(Timestamp),
    /// About a second of the load has been reported by all running factories.
    Second(Box<Second>),
    /// One of the first failures of a step.
    Evidence {
        /// The factory in which it happened.
        factory: FactoryId,
        /// Name of the step, when it happened in one.
        step: Option<String>,
        /// The failure.
        evidence: Box<Evidence>,
    },
    /// Something that the user should know now.
    Notice(String),
    /// The campaign has reached another phase.
    Phase(Phase),
    /// A user marked an instant.
    Marked(Marker),
    /// A criterion that stops the campaign is breached.
    Breach(Box<Breach>),
    /// The campaign has ended.
    Ended(Box<Report>),
}

/// The merged figures of about one second.
#[derive(Debug, Clone, Default)]
pub struct Second {
    /// When the first of these figures began, after the start of the load: those of a factory that reports late are
    /// older than what was published before.
    pub from: Duration,
    /// What the campaign has done since its start.
    pub progress: Progress,
    /// The difference to the second before, of each part of the campaign; empty unless the campaign publishes figures.
    pub figures: BTreeMap<Part, ScenarioFigures>,
}

/// A part of a campaign whose figures are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// Name of the scenario.
    pub scenario: String,
    /// The zone of the factories that reported the figures, when the factories of the campaign are in several.
    pub zone: Option<String>,
}

/// The phase of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Factories open their worlds.
    Preparing,
    /// The load runs.
    Running,
    /// The load is paused.
    Paused,
    /// Running iterations are finished, or what is open is closed.
    Stopping,
    /// Running iterations are cancelled.
    Cancelling,
    /// All factories have ended.
    Ended,
}
