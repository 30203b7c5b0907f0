//! What users did to a campaign while it ran.

use crate::instant;
use qalipsis_model::control::Controls;
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// A time in which no minion was released and no iteration began. Throughputs, and the windows and stages of criteria,
/// leave it out; the timeline does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pause {
    /// When it began.
    #[serde(with = "instant")]
    #[cfg_attr(test, schemars(with = "crate::schema::Instant"))]
    pub from: Timestamp,
    /// When the load went on, or the campaign was stopped or ended; null while it lasts.
    #[serde(with = "instant::optional")]
    #[cfg_attr(test, schemars(with = "Option<crate::schema::Instant>"))]
    pub until: Option<Timestamp>,
}

/// An instant that a user marked: a deployment, a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Marker {
    /// When it was.
    #[serde(with = "instant")]
    #[cfg_attr(test, schemars(with = "crate::schema::Instant"))]
    pub at: Timestamp,
    /// Any text of 1 to 200 characters.
    pub label: String,
}

pub(super) fn pauses(controls: &Controls) -> Vec<Pause> {
    controls.pauses.iter().map(|pause| Pause { from: pause.from, until: pause.until }).collect()
}

pub(super) fn markers(controls: &Controls) -> Vec<Marker> {
    controls.markers.iter().map(|marker| Marker { at: marker.at, label: marker.label.clone() }).collect()
}
