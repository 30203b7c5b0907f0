//! Distributions of durations.

use super::axis::{Axis, BARS};
use super::{BOTTOM, HEIGHT, LEFT, SHARES, TOP, WIDTH, anchor, below, escape, figure, horizontal, open};
use crate::text::{self, number};
use qalipsis_model::duration::human_ns;
use qalipsis_model::histogram::Histogram;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Durations with their name and a colour of the style sheet: `a`, `b`, `c` or `bad`.
type Set<'a> = (&'a str, &'static str, &'a Histogram);

/// How `filled` sets of durations are distributed, over one logarithmic axis, and one more as an outline, which hides none
/// of them. Nothing when all are empty.
pub(in crate::html) fn distributions(title: &str, filled: &[Set<'_>], outlined: Option<Set<'_>>) -> String {
    let sets = || filled.iter().chain(&outlined).filter(|(_, _, times)| !times.is_empty());
    let Some(axis) = Axis::over(sets().map(|(_, _, times)| *times)) else { return String::new() };
    let tallest = sets().flat_map(|(_, _, times)| axis.bars(times)).max().unwrap_or(1);
    let place = (TOP, HEIGHT - BOTTOM);

    let mut svg = open(title, HEIGHT);
    for count in BTreeSet::from([0, tallest / 2, tallest]) {
        let share = count as f64 / tallest as f64;
        let y = TOP + (1.0 - share) * (HEIGHT - TOP - BOTTOM);
        horizontal(&mut svg, y, &number(count), "grid");
    }
    for share in SHARES {
        below(&mut svg, axis.x_of_share(share), anchor(share), &human_ns(axis.value(share)), HEIGHT);
    }
    for (_, class, times) in filled {
        bars(&mut svg, class, &axis, &axis.bars(times), tallest, place);
    }
    if let Some((_, class, times)) = outlined {
        outline(&mut svg, class, &axis, &axis.bars(times), tallest, place);
    }
    svg.push_str("</svg>");
    figure(title, &svg, sets().map(|(name, class, _)| ((*name).to_owned(), *class)))
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
pub(in crate::html) fn strips(title: &str, strips: &[Strip<'_>]) -> String {
    let Some(axis) = Axis::over(strips.iter().map(|strip| strip.times)) else { return String::new() };
    let height = STRIP * strips.len() as f64 + BOTTOM;
    let mut svg = open(title, height);
    for share in SHARES {
        let x = axis.x_of_share(share);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"4\" y2=\"{:.1}\"/>",
            height - BOTTOM
        );
        below(&mut svg, x, anchor(share), &human_ns(axis.value(share)), height);
    }
    for (index, strip) in strips.iter().enumerate() {
        let top = STRIP * index as f64;
        let base = top + STRIP;
        let count = strip.times.count();
        let name = format!("{}, {}", text::fit(&text::one_line(strip.name), 40, "…"), number(count));
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{base:.1}\" y2=\"{base:.1}\"/>"
        );
        let counts = axis.bars(strip.times);
        let tallest = counts.iter().max().copied().unwrap_or(1);
        bars(&mut svg, strip.class, &axis, &counts, tallest, (top + STRIP_FREE, base));
        if let (Some(p95), Some(max)) = (strip.times.percentile_ns(95.0), strip.times.max_ns()) {
            let (mark, dot) = (axis.x(p95), axis.x(max));
            let _ = write!(
                svg,
                "<line class=\"line {0}\" x1=\"{mark:.1}\" x2=\"{mark:.1}\" y1=\"{1:.1}\" y2=\"{base:.1}\"><title>p95 {2}</title></line>\
                 <circle class=\"bar {0}\" cx=\"{dot:.1}\" cy=\"{3:.1}\" r=\"3\"><title>max {4}</title></circle>",
                strip.class,
                top + STRIP_FREE - 3.0,
                human_ns(p95),
                base - 3.0,
                human_ns(max),
            );
        }
        let _ = write!(svg, "<text x=\"4\" y=\"{:.1}\">{}</text>", top + 16.0, escape(&name));
    }
    svg.push_str("</svg>");
    figure(title, &svg, std::iter::empty())
}

/// Draws bars between two heights, `tallest` filling them.
fn bars(
    svg: &mut String,
    class: &str,
    axis: &Axis,
    counts: &[u64; BARS],
    tallest: u64,
    (top, base): (f64, f64),
) {
    let step = 1.0 / BARS as f64;
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = height_of(*count, tallest, base - top);
        let share = index as f64 * step;
        let _ = write!(
            svg,
            "<rect class=\"bar {class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{} from {} to {}</title></rect>",
            axis.x_of_share(share),
            base - height,
            axis.x_of_share(step) - LEFT - 0.5,
            number(*count),
            human_ns(axis.value(share)),
            human_ns(axis.value(share + step)),
        );
    }
}

/// Draws the upper edge of bars between two heights, `tallest` filling them.
fn outline(
    svg: &mut String,
    class: &str,
    axis: &Axis,
    counts: &[u64; BARS],
    tallest: u64,
    (top, base): (f64, f64),
) {
    let mut path = format!("M{LEFT} {base:.1}");
    for (index, count) in counts.iter().enumerate() {
        let y = base - height_of(*count, tallest, base - top);
        let _ = write!(path, "V{y:.1}H{:.1}", axis.x_of_share((index + 1) as f64 / BARS as f64));
    }
    let _ = write!(svg, "<path class=\"line {class}\" d=\"{path}V{base:.1}\"/>");
}

/// A lone outlier is what one looks for: it stays visible.
fn height_of(count: u64, tallest: u64, room: f64) -> f64 {
    match count {
        0 => 0.0,
        count => (count as f64 / tallest.max(1) as f64 * room).max(1.5),
    }
}
