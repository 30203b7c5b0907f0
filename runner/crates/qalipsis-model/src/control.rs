//! What users did to a running campaign.

use crate::timestamp::Timestamp;
use std::time::Duration;

/// Everything that users did to a campaign while it ran, beside stopping it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Controls {
    /// In their order.
    pub pauses: Vec<Pause>,
    /// In the order of their instants.
    pub markers: Vec<Marker>,
}

impl Controls {
    /// The load is paused at this instant, or when it has gone on after the last pause; gives when, unless it is paused
    /// already.
    pub fn pause(&mut self, at: Timestamp) -> Option<Timestamp> {
        let from = match self.pauses.last() {
            Some(last) => last.until?.max(at),
            None => at,
        };
        self.pauses.push(Pause { from, until: None });
        Some(from)
    }

    /// The load goes on, or its campaign ends, at this instant; gives the length of the pause that ends with it.
    pub fn resume(&mut self, at: Timestamp) -> Option<Duration> {
        let pause = self.pauses.last_mut().filter(|pause| pause.until.is_none())?;
        pause.until = Some(at.max(pause.from));
        Some(at.since(pause.from))
    }

    /// Whether the load is paused.
    pub fn is_paused(&self) -> bool {
        self.pauses.last().is_some_and(|pause| pause.until.is_none())
    }

    /// How long the load had been paused by this instant.
    pub fn paused_by(&self, at: Timestamp) -> Duration {
        self.pauses.iter().map(|pause| pause.until.map_or(at, |until| until.min(at)).since(pause.from)).sum()
    }

    /// The time from the start of the load to this instant, pauses left out.
    pub fn load_time(&self, started: Timestamp, at: Timestamp) -> Duration {
        at.since(started).saturating_sub(self.paused_by(at))
    }

    /// Adds a marker at its place.
    pub fn mark(&mut self, marker: Marker) {
        let place = self.markers.partition_point(|earlier| earlier.at <= marker.at);
        self.markers.insert(place, marker);
    }
}

/// A time in which a campaign released no minion and began no iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it began.
    pub from: Timestamp,
    /// When the load went on, or the campaign ended; `None` while it lasts.
    pub until: Option<Timestamp>,
}

/// An instant of a campaign with a label: a deployment, a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Any text of 1 to [`Marker::LONGEST`] characters.
    pub label: String,
    /// When it was.
    pub at: Timestamp,
}

impl Marker {
    /// The most characters of a label.
    pub const LONGEST: usize = 200;
    /// The most markers of a campaign.
    pub const MOST: usize = 100;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_pauses_is_what_lies_before_an_instant() {
        let mut controls = Controls::default();
        assert_eq!(controls.pause(Timestamp(10)), Some(Timestamp(10)));
        assert_eq!(controls.pause(Timestamp(15)), None, "it is paused already");
        let paused = |controls: &Controls, at| controls.paused_by(Timestamp(at)).as_nanos();
        assert_eq!([5, 10, 25].map(|at| paused(&controls, at)), [0, 0, 15]);
        assert_eq!(controls.resume(Timestamp(30)), Some(Duration::from_nanos(20)));
        assert_eq!(controls.resume(Timestamp(40)), None, "it goes on already");
        assert_eq!(controls.pause(Timestamp(29)), Some(Timestamp(30)), "it goes on only then");
        assert_eq!(controls.resume(Timestamp(29)), Some(Duration::ZERO));
        controls.pause(Timestamp(50));
        assert_eq!([5, 20, 30, 45, 53].map(|at| paused(&controls, at)), [0, 10, 20, 20, 23]);
    }

    #[test]
    fn markers_are_sorted_by_their_instants() {
        let mut controls = Controls::default();
        for (label, at) in [("b", 2), ("d", 3), ("a", 1), ("c", 2)] {
            controls.mark(Marker { label: label.into(), at: Timestamp(at) });
        }
        let labels: Vec<&str> = controls.markers.iter().map(|marker| marker.label.as_str()).collect();
        assert_eq!(labels, ["a", "b", "c", "d"]);
    }
}
