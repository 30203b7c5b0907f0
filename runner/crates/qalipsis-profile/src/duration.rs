//! Durations as people write and read them: `250ms`, `1.5s`, `2m`, `1h`.

use std::time::Duration;

/// Reads `250ms`, `1.5s`, `2m`, `1h`, `10us`, `10ns`; a bare number is refused, for it hides its unit.
///
/// # Errors
/// A fragment naming what was given and what is accepted.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let refused = || format!("'{text}' is not a duration, write for example 250ms, 1.5s, 2m or 1h");
    let split = text.find(|c: char| c.is_ascii_alphabetic() || c == 'µ').ok_or_else(refused)?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.trim().parse().map_err(|_| refused())?;
    let seconds = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(refused()),
    };
    Duration::try_from_secs_f64(number * seconds).map_err(|_| refused())
}

/// Writes a duration with three significant digits and the unit that fits: `1.23 ms`, `45.6 s`, `2 min 05 s`.
pub fn human(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let scaled = |value: f64, unit: &str| {
        let digits = if value < 9.995 {
            2
        } else if value < 99.95 {
            1
        } else {
            0
        };
        let text = format!("{value:.digits$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        format!("{text} {unit}")
    };
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..999_500 => scaled(nanos as f64 / 1e3, "µs"),
        999_500..999_500_000 => scaled(nanos as f64 / 1e6, "ms"),
        999_500_000..99_500_000_000 => scaled(nanos as f64 / 1e9, "s"),
        _ => {
            let seconds = (nanos as f64 / 1e9).round() as u64;
            if seconds < 3600 {
                format!("{} min {:02} s", seconds / 60, seconds % 60)
            } else {
                format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60)
            }
        }
    }
}

/// [`human`] of a number of nanoseconds.
pub fn human_ns(nanos: u64) -> String {
    human(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        for (text, nanos) in
            [("250ms", 250_000_000), ("1.5s", 1_500_000_000), ("2m", 120_000_000_000), ("10 us", 10_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
        for text in ["", "5", "ms", "-1s", "1 fortnight", "1e300h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_people_read_has_its_unit() {
        for (nanos, text) in [
            (0, "0 ns"),
            (1_234, "1.23 µs"),
            (999_999, "1 ms"),
            (130_000_000, "130 ms"),
            (2_000_000_000, "2 s"),
            (12_345_000_000, "12.3 s"),
            (125_000_000_000, "2 min 05 s"),
            (3_720_000_000_000, "1 h 02 min"),
        ] {
            assert_eq!(human_ns(nanos), text);
        }
    }
}
