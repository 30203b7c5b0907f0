//! What users did to a campaign while it ran, in words.

use qalipsis_judge::report::Report;
use qalipsis_model::control::Pause;
use qalipsis_model::duration::human;

/// Lines of each kind where there is little room; `summary.json` has all of them.
pub(crate) const SHOWN: usize = 20;

/// One line with its label: `paused`, `05:06:10.000-05:06:15.000 UTC, for 5 s`.
pub(crate) type Line = (&'static str, String);

/// Pauses, then markers, each in their order and at most so many.
pub(crate) fn lines(report: &Report, most: usize) -> Vec<Line> {
    let pauses = report.controls.pauses.iter().map(|one| ("paused", pause(one)));
    let markers = report.controls.markers.iter();
    let markers = markers.map(|one| ("marker", format!("{} UTC: {}", one.at.time_of_day(), one.label)));
    let mut lines = shortened(pauses, most);
    lines.extend(shortened(markers, most));
    lines
}

fn shortened(lines: impl ExactSizeIterator<Item = Line>, most: usize) -> Vec<Line> {
    let more = lines.len().saturating_sub(most);
    let mut shown: Vec<Line> = lines.take(most).collect();
    if let Some((label, _)) = shown.last().filter(|_| more > 0) {
        shown.push((label, format!("and {more} more")));
    }
    shown
}

/// When a pause was: `05:06:10.000-05:06:15.000 UTC, for 5 s`.
pub(crate) fn pause(pause: &Pause) -> String {
    let from = pause.from.time_of_day();
    match pause.until {
        Some(until) => format!("{from}-{} UTC, for {}", until.time_of_day(), human(until.since(pause.from))),
        None => format!("since {from} UTC"),
    }
}
