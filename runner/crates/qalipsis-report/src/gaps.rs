//! When a source could not read, and what else passed at it, in words.

use crate::text::number;
use qalipsis_model::duration::human;
use qalipsis_model::join::{Gap, JoinFigures, Notice};
use std::time::Duration;

/// The most lines about one source in outputs that must be short.
pub(crate) const SHOWN: usize = 5;

/// One line for each interval and each kind of passing event.
pub(crate) fn lines(join: &JoinFigures) -> Vec<String> {
    let mut lines: Vec<String> = join.failed.iter().map(|why| format!("ended for good: {why}")).collect();
    lines.extend(join.gaps.iter().map(gap));
    if let Some(more) = join.gaps_total.checked_sub(join.gaps.len() as u64).filter(|more| *more > 0) {
        lines.push(format!("{} more intervals in which it could not be read", number(more)));
    }
    lines.extend(join.notices.values().map(notice));
    lines
}

/// As [`lines`], the first of them and how many more there are.
pub(crate) fn first_lines(join: &JoinFigures) -> Vec<String> {
    let mut lines = lines(join);
    let more = lines.len().saturating_sub(SHOWN);
    if more > 1 {
        lines.truncate(SHOWN);
        lines.push(format!("and {more} more, see summary.json"));
    }
    lines
}

/// `could not be read 12:00:03.120-12:00:05.004 UTC (1.88 s): connection reset by peer`.
pub(crate) fn gap(gap: &Gap) -> String {
    let length = gap.to.map_or_else(String::new, |to| {
        let length = to.since(gap.from);
        format!(" ({})", human(Duration::from_millis(length.as_millis() as u64)))
    });
    let lost = if gap.loses_records() { "; records of that time may be lost" } else { "" };
    format!("could not be read {}{length}: {}{lost}", gap.interval(), gap.cause)
}

/// `rebalance, 3 times 12:00:03.120-12:00:09.000 UTC: partitions 0 and 1 were assigned`.
fn notice(notice: &Notice) -> String {
    match notice.count {
        1 => format!("at {} UTC: {}", notice.first.time_of_day(), notice.message),
        many => format!(
            "{} times {}-{} UTC, first: {}",
            number(many),
            notice.first.time_of_day(),
            notice.last.time_of_day(),
            notice.message
        ),
    }
}
