//! A window of a campaign, in seconds from the start of its load.

use crate::link;
use crate::refusal::Refusal;
use crate::tables::tables;
use maud::{Markup, html};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_report::markup::text;
use qalipsis_server::{Api, Shown};
use serde::Deserialize;
use std::time::Duration;

/// The longest time that can be asked for, in seconds: ten years.
const LONGEST: f64 = 315_360_000.0;

/// What the query asks for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// A window that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    from: f64,
    to: Option<f64>,
}

impl Asked {
    /// The window; `None` for all of the time.
    pub(crate) fn window(&self) -> Result<Option<Window>, Refusal> {
        let read = |name: &str, text: &str| {
            let text = text.trim();
            let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=LONGEST).contains(seconds));
            match seconds {
                // To the millisecond, as instants are written.
                Some(seconds) => Ok(Some((seconds * 1e3).round() / 1e3)),
                None if text.is_empty() => Ok(None),
                None => {
                    Err(Refusal::bad_request(format!("{name}: must be seconds from the start of the load")))
                }
            }
        };
        Ok(match (read("from", &self.from)?, read("to", &self.to)?) {
            (None, None) => None,
            (from, to) => Some(Window { from: from.unwrap_or(0.0), to }),
        })
    }
}

impl Window {
    /// The instants of the window.
    fn instants(self, started: Timestamp) -> std::ops::Range<Timestamp> {
        let at = |seconds: f64| started.plus(Duration::from_secs_f64(seconds));
        at(self.from)..self.to.map_or(Timestamp(u64::MAX), at)
    }
}

/// The names of the steps of a scenario, in order of declaration.
fn steps(shown: &Shown, scenario: &str) -> Vec<String> {
    match shown {
        Shown::Running(report) => {
            let known = report.scenarios.iter().filter(|one| one.name == scenario);
            known.flat_map(|one| &one.steps).map(|step| step.name.clone()).collect()
        }
        Shown::Ended(outcome) => {
            let known = outcome.summary["scenarios"].as_array().into_iter().flatten();
            let known = known.filter(|one| one["name"] == scenario);
            let steps = known.filter_map(|one| one["steps"].as_array()).flatten();
            steps.map(|step| step["name"].as_str().unwrap_or_default().to_owned()).collect()
        }
    }
}

/// The form for a window, and what was done in it.
pub(crate) async fn section(
    api: &Api,
    key: &str,
    started: Timestamp,
    shown: &Shown,
    window: Option<Window>,
) -> Result<Markup, Refusal> {
    let shown_tables = match window {
        Some(window) => shown_window(api, key, started, shown, window).await?,
        None => html! {},
    };
    let from = window.map_or_else(String::new, |window| window.from.to_string());
    let to = window.and_then(|window| window.to).map_or_else(String::new, |to| to.to_string());
    Ok(html! {
        section id="window" {
            form.row method="get" action=(link::campaign(key)) data-window="" {
                label { "From second " input type="number" name="from" min="0" step="any" value=(from); }
                label { "to " input type="number" name="to" min="0" step="any" value=(to); }
                button type="submit" { "Show this window" }
                @if window.is_some() { a href=(link::campaign(key)) { "All of the time" } }
                @else { span.dim { "or drag over a chart" } }
            }
            (shown_tables)
        }
    })
}

async fn shown_window(
    api: &Api,
    key: &str,
    started: Timestamp,
    shown: &Shown,
    asked: Window,
) -> Result<Markup, Refusal> {
    let instants = asked.instants(started);
    let from = instants.start.rfc3339();
    let to = asked.to.map_or_else(String::new, |_| instants.end.rfc3339());
    let json = link::query(&link::api(key, "/timeline"), &[("from", &from), ("to", &to)]);
    let merged = api.window(key, instants).await?;
    let title = match asked.to {
        Some(to) => format!("Second {} to {to}", asked.from),
        None => format!("From second {} on", asked.from),
    };
    Ok(html! {
        h2 { (title) }
        p.dim { "The seconds that begin in this window, with exact percentiles. " a href=(json) { "As JSON" } }
        @if merged.is_empty() { p { "Nothing was done in it." } }
        @for ((scenario, zone), figures) in &merged {
            @let steps = steps(shown, scenario);
            h3 {
                (text(scenario))
                @if let Some(zone) = zone { " in zone " (text(zone)) }
            }
            (tables(figures, &steps.iter().map(String::as_str).collect::<Vec<_>>()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: &str, to: &str) -> Asked {
        Asked { from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn a_window_is_read_in_seconds_and_nothing_else() {
        assert_eq!(asked("", " ").window().unwrap(), None);
        assert_eq!(asked("1.5", "").window().unwrap(), Some(Window { from: 1.5, to: None }));
        assert_eq!(asked("", "3").window().unwrap(), Some(Window { from: 0.0, to: Some(3.0) }));
        for wrong in ["-1", "NaN", "inf", "x", "1e300"] {
            assert!(asked(wrong, "").window().is_err(), "{wrong}");
        }
        let instants = Window { from: 1.5, to: Some(2.0) }.instants(Timestamp(10));
        assert_eq!(instants, Timestamp(1_500_000_010)..Timestamp(2_000_000_010));
    }
}
