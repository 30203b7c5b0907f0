//! When a schedule is due.

use croner::Cron;
use jiff::tz::TimeZone;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_store::When;
use std::str::FromStr;
use thiserror::Error;

/// Occurrences that are looked at to find the latest of those that were missed. A schedule of each second that nobody
/// ran for longer is made up for by an earlier one of them, which is as good.
const MISSED: usize = 100_000;

/// The times of a schedule.
///
/// A cron expression has five fields (minute, hour, day of the month, month, day of the week), or six with seconds
/// before them, and is read in its time zone. Where the clock is put forward, a fixed time that does not exist is due
/// right after the gap; where it is put back, a fixed time is due once, and `*` and steps in both hours. This is what
/// Vixie's cron does.
#[derive(Debug, Clone)]
pub enum Calendar {
    /// Once.
    At(Timestamp),
    /// Again and again.
    Cron(Box<Cron>, TimeZone),
}

/// Why an expression or a time zone is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoCalendar {
    /// The expression cannot be read.
    #[error("'{expression}' is no cron expression: {why}")]
    Expression {
        /// As it was given.
        expression: String,
        /// What is wrong with it.
        why: String,
    },
    /// The expression can be read, but no day is like this.
    #[error("'{0}' never comes")]
    Never(String),
    /// There is no such time zone.
    #[error("there is no time zone '{0}': give a name such as Europe/Vienna or UTC")]
    TimeZone(String),
}

impl Calendar {
    /// The times that a schedule asks for.
    ///
    /// # Errors
    /// When it never comes, or cannot be read.
    pub fn of(when: &When) -> Result<Self, NoCalendar> {
        let (expression, name) = match when {
            When::At(at) => return Ok(Self::At(*at)),
            When::Cron { expression, time_zone } => (expression, time_zone),
        };
        let zone = TimeZone::get(name).map_err(|_| NoCalendar::TimeZone(name.clone()))?;
        let cron = Cron::from_str(expression).map_err(|error| NoCalendar::Expression {
            expression: expression.clone(),
            why: error.to_string(),
        })?;
        let calendar = Self::Cron(Box::new(cron), zone);
        // Such as the 30th of February.
        match calendar.next_after(Timestamp(0)) {
            Some(_) => Ok(calendar),
            None => Err(NoCalendar::Never(expression.clone())),
        }
    }

    /// The first time after this one; `None` when there is none.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => (*at > after).then_some(*at),
            Self::Cron(cron, zone) => {
                let from = jiff::Timestamp::from_nanosecond(i128::from(after.0)).ok()?.to_zoned(zone.clone());
                let next = cron.find_next_occurrence(&from, false).ok()?;
                u64::try_from(next.timestamp().as_nanosecond()).ok().map(Timestamp)
            }
        }
    }

    /// Of the times from `due` to `now`, which is one of them, the latest.
    pub fn latest(&self, due: Timestamp, now: Timestamp) -> Timestamp {
        let following = |at: &Timestamp| self.next_after(*at).filter(|next| *next <= now);
        std::iter::successors(Some(due), following).take(MISSED).last().unwrap_or(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(expression: &str, time_zone: &str) -> Result<Calendar, NoCalendar> {
        Calendar::of(&When::Cron { expression: expression.to_owned(), time_zone: time_zone.to_owned() })
    }

    fn at(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp(instant.as_nanosecond().try_into().unwrap())
    }

    /// The first times after `from`, in UTC.
    fn times(calendar: &Calendar, from: &str, count: usize) -> Vec<String> {
        std::iter::successors(calendar.next_after(at(from)), |at| calendar.next_after(*at))
            .take(count)
            .map(|at| jiff::Timestamp::from_nanosecond(at.0.into()).unwrap().to_string())
            .collect()
    }

    #[test]
    fn each_night_at_the_same_hour_of_the_zone() {
        let nightly = cron("30 2 * * *", "Europe/Vienna").unwrap();
        assert_eq!(
            times(&nightly, "2026-11-28T12:00:00Z", 2),
            ["2026-11-29T01:30:00Z", "2026-11-30T01:30:00Z"]
        );
        assert_eq!(times(&nightly, "2026-07-01T12:00:00Z", 1), ["2026-07-02T00:30:00Z"]);
    }

    #[test]
    fn a_time_that_the_clock_leaves_out_comes_right_after_the_gap() {
        // In Vienna, 02:00 to 03:00 does not exist on 2026-03-29.
        let nightly = cron("30 2 * * *", "Europe/Vienna").unwrap();
        assert_eq!(
            times(&nightly, "2026-03-27T12:00:00Z", 3),
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn a_time_that_the_clock_shows_twice_comes_once() {
        // In Vienna, 02:00 to 03:00 comes twice on 2026-10-25.
        let nightly = cron("30 2 * * *", "Europe/Vienna").unwrap();
        assert_eq!(
            times(&nightly, "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn a_step_goes_on_through_both_hours() {
        let half_hourly = cron("*/30 * * * *", "Europe/Vienna").unwrap();
        assert_eq!(
            times(&half_hourly, "2026-10-24T23:59:00Z", 5),
            [
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:00:00Z"
            ]
        );
    }

    #[test]
    fn an_instant_comes_once() {
        let once = Calendar::of(&When::At(at("2026-12-01T08:00:00Z"))).unwrap();
        assert_eq!(times(&once, "2026-11-29T00:00:00Z", 3), ["2026-12-01T08:00:00Z"]);
        assert_eq!(once.next_after(at("2026-12-01T08:00:00Z")), None);
    }

    #[test]
    fn the_latest_of_missed_times_is_found() {
        let hourly = cron("0 * * * *", "UTC").unwrap();
        let latest = hourly.latest(at("2026-11-29T01:00:00Z"), at("2026-11-29T07:59:59Z"));
        assert_eq!(latest, at("2026-11-29T07:00:00Z"));
        let due = at("2026-11-29T07:00:00Z");
        assert_eq!(hourly.latest(due, due), due);
        let once = Calendar::of(&When::At(due)).unwrap();
        assert_eq!(once.latest(due, at("2027-01-01T00:00:00Z")), due);
    }

    #[test]
    fn what_never_comes_is_refused_and_says_why() {
        for expression in ["", "61 * * * *", "* * * *", "every night", "0 0 30 2 *"] {
            let error = cron(expression, "UTC").unwrap_err().to_string();
            assert!(error.contains(&format!("'{expression}'")), "{error}");
        }
        assert_eq!(cron("0 0 30 2 *", "UTC").unwrap_err(), NoCalendar::Never("0 0 30 2 *".to_owned()));
        assert_eq!(
            cron("0 0 * * *", "Europe/Wien").unwrap_err(),
            NoCalendar::TimeZone("Europe/Wien".to_owned())
        );
    }
}
