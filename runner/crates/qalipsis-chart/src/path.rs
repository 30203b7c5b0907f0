//! The path of a line, in units of its values: what is drawn is the data, and a script reads it back.

use std::fmt::Write as _;

/// The most points that one line is drawn with: more than a screen has columns is wasted.
const POINTS: usize = 400;

/// Significant digits of a value: more than a chart shows, and enough for its value to be read.
const DIGITS: usize = 4;

/// The path through points, upwards being negative. Interrupted where there is no value.
pub(crate) fn course(points: &[(f64, Option<f64>)], scale: f64) -> String {
    let mut path = String::new();
    let mut is_down = false;
    for (at, value) in thinned(points) {
        let Some(value) = value else {
            is_down = false;
            continue;
        };
        // A single point between two gaps is still seen: its line has a round cap.
        let (pen, cap) = match is_down {
            true if path.ends_with("h0") => ("L", ""),
            true => (" ", ""),
            false => ("M", "h0"),
        };
        let at = short((at * 1000.0).round() / 1000.0, 9);
        let value = short(value / scale, DIGITS);
        let height = match value.strip_prefix('-') {
            Some(below) => format!(" {below}"),
            None => format!("-{value}"),
        };
        // Writing to a string cannot fail.
        let _ = write!(path, "{pen}{at}{height}{cap}");
        is_down = true;
    }
    path
}

/// A number in few bytes: `.805`.
pub(crate) fn short(value: f64, digits: usize) -> String {
    let rounded: f64 = format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value);
    // No negative zero.
    let shown = format!("{}", rounded + 0.0);
    match (shown.strip_prefix("0."), shown.strip_prefix("-0.")) {
        (Some(fraction), _) => format!(".{fraction}"),
        (_, Some(fraction)) => format!("-.{fraction}"),
        _ => shown,
    }
}

/// At most [`POINTS`], each the largest of its neighbours: a peak is never lost.
fn thinned(points: &[(f64, Option<f64>)]) -> impl Iterator<Item = (f64, Option<f64>)> {
    let largest = |some: &[(f64, Option<f64>)]| {
        let of = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
        some.iter().copied().max_by(|a, b| of(a.1).total_cmp(&of(b.1)))
    };
    points.chunks(points.len().div_ceil(POINTS).max(1)).filter_map(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_its_data_in_few_bytes() {
        let points =
            [(0.5, Some(8.05)), (1.5, Some(0.0)), (2.5, None), (3.5, Some(0.123_456)), (4.5, Some(-2.0))];
        assert_eq!(course(&points, 1.0), "M.5-8.05h0L1.5-0M3.5-.1235h0L4.5 2");
        let points = [(0.5, Some(1e9)), (1.5, Some(2e9)), (2.5, Some(3e9))];
        assert_eq!(course(&points, 1e9), "M.5-1h0L1.5-2 2.5-3");
    }

    #[test]
    fn a_peak_is_never_lost() {
        let points: Vec<_> =
            (0..10_000).map(|n| (f64::from(n), Some(if n == 7777 { 9.0 } else { 1.0 }))).collect();
        let path = course(&points, 1.0);
        assert!(path.contains("7777-9") && path.split(['L', ' ']).count() <= POINTS, "{path}");
    }
}
