//! Markers: labelled instants of a campaign.

use crate::value::{Row, Statement, UnexpectedValue};
use qalipsis_model::timestamp::Timestamp;

/// A labelled instant of a campaign: a deployment, a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// When it was.
    pub at: Timestamp,
    /// What it was.
    pub label: String,
}

pub(crate) fn write(campaign: &str, marker: &Marker) -> Statement {
    Statement::new(
        "INSERT INTO markers (campaign, at_ns, label) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [campaign.into(), marker.at.0.into(), marker.label.as_str().into()],
    )
}

pub(crate) fn list(campaign: &str) -> Statement {
    Statement::new(
        "SELECT at_ns, label FROM markers WHERE campaign = $1 ORDER BY at_ns, label",
        [campaign.into()],
    )
}

pub(crate) fn read(mut row: Row) -> Result<Marker, UnexpectedValue> {
    Ok(Marker { at: Timestamp(row.unsigned()?), label: row.text()? })
}
