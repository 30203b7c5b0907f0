//! Slices: the figures of one second of a scenario in a zone, from which any window is merged exactly.

use crate::bytes::{compress, decompress_within};
use crate::value::{Row, Statement, UnexpectedValue};
use qalipsis_cluster::{decode_figures, encode_figures};
use qalipsis_model::snapshot::ScenarioFigures;
use qalipsis_model::timestamp::Timestamp;
use std::ops::Range;

/// Rows that are read at once: some megabytes.
pub(crate) const BATCH: usize = 600;

/// What a scenario did in about one second, as the difference to the second before.
///
/// Of a campaign with several zones there is one for each zone, and together they are the scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// When the second began.
    pub at: Timestamp,
    /// Name of the scenario.
    pub scenario: String,
    /// The zone, when the campaign has several.
    pub zone: Option<String>,
    /// The difference.
    pub figures: ScenarioFigures,
}

/// The most that the figures of one slice take when they are not compressed, in bytes.
const LARGEST_FIGURES: u64 = 16 * 1024 * 1024;

impl Slice {
    /// Its figures as they are kept: encoded and compressed.
    pub fn pack(&self) -> Vec<u8> {
        compress(&encode_figures(&self.figures))
    }

    /// The figures that were kept as these bytes.
    ///
    /// # Errors
    /// When they are none.
    pub fn unpack(bytes: &[u8]) -> Result<ScenarioFigures, String> {
        let encoded = decompress_within(bytes, LARGEST_FIGURES).map_err(|error| error.to_string())?;
        decode_figures(&encoded).map_err(|error| error.to_string())
    }
}

/// The place of a slice among all of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    sequence: i64,
    scenario: String,
    zone: String,
}

impl Place {
    /// Before all slices.
    pub(crate) fn start() -> Self {
        Self { sequence: -1, scenario: String::new(), zone: String::new() }
    }
}

/// Slices are numbered by the second: one that is written again replaces itself.
pub(crate) fn write(campaign: &str, sequence: u64, slice: &Slice) -> Statement {
    Statement::new(
        "INSERT INTO slices (campaign, sequence, scenario, zone, at_ns, figures) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (campaign, sequence, scenario, zone) DO UPDATE SET at_ns = excluded.at_ns, \
         figures = excluded.figures",
        [
            campaign.into(),
            sequence.into(),
            slice.scenario.as_str().into(),
            slice.zone.as_deref().unwrap_or_default().into(),
            slice.at.0.into(),
            slice.pack().into(),
        ],
    )
}

/// The next slices that begin in this window.
pub(crate) fn next(campaign: &str, window: &Range<Timestamp>, after: &Place) -> Statement {
    Statement::new(
        format!(
            "SELECT sequence, scenario, zone, at_ns, figures FROM slices \
             WHERE campaign = $1 AND at_ns >= $2 AND at_ns < $3 AND (sequence, scenario, zone) > ($4, $5, $6) \
             ORDER BY sequence, scenario, zone LIMIT {BATCH}"
        ),
        [
            campaign.into(),
            bound(window.start).into(),
            bound(window.end).into(),
            after.sequence.into(),
            after.scenario.as_str().into(),
            after.zone.as_str().into(),
        ],
    )
}

/// A bound of a window, as far as times go in the database.
pub(crate) fn bound(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

pub(crate) fn read(mut row: Row) -> Result<(Place, Slice), UnexpectedValue> {
    let place = Place { sequence: row.integer()?, scenario: row.text()?, zone: row.text()? };
    let at = Timestamp(row.unsigned()?);
    let malformed = |error: String| UnexpectedValue { expected: "figures", found: error };
    let figures = Slice::unpack(&row.bytes()?).map_err(malformed)?;
    let zone = Some(place.zone.clone()).filter(|zone| !zone.is_empty());
    let slice = Slice { at, scenario: place.scenario.clone(), zone, figures };
    Ok((place, slice))
}
