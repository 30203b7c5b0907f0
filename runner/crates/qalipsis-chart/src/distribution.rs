//! How durations are distributed.

use crate::axis::{Axis, BARS};
use crate::frame::{BOTTOM, HEIGHT, LEFT, Px, TOP, across, below, figure};
use crate::tick::{counts, logarithmic};
use maud::{Markup, Render, html};
use qalipsis_model::duration::human_ns;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::number::number;
use std::fmt::Write as _;

/// A set of durations.
#[derive(Debug, Clone, Copy)]
pub struct Durations<'a> {
    /// What the key says of it.
    pub name: &'a str,
    /// `a`, `b`, `c` or `bad`: a colour of the style sheet.
    pub class: &'static str,
    /// The durations.
    pub times: &'a Histogram,
}

/// How sets of durations are distributed, over one logarithmic axis. Renders to nothing when all are empty.
#[derive(Debug, Clone, Copy)]
pub struct Distribution<'a> {
    /// What the chart shows.
    pub title: &'a str,
    /// Drawn as bars.
    pub filled: &'a [Durations<'a>],
    /// Drawn as an outline, which hides none of the others.
    pub outlined: Option<Durations<'a>>,
}

impl Render for Distribution<'_> {
    fn render(&self) -> Markup {
        let sets = || self.filled.iter().chain(&self.outlined).filter(|set| !set.times.is_empty());
        let Some(axis) = Axis::over(sets().map(|set| set.times)) else { return html! {} };
        let tallest = sets().flat_map(|set| axis.bars(set.times)).max().unwrap_or(1);
        let place = (TOP, HEIGHT - BOTTOM);
        let height = |count: f64| TOP + (1.0 - count / tallest.max(1) as f64) * (HEIGHT - TOP - BOTTOM);
        let (low, high) = axis.ends();
        let drawing = html! {
            (across(&counts(tallest), LEFT, height))
            (below(&logarithmic(low, high), HEIGHT, |ns| axis.x(ns as u64)))
            @for set in self.filled { (bars(set.class, &axis, &axis.bars(set.times), tallest, place)) }
            @if let Some(set) = self.outlined {
                path class={ "line " (set.class) } d=(outline(&axis, &axis.bars(set.times), tallest, place)) {}
            }
        };
        figure(self.title, ("distribution", HEIGHT), &drawing, sets().map(|set| (set.name, set.class)))
    }
}

/// Bars between two heights, `tallest` filling them.
pub(crate) fn bars(
    class: &str,
    axis: &Axis,
    counts: &[u64; BARS],
    tallest: u64,
    (top, base): (f64, f64),
) -> Markup {
    let step = 1.0 / BARS as f64;
    let width = axis.x_of_share(step) - LEFT - 0.5;
    html! {
        g class={ "bar " (class) } {
            @for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                @let height = height_of(*count, tallest, base - top);
                @let share = index as f64 * step;
                @let (from, to) = (human_ns(axis.value(share)), human_ns(axis.value(share + step)));
                rect x=(Px(axis.x_of_share(share))) y=(Px(base - height)) width=(Px(width)) height=(Px(height)) {
                    title { (number(*count)) " from " (from) " to " (to) }
                }
            }
        }
    }
}

/// The path along the upper edge of bars between two heights, `tallest` filling them.
fn outline(axis: &Axis, counts: &[u64; BARS], tallest: u64, (top, base): (f64, f64)) -> String {
    let mut path = format!("M{LEFT} {base:.1}");
    for (index, count) in counts.iter().enumerate() {
        let y = base - height_of(*count, tallest, base - top);
        // Writing to a string cannot fail.
        let _ = write!(path, "V{y:.1}H{:.1}", axis.x_of_share((index + 1) as f64 / BARS as f64));
    }
    let _ = write!(path, "V{base:.1}");
    path
}

/// A lone outlier is what one looks for: it stays visible.
fn height_of(count: u64, tallest: u64, room: f64) -> f64 {
    match count {
        0 => 0.0,
        count => (count as f64 / tallest.max(1) as f64 * room).max(1.5),
    }
}
