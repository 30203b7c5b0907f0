//! Where the report is posted on Slack.

use crate::{Secret, Statuses};

/// `report.export.slack.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackSettings {
    /// Whether anything is sent.
    pub enabled: bool,
    /// Of a bot that may write to the channel.
    pub token: Option<Secret>,
    /// Name or id of the channel, with a token.
    pub channel: Option<String>,
    /// Another base address of Slack's methods, with a token; without one the address of an incoming webhook.
    pub url: Option<Secret>,
    /// Which verdicts are sent.
    pub status: Statuses,
}

impl Default for SlackSettings {
    fn default() -> Self {
        Self { enabled: false, token: None, channel: None, url: None, status: Statuses::all() }
    }
}

impl SlackSettings {
    /// What must be set and is not, as the last part of its key.
    pub fn missing(&self) -> Option<&'static str> {
        match (&self.token, &self.channel, &self.url) {
            _ if !self.enabled => None,
            (Some(_), None, _) => Some("channel"),
            (None, _, None) => Some("token"),
            _ => None,
        }
    }
}
