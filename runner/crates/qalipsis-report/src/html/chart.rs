//! Charts as SVG.

use super::markup::escape;
use qalipsis_model::duration::human_ns;
use qalipsis_model::histogram::Histogram;
use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 170.0;
/// Room for the numbers on the left and the times below.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 8.0;

/// The most points that one line is drawn with: more than a screen has columns is wasted.
const POINTS: usize = 400;

/// Bars of a distribution.
const BARS: usize = 60;

/// A line over time. Seconds from the start of the load; `None` is a gap.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// `a`, `b`, `c` or `bad`: a colour of the style sheet.
    pub(super) class: &'static str,
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// Lines over time with horizontal `limits`; `show` writes a value. Nothing when there is no point.
pub(super) fn lines(
    title: &str,
    lines: &[Line<'_>],
    limits: &[(String, f64)],
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

    let mut svg = open(title);
    let shares: &[f64] = if highest > 0.0 { &[0.0, 0.5, 1.0] } else { &[0.0] };
    for share in shares {
        horizontal(&mut svg, y(highest * share), &show(highest * share), "grid");
    }
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let anchor = if share == 1.0 { "end" } else { "middle" };
        below(&mut svg, x(end * share), anchor, &seconds(end * share));
    }
    for (name, limit) in limits {
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
    figure(title, &svg, names.chain(limits))
}

/// How two sets of durations are distributed, over a logarithmic axis; nothing when both are empty.
pub(super) fn distributions(title: &str, sets: &[(&str, &'static str, &Histogram)]) -> String {
    let filled: Vec<_> = sets.iter().filter(|(_, _, histogram)| !histogram.is_empty()).collect();
    let lowest = filled.iter().filter_map(|(_, _, h)| h.min_ns()).min();
    let highest = filled.iter().filter_map(|(_, _, h)| h.max_ns()).max();
    let (Some(lowest), Some(highest)) = (lowest, highest) else { return String::new() };
    let low = (lowest.max(1) as f64).ln();
    // One value alone still has an axis around it.
    let span = ((highest.max(1) as f64).ln() - low).max(0.1);
    let bar_of =
        |ns: u64| ((((ns.max(1) as f64).ln() - low) / span * BARS as f64).max(0.0) as usize).min(BARS - 1);
    let bars: Vec<(&str, [u64; BARS])> = filled
        .iter()
        .map(|(_, class, histogram)| {
            let mut bars = [0; BARS];
            histogram.counts().for_each(|(ns, count)| bars[bar_of(ns)] += count);
            (*class, bars)
        })
        .collect();
    let tallest = bars.iter().flat_map(|(_, bars)| bars).max().copied().unwrap_or(1).max(1);
    let step = (WIDTH - LEFT - 8.0) / BARS as f64;
    let value = |share: f64| (low + span * share).exp() as u64;

    let mut svg = open(title);
    for share in [0.0, 0.5, 1.0] {
        let y = TOP + (1.0 - share) * (HEIGHT - TOP - BOTTOM);
        horizontal(&mut svg, y, &crate::text::number((tallest as f64 * share) as u64), "grid");
    }
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let anchor = if share == 1.0 { "end" } else { "middle" };
        below(&mut svg, LEFT + share * step * BARS as f64, anchor, &human_ns(value(share)));
    }
    for (class, bars) in &bars {
        for (index, count) in bars.iter().enumerate().filter(|(_, count)| **count > 0) {
            // A lone outlier is what one looks for: it stays visible.
            let height = (*count as f64 / tallest as f64 * (HEIGHT - TOP - BOTTOM)).max(1.5);
            let _ = write!(
                svg,
                "<rect class=\"bar {class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{} from {} to {}</title></rect>",
                LEFT + index as f64 * step,
                HEIGHT - BOTTOM - height,
                step - 1.0,
                crate::text::number(*count),
                human_ns(value(index as f64 / BARS as f64)),
                human_ns(value((index + 1) as f64 / BARS as f64)),
            );
        }
    }
    svg.push_str("</svg>");
    figure(title, &svg, filled.iter().map(|(name, class, _)| ((*name).to_owned(), *class)))
}

fn open(title: &str) -> String {
    let title = escape(&crate::text::one_line(title));
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">")
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

fn below(svg: &mut String, x: f64, anchor: &str, label: &str) {
    let y = HEIGHT - 5.0;
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
    human_ns((seconds * 1e9) as u64)
}

/// At most [`POINTS`], each the largest of its neighbours: a peak is never lost.
fn thinned(points: &[(f64, Option<f64>)]) -> Vec<(f64, Option<f64>)> {
    let largest = |some: &[(f64, Option<f64>)]| {
        some.iter().copied().max_by(|a, b| a.1.unwrap_or(-1.0).total_cmp(&b.1.unwrap_or(-1.0)))
    };
    points.chunks(points.len().div_ceil(POINTS).max(1)).filter_map(largest).collect()
}
