//! What happens in a campaign that is followed.

use crate::campaign::{Campaign, Progress};
use serde::Deserialize;
use serde_json::Value;

/// What happens in a campaign that is followed.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// How the campaign is, when the client begins or has missed something.
    State(Campaign),
    /// About a second of the load.
    Second(Progress),
    /// One of the first failures of a step.
    Failure {
        /// The scenario.
        scenario: String,
        /// The step, when it happened in one.
        step: Option<String>,
        /// What happened.
        message: String,
    },
    /// Something that users should know now.
    Notice(String),
    /// The head was away, and is asked again.
    Away {
        /// What happened.
        why: String,
    },
    /// The head is back.
    Back,
    /// The campaign has ended.
    Ended(Campaign),
}

#[derive(Deserialize)]
struct Second {
    progress: Progress,
}

#[derive(Deserialize)]
struct Gap {
    campaign: Campaign,
}

#[derive(Deserialize)]
struct Failed {
    scenario: String,
    step: Option<String>,
    message: String,
}

#[derive(Deserialize)]
struct Notice {
    message: String,
}

impl Event {
    /// A campaign may have ended while nobody looked.
    fn of(campaign: Campaign) -> Self {
        if campaign.phase == "ENDED" { Self::Ended(campaign) } else { Self::State(campaign) }
    }

    /// An event as a head sends it; `None` when it is none that the client shows.
    pub(crate) fn read(name: &str, data: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(Some(match name {
            "state" => Self::of(serde_json::from_str(data)?),
            "gap" => Self::of(serde_json::from_str::<Gap>(data)?.campaign),
            "second" => Self::Second(serde_json::from_str::<Second>(data)?.progress),
            "evidence" => {
                let Failed { scenario, step, message } = serde_json::from_str(data)?;
                Self::Failure { scenario, step, message }
            }
            "notice" => Self::Notice(serde_json::from_str::<Notice>(data)?.message),
            "factory-lost" => {
                let lost: Value = serde_json::from_str(data)?;
                Self::Notice(format!("a factory is lost: {}", lost["why"].as_str().unwrap_or_default()))
            }
            "ended" => Self::Ended(serde_json::from_str(data)?),
            // A newer head may send more.
            _ => return Ok(None),
        }))
    }
}
