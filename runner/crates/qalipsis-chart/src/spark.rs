//! A line of the size of a word, for a row of a table.

use crate::axis::{Axis, BARS};
use crate::path::course;
use maud::{Markup, html};
use qalipsis_model::histogram::Histogram;

/// Values at equal distances, scaled to the largest. Nothing when there is none.
pub fn spark(label: &str, class: &str, values: &[Option<f64>]) -> Markup {
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let points: Vec<_> = values.iter().enumerate().map(|(index, value)| (index as f64, *value)).collect();
    let scale = if highest > 0.0 { highest / 20.0 } else { 1.0 };
    let width = values.len().saturating_sub(1).max(1);
    html! {
        @if values.iter().any(Option::is_some) {
            svg.spark viewBox=(format_args!("0 -21 {width} 22")) preserveAspectRatio="none" role="img" aria-label=(label) {
                path class={ "line " (class) } d=(course(&points, scale)) {}
            }
        }
    }
}

/// How durations are distributed, over a logarithmic axis from the shortest to the longest.
pub fn spark_of(label: &str, class: &str, times: &Histogram) -> Markup {
    let bars = Axis::over([times].into_iter()).map(|axis| axis.bars(times)).unwrap_or([0; BARS]);
    let values: Vec<_> = bars.iter().map(|count| (times.count() > 0).then_some(*count as f64)).collect();
    spark(label, class, &values)
}
