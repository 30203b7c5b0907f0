//! Distributions of durations.

use super::axis::{Axis, BARS};
use super::{BOTTOM, HEIGHT, LEFT, Px, SHARES, TOP, WIDTH, anchor, below, figure, horizontal};
use crate::markup::text;
use crate::text::{fit, number, one_line};
use maud::{Markup, html};
use qalipsis_model::duration::human_ns;
use qalipsis_model::histogram::Histogram;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Durations with their name and a colour of the style sheet: `a`, `b`, `c` or `bad`.
type Set<'a> = (&'a str, &'static str, &'a Histogram);

/// How `filled` sets of durations are distributed, over one logarithmic axis, and one more as an outline, which hides none
/// of them. Nothing when all are empty.
pub(in crate::html) fn distributions(title: &str, filled: &[Set<'_>], outlined: Option<Set<'_>>) -> Markup {
    let sets = || filled.iter().chain(&outlined).filter(|(_, _, times)| !times.is_empty());
    let Some(axis) = Axis::over(sets().map(|(_, _, times)| *times)) else { return html! {} };
    let tallest = sets().flat_map(|(_, _, times)| axis.bars(times)).max().unwrap_or(1);
    let place = (TOP, HEIGHT - BOTTOM);
    let height = |count: u64| TOP + (1.0 - count as f64 / tallest as f64) * (HEIGHT - TOP - BOTTOM);
    let drawing = html! {
        @for count in BTreeSet::from([0, tallest / 2, tallest]) { (horizontal(height(count), &number(count))) }
        @for share in SHARES { (below(axis.x_of_share(share), anchor(share), &human_ns(axis.value(share)), HEIGHT)) }
        @for (_, class, times) in filled { (bars(class, &axis, &axis.bars(times), tallest, place)) }
        @if let Some((_, class, times)) = outlined {
            path class={ "line " (class) } d=(outline(&axis, &axis.bars(times), tallest, place)) {}
        }
    };
    figure(title, HEIGHT, &drawing, sets().map(|(name, class, _)| (*name, *class)))
}

/// One row of [`strips`].
pub(in crate::html) struct Strip<'a> {
    pub(in crate::html) name: &'a str,
    /// `a` or `bad`: a colour of the style sheet.
    pub(in crate::html) class: &'static str,
    pub(in crate::html) times: &'a Histogram,
}

/// Height of a row, of which a part is free above it.
const STRIP: f64 = 52.0;
const STRIP_FREE: f64 = 22.0;

/// Distributions below each other over one logarithmic axis, each scaled to its own tallest bar, so that few samples
/// compare with many. A line marks the 95th percentile, a dot the longest. Nothing when all are empty.
pub(in crate::html) fn strips(title: &str, strips: &[Strip<'_>]) -> Markup {
    let Some(axis) = Axis::over(strips.iter().map(|strip| strip.times)) else { return html! {} };
    let height = STRIP * strips.len() as f64 + BOTTOM;
    let drawing = html! {
        @for share in SHARES {
            @let x = axis.x_of_share(share);
            line.grid x1=(Px(x)) x2=(Px(x)) y1=(Px(4.0)) y2=(Px(height - BOTTOM)) {}
            (below(x, anchor(share), &human_ns(axis.value(share)), height))
        }
        @for (index, one) in strips.iter().enumerate() { (strip(one, &axis, STRIP * index as f64)) }
    };
    figure(title, height, &drawing, std::iter::empty())
}

/// One row that begins at the height `top`.
fn strip(strip: &Strip<'_>, axis: &Axis, top: f64) -> Markup {
    let base = top + STRIP;
    let name = format!("{}, {}", fit(&one_line(strip.name), 40, "…"), number(strip.times.count()));
    let counts = axis.bars(strip.times);
    let tallest = counts.iter().max().copied().unwrap_or(1);
    html! {
        line.grid x1=(Px(LEFT)) x2=(Px(WIDTH)) y1=(Px(base)) y2=(Px(base)) {}
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
        text x="4" y=(Px(top + 16.0)) { (text(&name)) }
    }
}

/// Bars between two heights, `tallest` filling them.
fn bars(class: &str, axis: &Axis, counts: &[u64; BARS], tallest: u64, (top, base): (f64, f64)) -> Markup {
    let step = 1.0 / BARS as f64;
    let width = axis.x_of_share(step) - LEFT - 0.5;
    html! {
        @for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            @let height = height_of(*count, tallest, base - top);
            @let share = index as f64 * step;
            @let (from, to) = (human_ns(axis.value(share)), human_ns(axis.value(share + step)));
            rect class={ "bar " (class) } x=(Px(axis.x_of_share(share))) y=(Px(base - height)) width=(Px(width))
                height=(Px(height)) {
                title { (number(*count)) " from " (from) " to " (to) }
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
