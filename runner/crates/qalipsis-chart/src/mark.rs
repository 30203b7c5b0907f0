//! What a chart over time shows beside its lines.

/// A horizontal line that values are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// What the key says of it.
    pub label: String,
    /// In the unit of the values.
    pub value: f64,
}

/// An interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Where it begins, in seconds.
    pub from: f64,
    /// Where it ends; `None` for the end of the chart.
    pub to: Option<f64>,
    /// What it was.
    pub label: String,
    /// A colour of the style sheet: `gap` or `pause`.
    pub class: &'static str,
    /// What the key says, once for all bands of the class.
    pub key: &'static str,
}

/// An instant with a label.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// When, in seconds.
    pub at: f64,
    /// What happened.
    pub label: String,
}

/// All marks of a chart over time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks<'a> {
    /// Horizontal lines.
    pub limits: &'a [Limit],
    /// Intervals.
    pub bands: &'a [Band],
    /// Instants.
    pub markers: &'a [Marker],
}
