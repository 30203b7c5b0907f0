//! What the client reads of a campaign. A head may send more, and what is not listed here is left alone.

use serde::{Deserialize, Serialize};

/// A campaign as a head shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Campaign {
    /// Unique key; it sorts by time.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// `QUEUED`, `RUNNING`, or the verdict.
    pub status: String,
    /// The exit code of a process that runs this one campaign; `None` while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// When it was asked for.
    pub queued_at: String,
    /// When it started; `None` when it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended; `None` while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Names of its scenarios.
    pub scenarios: Vec<String>,
    /// `QUEUED`, `PREPARING`, `RUNNING`, `STOPPING`, `CANCELLING`, `REPORTING` or `ENDED`.
    pub phase: String,
    /// How far it is.
    pub progress: Progress,
    /// Why the verdict is not SUCCESSFUL, one line each.
    pub causes: Vec<String>,
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Since the start of the load, in milliseconds.
    pub elapsed_ms: u64,
    /// Minions planned.
    pub planned: u64,
    /// Minions released.
    pub released: u64,
    /// Minions released and not ended.
    pub active: u64,
    /// Executions of steps.
    pub executions: u64,
    /// Executions that did not succeed.
    pub failures: u64,
}

/// A page of campaigns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignList {
    /// The campaigns of this page.
    pub campaigns: Vec<Campaign>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A scenario of a head.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Offered {
    pub(crate) name: String,
}
