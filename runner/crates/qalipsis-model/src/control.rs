//! What users did to a running campaign.

use crate::timestamp::Timestamp;

/// Everything that users did to a campaign while it ran, beside stopping it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Controls {
    /// In the order of their instants.
    pub markers: Vec<Marker>,
}

impl Controls {
    /// Adds a marker at its place.
    pub fn mark(&mut self, marker: Marker) {
        let place = self.markers.partition_point(|earlier| earlier.at <= marker.at);
        self.markers.insert(place, marker);
    }
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
    fn markers_are_sorted_by_their_instants() {
        let mut controls = Controls::default();
        for (label, at) in [("b", 2), ("d", 3), ("a", 1), ("c", 2)] {
            controls.mark(Marker { label: label.into(), at: Timestamp(at) });
        }
        let labels: Vec<&str> = controls.markers.iter().map(|marker| marker.label.as_str()).collect();
        assert_eq!(labels, ["a", "b", "c", "d"]);
    }
}
