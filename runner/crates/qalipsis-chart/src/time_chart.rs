//! Lines over time.

use crate::frame::{BOTTOM, HEIGHT, Px, RIGHT, TOP, WIDTH, across, below, figure, left_of};
use crate::mark::{Band, Marks};
use crate::path::{course, short};
use crate::tick::{Tick, times, values};
use maud::{Markup, Render, html};
use std::collections::BTreeMap;

/// Room around the drawing in which lines at its edges keep their width.
const EDGE: f64 = 3.0;

/// Markers that the key explains; the others are explained where they are.
const EXPLAINED: usize = 6;

/// What the values of a chart are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit<'a> {
    /// Durations in nanoseconds.
    Nanoseconds,
    /// Numbers with this behind them: `/s`.
    Number(&'a str),
}

/// A line over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<'a> {
    /// What the key says of it.
    pub name: &'a str,
    /// `a`, `b`, `c` or `bad`: a colour of the style sheet.
    pub class: &'static str,
    /// Seconds from the start of the load, and the values; `None` is a gap.
    pub points: Vec<(f64, Option<f64>)>,
}

/// Lines over time with marks. Renders to nothing when there is no value.
///
/// The drawing is an `svg` of its own in the chart, whose `viewBox` is the data: seconds to the right, values upwards. So
/// its lines are the data, and a script needs nothing beside them.
#[derive(Debug, Clone)]
pub struct TimeChart<'a> {
    /// What the chart shows.
    pub title: &'a str,
    /// What is drawn.
    pub lines: &'a [Line<'a>],
    /// What is shown beside the lines.
    pub marks: Marks<'a>,
    /// What the values are.
    pub unit: Unit<'a>,
}

/// The ranges of a chart, and the place of its drawing.
struct Plot {
    left: f64,
    end: f64,
    low: f64,
    high: f64,
    /// What a value of the drawing is in the unit of the data.
    scale: f64,
}

impl Plot {
    fn width(&self) -> f64 {
        WIDTH - self.left - RIGHT
    }

    fn height() -> f64 {
        HEIGHT - TOP - BOTTOM
    }

    fn x(&self, at: f64) -> f64 {
        self.left + at / self.end * self.width()
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (self.high - value) / (self.high - self.low) * Self::height()
    }

    /// The data that the drawing shows, with its edge.
    fn view_box(&self) -> String {
        let (x, y) = (self.end / self.width() * EDGE, (self.high - self.low) / Self::height() * EDGE);
        let (low, high) = (self.low - y, self.high + y);
        [-x, -high / self.scale, self.end + 2.0 * x, (high - low) / self.scale].map(|n| short(n, 7)).join(" ")
    }
}

impl TimeChart<'_> {
    fn plot(&self, ticks: &[Tick], low: f64, high: f64) -> Plot {
        let points = self.lines.iter().flat_map(|line| &line.points);
        let end = points.map(|(at, _)| *at).fold(0.0, f64::max);
        let scale = match self.unit {
            Unit::Nanoseconds if high >= 1e9 => 1e9,
            Unit::Nanoseconds if high >= 1e6 => 1e6,
            Unit::Nanoseconds if high >= 1e3 => 1e3,
            _ => 1.0,
        };
        Plot { left: left_of(ticks), end: if end > 0.0 { end } else { 1.0 }, low, high, scale }
    }

    fn ticks(&self, low: f64, high: f64) -> Vec<Tick> {
        match self.unit {
            Unit::Nanoseconds => times(low as u64, high as u64),
            Unit::Number(suffix) => values(low, high, suffix),
        }
    }

    fn drawing(&self, plot: &Plot) -> Markup {
        let Marks { limits, bands, markers } = self.marks;
        let scaled = |value: f64| short(-value / plot.scale, 7);
        let (bottom, top) = (scaled(plot.low), scaled(plot.high));
        let height = short((plot.high - plot.low) / plot.scale, 7);
        let suffix = if let Unit::Number(suffix) = self.unit { suffix } else { "" };
        let nanoseconds = (self.unit == Unit::Nanoseconds).then(|| short(plot.scale, 3));
        html! {
            svg.plot x=(Px(plot.left - EDGE)) y=(Px(TOP - EDGE)) width=(Px(plot.width() + 2.0 * EDGE))
                height=(Px(Plot::height() + 2.0 * EDGE)) viewBox=(plot.view_box()) preserveAspectRatio="none"
                data-end=(short(plot.end, 9)) data-ns=[nanoseconds] data-unit=[(!suffix.is_empty()).then_some(suffix)] {
                @for band in bands { (drawn(band, plot.end, &top, &height)) }
                @for limit in limits {
                    @let y = scaled(limit.value);
                    line.limit x1="0" x2=(short(plot.end, 9)) y1=(y) y2=(y) { title { (limit.label) } }
                }
                @for marker in markers {
                    @let at = short(marker.at, 9);
                    line.marker x1=(at) x2=(at) y1=(top) y2=(bottom) { title { (marker.label) } }
                }
                @for line in self.lines {
                    path class={ "line " (line.class) } d=(course(&line.points, plot.scale)) {}
                }
            }
            @for (number, marker) in (1..).zip(markers).filter(|(_, marker)| marker.at <= plot.end) {
                text.marker data-at=(short(marker.at, 9)) x=(Px(plot.x(marker.at) + 3.0)) y=(Px(TOP + 9.0)) { (number) }
            }
        }
    }
}

/// A band, which is seen however short it was.
fn drawn(band: &Band, end: f64, top: &str, height: &str) -> Markup {
    let (from, to) = (band.from.clamp(0.0, end), band.to.unwrap_or(end).clamp(0.0, end));
    html! {
        rect class={ "band " (band.class) } x=(short(from, 9)) y=(top) width=(short((to - from).max(end * 1e-6), 6))
            height=(height) {
            title { (band.label) }
        }
    }
}

impl Render for TimeChart<'_> {
    fn render(&self) -> Markup {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        if points().all(|(_, value)| value.is_none()) {
            return html! {};
        }
        let Marks { limits, bands, markers } = self.marks;
        let all = || points().filter_map(|(_, value)| *value).chain(limits.iter().map(|limit| limit.value));
        let (low, highest) = (all().fold(0.0, f64::min), all().fold(0.0, f64::max));
        let ticks = self.ticks(low, highest);
        let plot = self.plot(&ticks, low, if highest > low { highest } else { low + 1.0 });
        let drawing = html! {
            (across(&ticks, plot.left, |value| plot.y(value)))
            g.times { (below(&times(0, (plot.end * 1e9) as u64), HEIGHT, |ns| plot.x(ns / 1e9))) }
            (self.drawing(&plot))
        };
        let lines = self.lines.iter().map(|line| (line.name, line.class));
        let limits = limits.iter().map(|limit| (limit.label.as_str(), "limit"));
        let bands: BTreeMap<&str, &'static str> = bands.iter().map(|band| (band.key, band.class)).collect();
        let explained: Vec<String> =
            (1..).zip(markers).take(EXPLAINED).map(|(n, marker)| format!("{n} {}", marker.label)).collect();
        let more = markers.len().checked_sub(EXPLAINED).filter(|more| *more > 0);
        let more = more.map(|more| format!("and {more} more"));
        let markers = explained.iter().chain(&more).map(|label| (label.as_str(), "marker"));
        figure(self.title, ("over-time", HEIGHT), &drawing, lines.chain(limits).chain(bands).chain(markers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::{Limit, Marker};

    fn parsed(chart: &TimeChart<'_>) -> String {
        let markup = chart.render().into_string();
        roxmltree::Document::parse(&markup).unwrap_or_else(|error| panic!("{error}\n{markup}"));
        markup
    }

    #[test]
    fn marks_are_where_they_were_and_in_the_key() {
        let lines = [Line { name: "<p95>", class: "a", points: vec![(0.5, Some(2e6)), (9.5, Some(4e6))] }];
        let band = |from, to, class, key| Band { from, to, label: "why <it> was".into(), class, key };
        let markers: Vec<Marker> =
            (0..8).map(|n| Marker { at: f64::from(n), label: format!("deploy & {n}") }).collect();
        let chart = TimeChart {
            title: "\"times\"",
            lines: &lines,
            marks: Marks {
                limits: &[Limit { label: "below 5 ms".into(), value: 5e6 }],
                bands: &[band(2.0, Some(4.0), "pause", "paused"), band(7.5, None, "gap", "not read")],
                markers: &markers,
            },
            unit: Unit::Nanoseconds,
        };
        let markup = parsed(&chart);
        for part in [
            "<rect class=\"band pause\" x=\"2\" y=\"-5\" width=\"2\" height=\"5\"><title>why &lt;it&gt; was</title>",
            "<rect class=\"band gap\" x=\"7.5\" y=\"-5\" width=\"2\" height=\"5\">",
            "<line class=\"limit\" x1=\"0\" x2=\"9.5\" y1=\"-5\" y2=\"-5\"><title>below 5 ms</title>",
            "<line class=\"marker\" x1=\"3\" x2=\"3\" y1=\"-5\" y2=\"0\"><title>deploy &amp; 3</title>",
            "<span class=\"key pause\">paused</span>",
            "<span class=\"key marker\">1 deploy &amp; 0</span>",
            "<span class=\"key marker\">and 2 more</span>",
            "<path class=\"line a\" d=\"M.5-2h0L9.5-4\">",
        ] {
            assert!(markup.contains(part), "{part}\n{markup}");
        }
    }

    #[test]
    fn without_a_value_there_is_no_chart() {
        let lines = [Line { name: "p95", class: "a", points: vec![(0.5, None)] }];
        let chart = TimeChart { title: "x", lines: &lines, marks: Marks::default(), unit: Unit::Number("") };
        assert_eq!(chart.render().into_string(), "");
    }

    #[test]
    fn nothing_measured_above_zero_is_a_line_at_the_bottom() {
        let lines =
            [Line { name: "failures", class: "bad", points: vec![(0.5, Some(0.0)), (1.5, Some(0.0))] }];
        let chart =
            TimeChart { title: "x", lines: &lines, marks: Marks::default(), unit: Unit::Number("/s") };
        let markup = parsed(&chart);
        assert!(markup.contains(">0/s</text>") && markup.contains("d=\"M.5-0h0L1.5-0\""), "{markup}");
    }
}
