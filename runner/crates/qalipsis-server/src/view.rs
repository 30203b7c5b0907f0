//! What the API shows of a campaign.

use qalipsis_store::CampaignStatus;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The state of a campaign, or its verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It waits for its turn.
    Queued,
    /// It runs.
    Running,
    /// All checks and criteria were met.
    Successful,
    /// Only warnings.
    Warning,
    /// A verification, join or criterion failed, or what had to be executed never was.
    Failed,
    /// The user, a timeout or a lost factory ended it.
    Aborted,
    /// The load generator was the bottleneck: the figures cannot be trusted.
    Invalid,
}

impl From<qalipsis_model::verdict::Status> for Status {
    fn from(status: qalipsis_model::verdict::Status) -> Self {
        use qalipsis_model::verdict::Status as Verdict;
        match status {
            Verdict::Running => Self::Running,
            Verdict::Successful => Self::Successful,
            Verdict::Warning => Self::Warning,
            Verdict::Failed => Self::Failed,
            Verdict::Aborted => Self::Aborted,
            Verdict::Invalid => Self::Invalid,
        }
    }
}

impl From<Status> for CampaignStatus {
    fn from(status: Status) -> Self {
        use qalipsis_model::verdict::Status as Verdict;
        match status {
            Status::Queued => Self::Queued,
            Status::Running => Self::Running,
            Status::Successful => Self::Ended(Verdict::Successful),
            Status::Warning => Self::Ended(Verdict::Warning),
            Status::Failed => Self::Ended(Verdict::Failed),
            Status::Aborted => Self::Ended(Verdict::Aborted),
            Status::Invalid => Self::Ended(Verdict::Invalid),
        }
    }
}

impl From<CampaignStatus> for Status {
    fn from(status: CampaignStatus) -> Self {
        match status {
            CampaignStatus::Queued => Self::Queued,
            CampaignStatus::Running => Self::Running,
            CampaignStatus::Ended(verdict) => verdict.into(),
        }
    }
}

/// The phase of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// It waits for its turn, or for its start offset to pass.
    Queued,
    /// Its factories start and get ready.
    Preparing,
    /// The load runs.
    Running,
    /// The load is paused.
    Paused,
    /// Running iterations are finished.
    Stopping,
    /// Running iterations are cancelled.
    Cancelling,
    /// The load has ended, reports are written.
    Reporting,
    /// It has ended.
    Ended,
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Since the start of the load.
    pub elapsed_ms: u64,
    /// Minions planned.
    pub planned: u64,
    /// Minions released.
    pub released: u64,
    /// Minions released and not ended.
    pub active: u64,
    /// Minions that ended.
    pub ended: u64,
    /// Executions of steps.
    pub executions: u64,
    /// Executions that did not succeed.
    pub failures: u64,
}

impl From<&qalipsis_head::Progress> for Progress {
    fn from(progress: &qalipsis_head::Progress) -> Self {
        Self {
            elapsed_ms: u64::try_from(progress.elapsed.as_millis()).unwrap_or(u64::MAX),
            planned: progress.planned,
            released: progress.released,
            active: progress.released.saturating_sub(progress.ended),
            ended: progress.ended,
            executions: progress.executions,
            failures: progress.failures,
        }
    }
}

/// A campaign in a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CampaignItem {
    /// Unique key; it sorts by time.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Its state, or its verdict.
    pub status: Status,
    /// The exit code of a process that runs this one campaign; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub queued_at: String,
    /// When it started; absent while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Seed of schedules and data.
    pub seed: u64,
    /// Names of its scenarios.
    pub scenarios: Vec<String>,
    /// Zones of its factories that have a name.
    pub zones: Vec<String>,
    /// Its phase.
    pub phase: Phase,
    /// How far it is.
    pub progress: Progress,
    /// Why the verdict is not SUCCESSFUL, one line each, most important first.
    pub causes: Vec<String>,
    /// Key of the campaign that it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<String>,
}

/// One campaign.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CampaignDetails {
    /// What a list shows of it as well.
    #[serde(flatten)]
    pub item: CampaignItem,
    /// The content of its `summary.json`; null while there is none.
    #[schema(value_type = Option<Object>)]
    pub summary: Option<Value>,
}

impl CampaignItem {
    /// The same with what only one campaign shows.
    pub(crate) fn with_summary(self, summary: Option<Value>) -> CampaignDetails {
        CampaignDetails { item: self, summary }
    }
}
