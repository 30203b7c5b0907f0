//! Where an axis has labels: at round values that people read at a glance, each unit written once.

use qalipsis_model::number::number;

/// Labels that an axis should have at least.
const WANTED: usize = 4;
/// Labels that an axis should have at most.
const MANY: usize = 6;
/// More labels touch each other.
const MOST: usize = 8;
/// Fewer labels say too little about an axis.
const FEWEST: usize = 3;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Units of durations, the longest first.
const UNITS: [(u64, &str); 7] =
    [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns")];

/// A label of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// The value; a duration in nanoseconds.
    pub at: f64,
    /// The value as people read it.
    pub label: String,
}

/// The first of `levels`, which go from coarse to fine, with enough ticks; the one before it where that has too many.
///
/// Neighbouring levels differ by a factor of 2.5 at most, so that the one before it then has three.
fn choose<T>(levels: impl Iterator<Item = Vec<T>>) -> Vec<T> {
    let mut coarser = Vec::new();
    for level in levels {
        match level.len() {
            0..WANTED => coarser = level,
            WANTED..=MANY => return level,
            ..=MOST if coarser.len() < FEWEST => return level,
            _ => break,
        }
    }
    coarser
}

/// Round values of a linear axis: multiples of 1, 2 or 5 × 10^n. The last label has `suffix`.
///
/// Three to eight of them, inside of the range; one where the range is empty.
pub fn values(low: f64, high: f64, suffix: &str) -> Vec<Tick> {
    let range = high - low;
    if !(range > 0.0 && range.is_finite()) {
        return vec![Tick { at: low, label: format!("{}{suffix}", number_of(low)) }];
    }
    let exponent = range.log10().floor() as i32 + 1;
    let steps = (exponent - 3..=exponent).rev().flat_map(|exponent| [5, 2, 1].map(|digit| (digit, exponent)));
    let ticks = choose(steps.map(|(digit, exponent)| multiples(low, high, digit, exponent)));
    labelled(&ticks, suffix)
}

/// As [`values`], of what is counted: nothing lies between two whole numbers.
pub fn counts(highest: u64) -> Vec<Tick> {
    if highest < WANTED as u64 {
        return (0..=highest).map(|n| Tick { at: n as f64, label: n.to_string() }).collect();
    }
    values(0.0, highest as f64, "")
}

/// A decimal number, exact: `digits` × 10^`exponent`.
#[derive(Debug, Clone, Copy)]
struct Decimal {
    digits: i64,
    exponent: i32,
}

impl Decimal {
    fn value(self) -> f64 {
        let power = 10_f64.powi(self.exponent.abs());
        if self.exponent < 0 { self.digits as f64 / power } else { self.digits as f64 * power }
    }

    /// As people read it, in units of 10^`unit`.
    fn show(self, unit: i32) -> String {
        let (exponent, sign) = (self.exponent - unit, if self.digits < 0 { "−" } else { "" });
        let digits = self.digits.unsigned_abs();
        if exponent >= 0 {
            return format!("{sign}{}", number(digits * 10_u64.pow(exponent.unsigned_abs())));
        }
        let places = exponent.unsigned_abs() as usize;
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (integer, fraction) = digits.split_at(digits.len() - places);
        // The digits before the point are few: the range of an axis has few places.
        let integer = integer.parse().map_or_else(|_| integer.to_owned(), number);
        match fraction.trim_end_matches('0') {
            "" => format!("{sign}{integer}"),
            fraction => format!("{sign}{integer}.{fraction}"),
        }
    }
}

/// The multiples of `digit` × 10^`exponent` between two values.
fn multiples(low: f64, high: f64, digit: i64, exponent: i32) -> Vec<Decimal> {
    let of = |count: i64| Decimal { digits: count * digit, exponent };
    let step = of(1).value();
    let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
    // What the division rounded is decided by the value itself.
    (first..=last).map(of).filter(|tick| (low..=high).contains(&tick.value())).collect()
}

/// Powers of ten with a name, the largest first.
const PREFIXES: [(i32, &str); 3] = [(12, " T"), (9, " G"), (6, " M")];

fn labelled(ticks: &[Decimal], suffix: &str) -> Vec<Tick> {
    let largest = ticks.iter().map(|tick| tick.value().abs()).fold(0.0, f64::max);
    let exponent = ticks.first().map_or(0, |tick| tick.exponent);
    let named = PREFIXES.iter().find(|(power, _)| largest >= 10_f64.powi(*power));
    let (unit, prefix) = match named {
        _ if !(1e-5..1e15).contains(&largest) => {
            let unit = largest.log10().floor() as i32;
            (unit, format!(" ×10^{unit}"))
        }
        Some((power, name)) => (*power, (*name).to_owned()),
        None => (0, String::new()),
    };
    debug_assert!(exponent > unit - 12, "the range of an axis has few places");
    let last = ticks.len().saturating_sub(1);
    let label = |(index, tick): (usize, &Decimal)| {
        let unit_text = if index == last { format!("{prefix}{suffix}") } else { String::new() };
        Tick { at: tick.value(), label: format!("{}{unit_text}", tick.show(unit)) }
    };
    ticks.iter().enumerate().map(label).collect()
}

/// A value that is no multiple of anything.
fn number_of(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value}") }
}

/// Steps between labels of durations, the longest first.
fn steps_of_time() -> impl Iterator<Item = u64> {
    let days = (0..5).rev().flat_map(|exponent| [5, 2, 1].map(|n| n * 10_u64.pow(exponent) * DAY));
    let hours = [12, 6, 3, 2, 1].map(|n| n * HOUR);
    let minutes = [30, 15, 10, 5, 2, 1].map(|n| n * MINUTE);
    let seconds = [30, 15, 10].map(|n| n * SECOND);
    let decimal = (0..10).rev().flat_map(|exponent| [5, 2, 1].map(|n| n * 10_u64.pow(exponent)));
    days.chain(hours).chain(minutes).chain(seconds).chain(decimal)
}

/// Round durations of a linear axis, in nanoseconds: 1, 2 or 5 × 10^n up to 10 s, then 15 and 30 s, 1, 2, 5, 10, 15 and
/// 30 min, and so on. The last label has the unit.
///
/// Three to eight of them, inside of the range, unless it is shorter than three nanoseconds.
pub fn times(low: u64, high: u64) -> Vec<Tick> {
    let levels = steps_of_time().map(|step| {
        let (first, last) = (low.div_ceil(step), high / step);
        // Not more than what decides.
        (first..=last).take(MOST + 1).map(|count| (step, count * step)).collect::<Vec<_>>()
    });
    let ticks = choose(levels.skip_while(Vec::is_empty));
    let (Some((step, _)), Some((_, longest))) = (ticks.first(), ticks.last()) else { return Vec::new() };
    let (unit, name) = unit_of(*step, *longest);
    let label =
        |at: u64| if at == *longest { format!("{} {name}", in_unit(at, unit)) } else { in_unit(at, unit) };
    ticks.iter().map(|(_, at)| Tick { at: *at as f64, label: label(*at) }).collect()
}

/// The unit in which all multiples of `step` up to `longest` are read.
fn unit_of(step: u64, longest: u64) -> (u64, &'static str) {
    let fits = |unit: u64| if unit > SECOND { step.is_multiple_of(unit) } else { longest >= unit };
    UNITS.into_iter().find(|(unit, _)| fits(*unit)).unwrap_or((1, "ns"))
}

/// Nanoseconds as a decimal number in a unit.
fn in_unit(ns: u64, unit: u64) -> String {
    let places = if unit > SECOND { 0 } else { unit.ilog10() as i32 };
    let digits = if unit > SECOND { ns / unit } else { ns };
    Decimal { digits: i64::try_from(digits).unwrap_or(i64::MAX), exponent: -places }.show(0)
}

/// Round durations of a logarithmic axis, in nanoseconds, each with its unit: they differ along it.
///
/// Three to eight of them, inside of the range, unless it is shorter than three nanoseconds.
pub fn logarithmic(low: u64, high: u64) -> Vec<Tick> {
    let decades = || {
        let below = (0..11).map(|exponent| 10_u64.pow(exponent));
        below.chain([MINUTE, 10 * MINUTE, HOUR, 10 * HOUR, 100 * HOUR])
    };
    let inside = |levels: &mut dyn Iterator<Item = u64>| -> Vec<u64> {
        levels.filter(|at| (low..=high).contains(at)).collect()
    };
    let thirds = || {
        decades()
            .flat_map(|decade| [decade, 2 * decade, 5 * decade])
            .filter(|at| ![50 * SECOND, 50 * MINUTE].contains(at))
    };
    let levels = [
        inside(&mut decades().step_by(3)),
        inside(&mut decades().step_by(2)),
        inside(&mut decades()),
        inside(&mut thirds()),
    ];
    let enough = |level: &&Vec<u64>| (FEWEST..=MOST).contains(&level.len());
    let wanted = |level: &&Vec<u64>| (WANTED..=MANY).contains(&level.len());
    let Some(level) = levels.iter().find(wanted).or_else(|| levels.iter().find(enough)) else {
        // Less than a decade: nearly linear.
        return times(low, high);
    };
    let label = |at: &u64| {
        let (unit, name) = unit_of(*at, *at);
        Tick { at: *at as f64, label: format!("{} {name}", in_unit(*at, unit)) }
    };
    level.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn values_are_round_and_have_their_unit_once() {
        assert_eq!(labels(&values(0.0, 64.0, "")), ["0", "20", "40", "60"]);
        assert_eq!(labels(&values(0.0, 1.7, "/s")), ["0", "0.5", "1", "1.5/s"]);
        assert_eq!(labels(&values(0.0, 123_456.0, "")), ["0", "50,000", "100,000"]);
        assert_eq!(labels(&values(0.0, 4_250_000.0, "/s")), ["0", "1", "2", "3", "4 M/s"]);
        assert_eq!(labels(&values(-3.0, 3.0, "")), ["−2", "0", "2"]);
        assert_eq!(labels(&values(0.0, 7e-9, "")), ["0", "2", "4", "6 ×10^-9"]);
        assert_eq!(labels(&values(0.0, 0.0, "/s")), ["0/s"]);
        assert_eq!([0, 1, 3, 4].map(|n| counts(n).len()), [1, 2, 4, 5]);
    }

    #[test]
    fn times_are_those_of_a_clock() {
        let shown = |seconds: f64| {
            let ticks = times(0, (seconds * 1e9) as u64);
            ticks.iter().map(|tick| tick.label.clone()).collect::<Vec<_>>().join(" ")
        };
        // Quarters of this range were once labelled 2.12 s, 4.25 s and 6.38 s.
        assert_eq!(shown(8.5), "0 2 4 6 8 s");
        assert_eq!(shown(19.25), "0 5 10 15 s");
        assert_eq!(shown(75.0), "0 15 30 45 60 75 s");
        assert_eq!(shown(299.0), "0 1 2 3 4 min");
        assert_eq!(shown(3600.0), "0 15 30 45 60 min");
        assert_eq!(shown(86_000.0), "0 6 12 18 h");
        assert_eq!(shown(0.000_3), "0 100 200 300 µs");
        assert_eq!(shown(1.9), "0 0.5 1 1.5 s");
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten_or_what_lies_between() {
        let shown = |low, high| labels(&logarithmic(low, high)).join(" ");
        assert_eq!(shown(8_000_000, 1_100_000_000), "10 ms 100 ms 1 s");
        assert_eq!(shown(258_000_000, 5_400_000_000), "500 ms 1 s 2 s 5 s");
        assert_eq!(shown(200_000, 300_000), "200 220 240 260 280 300 µs");
        assert_eq!(shown(1_000, 3_600_000_000_000), "1 µs 1 ms 1 s 10 min");
    }

    fn check(ticks: &[Tick], low: f64, high: f64) -> Result<(), TestCaseError> {
        prop_assert!((3..=8).contains(&ticks.len()), "{:?}", ticks);
        prop_assert!(ticks.iter().all(|tick| (low..=high).contains(&tick.at)), "{:?}", ticks);
        prop_assert!(ticks.is_sorted_by(|a, b| a.at < b.at), "{:?}", ticks);
        Ok(())
    }

    fn has_distinct_labels(ticks: &[Tick]) -> bool {
        let mut labels = labels(ticks);
        labels.sort_unstable();
        labels.windows(2).all(|pair| pair[0] != pair[1])
    }

    proptest! {
        #[test]
        fn any_range_of_values_has_few_round_ticks(
            low in prop_oneof![Just(0.0), -1e6..1e6_f64],
            digits in 1.0..10.0_f64,
            exponent in -8_i32..15,
        ) {
            let range = digits * 10_f64.powi(exponent);
            // Beyond this a number has no digits for what lies between.
            prop_assume!(range > low.abs() * 1e-9);
            let (low, high) = (low, low + range);
            let ticks = values(low, high, "/s");
            check(&ticks, low, high)?;
            prop_assert!(has_distinct_labels(&ticks), "{:?}", ticks);
            let step = ticks[1].at - ticks[0].at;
            let digit = step / 10_f64.powi(step.log10().floor() as i32);
            let is_round = [1.0, 2.0, 5.0, 10.0].iter().any(|round| (digit - round).abs() < 1e-3);
            prop_assert!(is_round, "steps of {}", step);
            prop_assert_eq!(ticks.iter().filter(|tick| tick.label.ends_with("/s")).count(), 1);
        }

        #[test]
        fn any_range_of_times_has_few_round_ticks(low in 0..1_u64 << 50, digits in 3..1000_u64, exponent in 0..13_u32) {
            for low in [0, low] {
                let high = low + digits * 10_u64.pow(exponent);
                let ticks = times(low, high);
                check(&ticks, low as f64, high as f64)?;
                prop_assert!(has_distinct_labels(&ticks), "{:?}", ticks);
                let step = (ticks[1].at - ticks[0].at) as u64;
                prop_assert!(steps_of_time().any(|round| round == step), "steps of {} ns", step);
            }
        }

        #[test]
        fn any_logarithmic_range_has_few_round_ticks(low in 1..1_u64 << 41, factor in 1.0..1e7_f64) {
            let high = ((low as f64 * factor) as u64).clamp(low + 3, 360_000 * SECOND);
            let ticks = logarithmic(low, high);
            check(&ticks, low as f64, high as f64)?;
            prop_assert!(has_distinct_labels(&ticks), "{:?}", ticks);
        }
    }
}
