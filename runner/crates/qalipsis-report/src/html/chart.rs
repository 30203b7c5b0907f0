//! Charts as SVG.

mod axis;
mod distribution;

pub(super) use distribution::{Strip, distributions, strips};

use crate::markup::text;
use maud::{Markup, Render, html};
use qalipsis_model::duration::human_ns;
use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 170.0;
/// Room for the numbers on the left and the times below.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 8.0;

/// The most points that one line is drawn with: more than a screen has columns is wasted.
const POINTS: usize = 400;

/// A line over time. Seconds from the start of the load; `None` is a gap.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// `a`, `b`, `c` or `bad`: a colour of the style sheet.
    pub(super) class: &'static str,
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// What a chart over time shows beside its lines.
pub(super) struct Marks<'a> {
    /// Horizontal lines.
    pub(super) limits: &'a [(String, f64)],
    /// From a second to a second, or to the end: when a source could not be read.
    pub(super) gaps: &'a [(f64, Option<f64>, String)],
}

/// None.
pub(super) const NO_MARKS: Marks<'static> = Marks { limits: &[], gaps: &[] };

/// A length on a chart, to a tenth.
struct Px(f64);

impl Render for Px {
    fn render_to(&self, buffer: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(buffer, "{:.1}", self.0);
    }
}

/// Lines over time with marks; `show` writes a value. Nothing when there is no point.
pub(super) fn lines(
    title: &str,
    lines: &[Line<'_>],
    Marks { limits, gaps }: &Marks<'_>,
    show: &dyn Fn(f64) -> String,
) -> Markup {
    let points = || lines.iter().flat_map(|line| &line.points);
    let values = points().filter_map(|(_, value)| *value);
    let highest = values.chain(limits.iter().map(|(_, limit)| *limit)).fold(0.0, f64::max);
    let end = points().map(|(at, _)| *at).fold(0.0, f64::max);
    if points().all(|(_, value)| value.is_none()) {
        return html! {};
    }
    let top = if highest > 0.0 { highest * 1.05 } else { 1.0 };
    let end = if end > 0.0 { end } else { 1.0 };
    let x = |at: f64| LEFT + at / end * (WIDTH - LEFT - 8.0);
    let y = |value: f64| TOP + (1.0 - value.max(0.0) / top) * (HEIGHT - TOP - BOTTOM);
    let shares: &[f64] = if highest > 0.0 { &[0.0, 0.5, 1.0] } else { &[0.0] };
    let drawing = html! {
        @for (from, to, name) in *gaps {
            @let left = x(from.clamp(0.0, end));
            @let right = x(to.unwrap_or(end).clamp(0.0, end));
            rect.gap x=(Px(left)) y=(Px(TOP)) width=(Px((right - left).max(1.5))) height=(Px(HEIGHT - TOP - BOTTOM)) {
                title { (text(name)) }
            }
        }
        @for share in shares { (horizontal(y(highest * share), &show(highest * share))) }
        @for share in SHARES { (below(x(end * share), anchor(share), &seconds(end * share), HEIGHT)) }
        @for (name, limit) in *limits {
            @let y = Px(y(*limit));
            line.limit x1=(Px(LEFT)) x2=(Px(WIDTH)) y1=(y) y2=(y) { title { (text(name)) } }
        }
        @for line in lines {
            path class={ "line " (line.class) } d=(course(&line.points, x, y)) {}
        }
    };
    let names = lines.iter().map(|line| (line.name, line.class));
    let limits = limits.iter().map(|(name, _)| (name.as_str(), "limit"));
    let unread = (!gaps.is_empty()).then_some(("a source could not be read", "gap"));
    figure(title, HEIGHT, &drawing, names.chain(limits).chain(unread))
}

/// The path of a line, which is interrupted by gaps.
fn course(points: &[(f64, Option<f64>)], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut pen = 'M';
    for (at, value) in thinned(points) {
        let Some(value) = value else {
            pen = 'M';
            continue;
        };
        // Writing to a string cannot fail.
        let _ = write!(path, "{pen}{:.1} {:.1}", x(at), y(value));
        // A single point between two gaps is still seen: its line has a round cap.
        if pen == 'M' {
            path.push_str("h0");
        }
        pen = 'L';
    }
    path
}

/// Where labels stand on an axis.
const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

fn anchor(share: f64) -> &'static str {
    if share == 1.0 { "end" } else { "middle" }
}

/// A line of the grid with its label.
fn horizontal(y: f64, label: &str) -> Markup {
    html! {
        line.grid x1=(Px(LEFT)) x2=(Px(WIDTH)) y1=(Px(y)) y2=(Px(y)) {}
        text x=(Px(LEFT - 6.0)) y=(Px(y + 4.0)) text-anchor="end" { (text(label)) }
    }
}

/// A label at the bottom of a chart of this height.
fn below(x: f64, anchor: &str, label: &str, height: f64) -> Markup {
    html! {
        text x=(Px(x)) y=(Px(height - 5.0)) text-anchor=(anchor) { (text(label)) }
    }
}

/// A chart with its title and its key: names with their colours of the style sheet.
fn figure<'a>(
    title: &str,
    height: f64,
    drawing: &Markup,
    key: impl Iterator<Item = (&'a str, &'static str)>,
) -> Markup {
    html! {
        figure {
            figcaption {
                (text(title)) " "
                @for (name, class) in key { span class={ "key " (class) } { (text(name)) } }
            }
            svg viewBox=(format_args!("0 0 {WIDTH} {height}")) role="img" aria-label=(text(title)) { (drawing) }
        }
    }
}

fn seconds(seconds: f64) -> String {
    if seconds > 0.0 { human_ns((seconds * 1e9) as u64) } else { "0 s".to_owned() }
}

/// At most [`POINTS`], each the largest of its neighbours: a peak is never lost.
fn thinned(points: &[(f64, Option<f64>)]) -> Vec<(f64, Option<f64>)> {
    let largest = |some: &[(f64, Option<f64>)]| {
        some.iter().copied().max_by(|a, b| a.1.unwrap_or(-1.0).total_cmp(&b.1.unwrap_or(-1.0)))
    };
    points.chunks(points.len().div_ceil(POINTS).max(1)).filter_map(largest).collect()
}
