//! Charts as SVG.

mod axis;
mod distribution;

pub(super) use distribution::{Strip, distributions, strips};

use super::markup::escape;
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

/// Lines over time with marks; `show` writes a value. Nothing when there is no point.
pub(super) fn lines(
    title: &str,
    lines: &[Line<'_>],
    Marks { limits, gaps }: &Marks<'_>,
    show: &dyn Fn(f64) -> String,
) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let values = points().filter_map(|(_, value)| *value);
    let highest = values.chain(limits.iter().map(|(_, limit)| *limit)).fold(0.0, f64::max);
    let end = points().map(|(at, _)| *at).fold(0.0, f64::max);
    if points().all(|(_, value)| value.is_none()) {
        return String::new();
    }
    let top = if highest > 0.0 { highest * 1.05 } else { 1.0 };
    let end = if end > 0.0 { end } else { 1.0 };
    let x = |at: f64| LEFT + at / end * (WIDTH - LEFT - 8.0);
    let y = |value: f64| TOP + (1.0 - value.max(0.0) / top) * (HEIGHT - TOP - BOTTOM);

    let mut svg = open(title, HEIGHT);
    for (from, to, name) in *gaps {
        let (left, right) = (x(from.clamp(0.0, end)), x(to.unwrap_or(end).clamp(0.0, end)));
        let _ = write!(
            svg,
            "<rect class=\"gap\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{}\"><title>{}</title></rect>",
            (right - left).max(1.5),
            HEIGHT - TOP - BOTTOM,
            escape(&crate::text::one_line(name))
        );
    }
    let shares: &[f64] = if highest > 0.0 { &[0.0, 0.5, 1.0] } else { &[0.0] };
    for share in shares {
        horizontal(&mut svg, y(highest * share), &show(highest * share), "grid");
    }
    for share in SHARES {
        below(&mut svg, x(end * share), anchor(share), &seconds(end * share), HEIGHT);
    }
    for (name, limit) in *limits {
        let _ = write!(
            svg,
            "<line class=\"limit\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\"><title>{1}</title></line>",
            y(*limit),
            escape(&crate::text::one_line(name))
        );
    }
    for line in lines {
        let mut path = String::new();
        let mut pen = 'M';
        for (at, value) in thinned(&line.points) {
            match value {
                Some(value) => {
                    let _ = write!(path, "{pen}{:.1} {:.1}", x(at), y(value));
                    // A single point between two gaps is still seen: its line has a round cap.
                    if pen == 'M' {
                        path.push_str("h0");
                    }
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        let _ = write!(svg, "<path class=\"line {}\" d=\"{path}\"/>", line.class);
    }
    svg.push_str("</svg>");
    let names = lines.iter().map(|line| (line.name.to_owned(), line.class));
    let limits = limits.iter().map(|(name, _)| (name.clone(), "limit"));
    let unread = (!gaps.is_empty()).then(|| ("a source could not be read".to_owned(), "gap"));
    figure(title, &svg, names.chain(limits).chain(unread))
}

/// Where labels stand on an axis.
const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

fn anchor(share: f64) -> &'static str {
    if share == 1.0 { "end" } else { "middle" }
}

fn open(title: &str, height: f64) -> String {
    let title = escape(&crate::text::one_line(title));
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">")
}

fn horizontal(svg: &mut String, y: f64, label: &str, class: &str) {
    let _ = write!(
        svg,
        "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
        LEFT - 6.0,
        y + 4.0,
        escape(label)
    );
}

/// A label at the bottom of a chart of this height.
fn below(svg: &mut String, x: f64, anchor: &str, label: &str, height: f64) {
    let y = height - 5.0;
    let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>", escape(label));
}

fn figure(title: &str, svg: &str, names: impl Iterator<Item = (String, &'static str)>) -> String {
    let mut keys = String::new();
    for (name, class) in names {
        let name = escape(&crate::text::one_line(&name));
        let _ = write!(keys, "<span class=\"key {class}\">{name}</span>");
    }
    let title = escape(&crate::text::one_line(title));
    format!("<figure><figcaption>{title} {keys}</figcaption>{svg}</figure>\n")
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
