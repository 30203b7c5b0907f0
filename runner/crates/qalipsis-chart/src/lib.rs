//! Charts as SVG, complete without scripts, for the report and for pages of a server alike.
//!
//! [`TimeChart`] draws lines over time with limits, bands and markers, [`Distribution`] and [`Strips`] draw how durations
//! are distributed, [`spark`] is a line of the size of a word. They know numbers, labels and marks. Labels are escaped;
//! whoever has them from outside makes them one line before.
//!
//! [`load`] draws the load of a profile with plain characters.
//!
//! [`SCRIPT`] adds the values at an instant and the selection of a window of time. A page allows it by [`script_hash`], or
//! serves it as a file of its own. [`STYLE`] gives charts their colours; it expects those of the page as custom
//! properties.

mod axis;
mod distribution;
mod frame;
mod load;
mod mark;
mod path;
mod script;
mod spark;
mod strip;
mod tick;
mod time_chart;

pub use distribution::{Distribution, Durations};
pub use load::load;
pub use mark::{Band, Limit, Marker, Marks};
pub use script::{SCRIPT, script_hash};
pub use spark::{spark, spark_of};
pub use strip::{Strip, Strips};
pub use tick::{Tick, counts, logarithmic, times, values};
pub use time_chart::{Line, TimeChart, Unit};

/// The style sheet of charts. It takes colours from `--ink`, `--dim`, `--rule`, `--paper`, `--warn`, `--bad`, `--a`,
/// `--b` and `--c`.
pub const STYLE: &str = include_str!("style.css");
