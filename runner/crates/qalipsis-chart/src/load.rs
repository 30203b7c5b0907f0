//! The load over time as a small chart of plain characters, which every console and log can show.

use qalipsis_model::duration::human;
use qalipsis_profile::profile::Profile;
use qalipsis_profile::segment::Segment;
use std::fmt::Write;
use std::time::Duration;

/// The most rows of a chart.
const ROWS: u128 = 12;
/// Length of the longest bar, in characters.
const LONGEST_BAR: u64 = 40;
/// The times that a row can stand for; the shortest that needs no more than [`ROWS`] is taken.
const PERIODS_MS: [u64; 26] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, // up to a second
    1_000, 2_000, 5_000, 10_000, 15_000, 30_000, // up to a minute
    60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, // up to an hour
    3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000,
];

/// Minions over time as the profile plans them, each line after `indent`; nothing for a load of a single instant.
///
/// Where minions repeat, it shows how many run; else how many are released.
pub fn load(profile: &Profile, minions: u32, indent: &str) -> String {
    let (duration, repeats) = (profile.duration(minions), profile.repeats_until().is_some());
    let period = period(duration);
    let rows = if repeats { rows(duration, period) } else { duration.as_nanos() / period.as_nanos() + 1 };
    let mut counts = vec![0_u64; rows as usize];
    if counts.len() < 2 {
        return String::new();
    }
    for launch in profile.launches(minions, Segment::WHOLE) {
        let row = (launch.at.as_nanos() / period.as_nanos()).min(rows - 1);
        counts[row as usize] += 1;
    }
    if repeats {
        let mut running = 0;
        for count in &mut counts {
            running += *count;
            *count = running;
        }
    }
    draw(&counts, period, repeats, indent)
}

fn draw(counts: &[u64], period: Duration, repeats: bool, indent: &str) -> String {
    let what = if repeats { "running at the end of" } else { "released in" };
    let mut out = format!("{indent}minions {what} each {}:\n", human(period));
    let starts: Vec<String> = (0..counts.len() as u32).map(|row| start(period, row)).collect();
    let start_width = starts.iter().map(String::len).max().unwrap_or(0);
    let peak = counts.iter().copied().max().unwrap_or(0).max(1);
    let count_width = peak.to_string().len();
    for (start, count) in starts.iter().zip(counts) {
        // Whoever is there is seen, however few.
        let bar = "#".repeat((count * LONGEST_BAR).div_ceil(peak) as usize);
        let row = format!("{indent}  {start:>start_width$}  {count:>count_width$} {bar}");
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", row.trim_end());
    }
    out
}

/// When a row starts.
fn start(period: Duration, row: u32) -> String {
    if row == 0 { "0 s".to_owned() } else { human(period * row) }
}

/// What a row stands for.
fn period(duration: Duration) -> Duration {
    // One row more than fits completely: the last release may lie at the very end.
    let fits = |period: &Duration| duration.as_nanos() / period.as_nanos() < ROWS;
    let days = |days: u64| Duration::from_secs(days.saturating_mul(86_400));
    PERIODS_MS
        .map(Duration::from_millis)
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| days(duration.as_secs() / 86_400 / ROWS as u64 + 1))
}

fn rows(duration: Duration, period: Duration) -> u128 {
    duration.as_nanos().div_ceil(period.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use qalipsis_profile::profile::{ArrivalRate, Stage};

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn an_open_load_shows_its_rates() {
        let rates = [
            ArrivalRate::per_second(20).ramp(secs(4)).total(secs(6)),
            ArrivalRate::per_second(0).ramp(secs(4)),
        ];
        let profile = Profile::arrivals(rates);
        let minions = profile.minions().unwrap();
        assert_eq!(
            load(&profile, minions, ""),
            "\
minions released in each 1 s:
  0 s   3 ######
  1 s   7 ##############
  2 s  13 ##########################
  3 s  17 ##################################
  4 s  20 ########################################
  5 s  20 ########################################
  6 s  18 ####################################
  7 s  12 ########################
  8 s   8 ################
  9 s   2 ####
"
        );
    }

    #[test]
    fn repeating_minions_show_how_many_run() {
        let stages = [
            Stage::percent(40).ramp_up(secs(20)).total(secs(30)),
            Stage::percent(60).ramp_up(secs(20)).total(secs(30)),
        ];
        assert_eq!(
            load(&Profile::stages(stages), 1_000, ""),
            "\
minions running at the end of each 10 s:
   0 s   200 ########
  10 s   400 ################
  20 s   400 ################
  30 s   700 ############################
  40 s  1000 ########################################
  50 s  1000 ########################################
"
        );
    }

    #[test]
    fn few_among_many_and_nobody_look_different() {
        let profile = Profile::batches([(secs(0), 1), (secs(2), 1_000)]);
        assert_eq!(
            load(&profile, 1_001, ""),
            "\
minions released in each 200 ms:
     0 s     1 #
  200 ms     0
  400 ms     0
  600 ms     0
  800 ms     0
     1 s     0
   1.2 s     0
   1.4 s     0
   1.6 s     0
   1.8 s     0
     2 s  1000 ########################################
"
        );
    }

    #[test]
    fn a_load_of_one_instant_has_no_chart() {
        assert_eq!(load(&Profile::immediate(), 1_000, ""), "");
        assert_eq!(load(&Profile::regular(10, secs(1)), 10, ""), "");
        assert_eq!(load(&Profile::regular(10, secs(1)), 0, ""), "");
    }

    proptest! {
        #[test]
        fn any_load_fits_and_shows_every_minion(count in 1_u32..50, every_ms in 1_u64..10_000_000_000, minions in 1_u32..300) {
            let profile = Profile::regular(count, Duration::from_millis(every_ms));
            let chart = load(&profile, minions, "");
            prop_assert_eq!(chart.is_empty(), minions <= count);
            let shown: u64 = chart.lines().skip(1).map(|row| {
                row.trim_end_matches('#').split_whitespace().last().unwrap().parse::<u64>().unwrap()
            }).sum();
            prop_assert!(chart.is_empty() || shown == u64::from(minions), "{}", chart);
            prop_assert!(chart.lines().count() <= ROWS as usize + 1, "{}", chart);
            prop_assert!(chart.is_ascii() && chart.lines().all(|line| line.len() <= 80), "{}", chart);
        }
    }
}
