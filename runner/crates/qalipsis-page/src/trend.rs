//! How a scenario did in its last runs.

use crate::link;
use maud::{Markup, html};
use qalipsis_model::duration::human_ns;
use qalipsis_report::html::tone;
use qalipsis_report::markup::text;
use qalipsis_report::text::one_line;
use qalipsis_store::TrendPoint;

/// Runs that are drawn.
pub(crate) const RUNS: u32 = 30;

/// Width and height of a drawing, in units of its own.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 40.0;

/// Room below the bars for the line of runs that measured nothing.
const BASE: f64 = 4.0;

/// The p95 of the iterations of each run as a bar, coloured by the verdict. The points come as the store gives them, the last
/// run first; they are drawn from left to right.
pub(crate) fn trend(scenario: &str, points: &[TrendPoint]) -> Markup {
    let p95 = |point: &TrendPoint| point.scenario.times.map(|times| times.p95_ns);
    let Some(last) = points.first() else { return html! {} };
    let highest = points.iter().filter_map(p95).max().unwrap_or(0).max(1);
    let width = WIDTH / f64::from(RUNS);
    let bar = |index: usize, point: &TrendPoint| {
        let height = p95(point).map_or(0.0, |ns| ns as f64 / highest as f64) * (HEIGHT - BASE) + BASE;
        let shown =
            p95(point).map_or_else(|| "nothing measured".to_owned(), |ns| format!("p95 {}", human_ns(ns)));
        let title =
            format!("{} {}, {}, {shown}", point.status, one_line(&point.name), point.started.rfc3339());
        html! {
            a href=(link::campaign(&point.campaign)) aria-label=(title) {
                rect class=(tone(point.status)) x=(format_args!("{:.1}", index as f64 * width + 1.0))
                    y=(format_args!("{:.1}", HEIGHT - height)) width=(format_args!("{:.1}", width - 2.0))
                    height=(format_args!("{height:.1}")) rx="1" { title { (title) } }
            }
        }
    };
    let runs = points.len();
    html! {
        figure.trend {
            figcaption {
                a href=(link::query("/", &[("scenario", scenario)])) { (text(scenario)) }
                span.dim { (format!(" last {}", last.status)) @if let Some(ns) = p95(last) { ", p95 " (human_ns(ns)) } }
            }
            svg viewBox=(format_args!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="xMinYMid" role="group"
                aria-label=(one_line(&format!("p95 of an iteration of {scenario} in its last {runs} runs"))) {
                @for (index, point) in points.iter().rev().enumerate() { (bar(index, point)) }
            }
        }
    }
}
