//! What became of the keys that were awaited and of the records that came: the figures add up, and every output shows
//! all of them.

use crate::text::number;
use qalipsis_model::join::JoinFigures;

/// `awaited = matched + late + missing + abandoned`, and `absent` where records are optional.
pub(crate) fn keys(join: &JoinFigures) -> Vec<(&'static str, u64)> {
    let mut keys = vec![
        ("awaited", join.expected),
        ("matched", join.matched),
        ("late", join.late),
        ("missing", join.missing_keys()),
        ("abandoned", join.abandoned),
    ];
    if join.absent > 0 {
        keys.push(("absent", join.absent));
    }
    keys
}

/// The same as a sum in one line.
pub fn keys_line(join: &JoinFigures) -> String {
    sum(&keys(join))
}

/// `996 read = 991 taken + 3 duplicate + 2 orphan + 0 undecodable`.
pub fn records_line(join: &JoinFigures) -> String {
    let mut records = vec![
        ("read", join.records),
        ("taken", join.taken),
        ("duplicate", join.duplicates),
        ("orphan", join.orphan_records()),
        ("undecodable", join.undecodable),
    ];
    if join.abandoned_records > 0 {
        records.push(("of abandoned keys", join.abandoned_records));
    }
    sum(&records)
}

/// What is known beyond the sums, when there is any.
pub(crate) fn remarks(join: &JoinFigures) -> Vec<String> {
    let counts = [
        (join.in_gap, "of the late and missing ones while it could not be read"),
        (join.before_expected, "came before they were expected"),
        (join.out_of_order, "out of order"),
        (join.evicted, "evicted from the buffer"),
        (join.forgotten, "keys forgotten"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let mut remarks: Vec<String> = counts.map(|(count, what)| format!("{} {what}", number(count))).collect();
    match (join.consumer_lag, join.consumer_lag_max) {
        (None, None) => {}
        // A slow reader must not look like a slow system.
        (Some(lag), Some(max)) if lag < max => {
            remarks.push(format!("{} left to read at the end, at most {}", number(lag), number(max)));
        }
        (lag, max) => remarks.push(format!("{} left to read", number(lag.or(max).unwrap_or(0)))),
    }
    remarks
}

fn sum(parts: &[(&str, u64)]) -> String {
    let mut text = String::new();
    for (index, (title, count)) in parts.iter().enumerate() {
        let sign = ["", " = ", " + "][index.min(2)];
        text.push_str(&format!("{sign}{} {title}", number(*count)));
    }
    text
}
