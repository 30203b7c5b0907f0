//! The time at which something happens.

use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

/// A reading of both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// The monotonic clock, since some instant before the campaign.
    pub monotonic: Duration,
    /// The wall clock.
    pub wall: Timestamp,
    /// How long reading both took: a process that is suspended in between reads two times.
    pub reading: Duration,
}
