//! How many campaigns are kept, and for how long.

use crate::campaign;
use crate::value::Statement;
use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

/// How many ended campaigns are kept, and for how long. Those that wait or run are never removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// The latest so many; without a number all of them.
    pub count: Option<u64>,
    /// Those that ended in this time; without one, however old they are.
    pub age: Option<Duration>,
}

impl Keep {
    /// What a text says: `1000`, `90d`, or both with a comma between them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut keep = Self::default();
        for part in text.split(',').map(str::trim) {
            match (part.parse::<u64>(), age(part)) {
                (Ok(count @ 1..), _) if keep.count.is_none() => keep.count = Some(count),
                (Err(_), Some(age)) if keep.age.is_none() => keep.age = Some(age),
                _ => return None,
            }
        }
        Some(keep)
    }

    /// What removes the others.
    pub(crate) fn statements(self, now: Timestamp) -> Vec<Statement> {
        let by_age = self.age.map(|age| {
            let age = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
            campaign::delete_before(Timestamp(now.0.saturating_sub(age)))
        });
        by_age.into_iter().chain(self.count.map(campaign::delete_beyond)).collect()
    }
}

/// A time in days, weeks or hours.
fn age(text: &str) -> Option<Duration> {
    let (number, hours) = [('h', 1), ('d', 24), ('w', 7 * 24)]
        .into_iter()
        .find_map(|(unit, hours)| Some((text.strip_suffix(unit)?, hours)))?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(hours * 3_600).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_an_age_or_both() {
        const DAY: Duration = Duration::from_secs(86_400);
        let keep = |count, age| Some(Keep { count, age });
        assert_eq!(Keep::parse("1000"), keep(Some(1_000), None));
        assert_eq!(Keep::parse("90d"), keep(None, Some(90 * DAY)));
        assert_eq!(Keep::parse("2w, 50"), keep(Some(50), Some(14 * DAY)));
        assert_eq!(Keep::parse("48h"), keep(None, Some(2 * DAY)));
        for wrong in ["", "0", "0d", "d", "-1", "1.5d", "90m", "1,2", "1d,2w", "9999999999999999999d"] {
            assert_eq!(Keep::parse(wrong), None, "{wrong}");
        }
    }
}
