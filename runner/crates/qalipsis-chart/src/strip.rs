//! Distributions below each other.

use crate::axis::Axis;
use crate::distribution::bars;
use crate::frame::{BOTTOM, LEFT, Px, RIGHT, WIDTH, below, figure};
use crate::tick::logarithmic;
use maud::{Markup, Render, html};
use qalipsis_model::duration::human_ns;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::number::number;

/// One row of [`Strips`].
#[derive(Debug, Clone)]
pub struct Strip<'a> {
    /// What the row shows.
    pub name: String,
    /// `a` or `bad`: a colour of the style sheet.
    pub class: &'static str,
    /// The durations.
    pub times: &'a Histogram,
}

/// Distributions below each other over one logarithmic axis, each scaled to its own tallest bar, so that few samples
/// compare with many. A line marks the 95th percentile, a dot the longest. Renders to nothing when all are empty.
#[derive(Debug, Clone, Copy)]
pub struct Strips<'a> {
    /// What the chart shows.
    pub title: &'a str,
    /// The rows.
    pub strips: &'a [Strip<'a>],
}

/// Height of a row, of which a part is free above it.
const STRIP: f64 = 52.0;
const STRIP_FREE: f64 = 22.0;

impl Render for Strips<'_> {
    fn render(&self) -> Markup {
        let Some(axis) = Axis::over(self.strips.iter().map(|strip| strip.times)) else { return html! {} };
        let height = STRIP * self.strips.len() as f64 + BOTTOM;
        let (low, high) = axis.ends();
        let ticks = logarithmic(low, high);
        let drawing = html! {
            @for tick in &ticks {
                @let x = axis.x(tick.at as u64);
                line.grid x1=(Px(x)) x2=(Px(x)) y1=(Px(4.0)) y2=(Px(height - BOTTOM)) {}
            }
            (below(&ticks, height, |ns| axis.x(ns as u64)))
            @for (index, one) in self.strips.iter().enumerate() { (strip(one, &axis, STRIP * index as f64)) }
        };
        figure(self.title, ("strips", height), &drawing, std::iter::empty())
    }
}

/// One row that begins at the height `top`.
fn strip(strip: &Strip<'_>, axis: &Axis, top: f64) -> Markup {
    let base = top + STRIP;
    let counts = axis.bars(strip.times);
    let tallest = counts.iter().max().copied().unwrap_or(1);
    html! {
        line.grid x1=(Px(LEFT)) x2=(Px(WIDTH - RIGHT)) y1=(Px(base)) y2=(Px(base)) {}
        (bars(strip.class, axis, &counts, tallest, (top + STRIP_FREE, base)))
        @if let (Some(p95), Some(max)) = (strip.times.percentile_ns(95.0), strip.times.max_ns()) {
            @let mark = Px(axis.x(p95));
            line class={ "line " (strip.class) } x1=(mark) x2=(mark) y1=(Px(top + STRIP_FREE - 3.0)) y2=(Px(base)) {
                title { "p95 " (human_ns(p95)) }
            }
            circle class={ "bar " (strip.class) } cx=(Px(axis.x(max))) cy=(Px(base - 3.0)) r="3" {
                title { "max " (human_ns(max)) }
            }
        }
        text x="4" y=(Px(top + 16.0)) { (strip.name) ", " (number(strip.times.count())) }
    }
}
