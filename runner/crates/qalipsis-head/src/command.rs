//! What users ask of a running campaign.

use qalipsis_judge::report::Report;
use qalipsis_model::control::Marker;
use qalipsis_model::plan::Stop;
use qalipsis_model::timestamp::Timestamp;
use std::fmt;
use tokio::sync::oneshot;

/// The most pauses of a campaign: the report names each.
pub(crate) const PAUSES: usize = 100;

/// Something that a user asks of a running campaign.
#[derive(Debug)]
pub enum Command {
    /// Stop it; a second request that is harder than the first overrides it.
    Stop(Stop),
    /// Control it. The answer is the instant at which it took effect, or why it cannot be done; there is none when the
    /// campaign has ended meanwhile.
    Control(Control, oneshot::Sender<Result<Timestamp, Refusal>>),
    /// An interim report: what is known so far, judged as if nothing more came, with the status
    /// [`Running`](qalipsis_model::verdict::Status::Running). It changes nothing. There is no answer when the campaign has
    /// ended meanwhile: its final report is published.
    Report(oneshot::Sender<Report>),
}

/// How a running campaign is controlled.
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// Release no minion and begin no iteration until the load is resumed; iterations that run are finished. The
    /// schedule is moved by the length of the pause, the limits of the campaign are not.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Keep an instant with a label, and draw it in every chart.
    Mark {
        /// Any text of 1 to [`Marker::LONGEST`] characters.
        label: String,
        /// `None` for now.
        at: Option<Timestamp>,
    },
}

/// Why a campaign cannot be controlled so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Only a load that runs can be paused, and this campaign does something else: `is preparing`.
    NotRunning(&'static str),
    /// The load is paused already.
    Paused,
    /// The load is not paused.
    NotPaused,
    /// The load was paused as often as it can be.
    TooManyPauses,
    /// The label of a marker has so many characters.
    Label(usize),
    /// The instant of a marker is before the campaign began, or in the future.
    OutOfTime,
    /// The campaign has as many markers as it can have.
    TooManyMarkers,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (longest, most) = (Marker::LONGEST, Marker::MOST);
        match self {
            Self::NotRunning(phase) => write!(f, "the campaign {phase}, only a load that runs can be paused"),
            Self::Paused => write!(f, "the campaign is paused already"),
            Self::NotPaused => write!(f, "the campaign is not paused"),
            Self::TooManyPauses => {
                write!(f, "the campaign was paused {PAUSES} times already, which is the most")
            }
            Self::Label(0) => {
                write!(f, "the label of a marker is empty, it must have 1 to {longest} characters")
            }
            Self::Label(length) => {
                write!(f, "the label of a marker has {length} characters, it must have 1 to {longest}")
            }
            Self::OutOfTime => {
                write!(f, "the instant of a marker must lie between the start of the campaign and now")
            }
            Self::TooManyMarkers => write!(f, "the campaign has {most} markers already, which is the most"),
        }
    }
}

impl std::error::Error for Refusal {}
