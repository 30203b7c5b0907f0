//! What all charts have around their drawing: a title, a key, a grid and labels.

use crate::tick::Tick;
use maud::{Markup, Render, html};
use std::fmt::Write as _;

pub(crate) const WIDTH: f64 = 640.0;
pub(crate) const HEIGHT: f64 = 170.0;
/// Room for the numbers on the left, free room on the right, above, and for the labels below.
pub(crate) const LEFT: f64 = 64.0;
pub(crate) const RIGHT: f64 = 8.0;
pub(crate) const TOP: f64 = 8.0;
pub(crate) const BOTTOM: f64 = 22.0;

/// Width of a character of the largest font in which labels are set, which is that on paper.
const CHARACTER: f64 = 10.0;

/// A length on a chart, to a tenth.
pub(crate) struct Px(pub(crate) f64);

impl Render for Px {
    fn render_to(&self, buffer: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(buffer, "{:.1}", self.0);
    }
}

/// Room that labels need on the left of an axis.
pub(crate) fn left_of(ticks: &[Tick]) -> f64 {
    let longest = ticks.iter().map(|tick| tick.label.chars().count()).max().unwrap_or(0);
    (longest as f64 * CHARACTER + 8.0).max(LEFT)
}

/// Lines of the grid with their labels, from `left` on.
pub(crate) fn across(ticks: &[Tick], left: f64, y: impl Fn(f64) -> f64) -> Markup {
    html! {
        @for tick in ticks {
            @let at = y(tick.at);
            line.grid x1=(Px(left)) x2=(Px(WIDTH - RIGHT)) y1=(Px(at)) y2=(Px(at)) {}
            text x=(Px(left - 6.0)) y=(Px(at + 4.0)) text-anchor="end" { (tick.label) }
        }
    }
}

/// Labels at the bottom of a chart of this height, none of which leaves it.
pub(crate) fn below(ticks: &[Tick], height: f64, x: impl Fn(f64) -> f64) -> Markup {
    html! {
        @for tick in ticks {
            @let at = x(tick.at);
            @let is_last = at + tick.label.chars().count() as f64 * CHARACTER / 2.0 > WIDTH;
            text x=(Px(if is_last { WIDTH } else { at })) y=(Px(height - 5.0))
                text-anchor=(if is_last { "end" } else { "middle" }) { (tick.label) }
        }
    }
}

/// A chart with its title and its key: names with their colours of the style sheet.
pub(crate) fn figure<'a>(
    title: &str,
    (class, height): (&str, f64),
    drawing: &Markup,
    key: impl Iterator<Item = (&'a str, &'static str)>,
) -> Markup {
    html! {
        figure class=(class) {
            figcaption {
                (title) " "
                @for (name, class) in key { span class={ "key " (class) } { (name) } }
            }
            svg viewBox=(format_args!("0 0 {WIDTH} {height}")) role="img" aria-label=(title) { (drawing) }
        }
    }
}
