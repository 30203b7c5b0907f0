//! The verdicts of which people are notified.

use qalipsis_model::verdict::Status;

/// A set of verdicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Vec<Status>);

/// What is notified of: a campaign that runs is not.
const ALL: [Status; 5] =
    [Status::Successful, Status::Warning, Status::Failed, Status::Aborted, Status::Invalid];

impl Statuses {
    /// Every verdict.
    pub fn all() -> Self {
        Self(ALL.to_vec())
    }

    /// Reads names with commas between them: `FAILED,ABORTED`; `ALL` stands for every one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut statuses = Vec::new();
        for name in text.split(',').map(str::trim) {
            match ALL.iter().find(|status| status.to_string().eq_ignore_ascii_case(name)) {
                Some(status) => statuses.push(*status),
                None if name.eq_ignore_ascii_case("ALL") => statuses.extend(ALL),
                None => return None,
            }
        }
        statuses.sort();
        statuses.dedup();
        Some(Self(statuses))
    }

    /// Whether a campaign with this verdict is in the set.
    pub fn contains(&self, status: Status) -> bool {
        self.0.contains(&status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_in_any_order_and_typos_are_not() {
        let some = Statuses(vec![Status::Failed, Status::Aborted]);
        assert_eq!(Statuses::parse("ABORTED, failed,FAILED"), Some(some));
        assert_eq!(Statuses::parse("ALL"), Some(Statuses::all()));
        assert_eq!(Statuses::parse("FAILED,GREEN"), None);
        assert_eq!(Statuses::parse(""), None);
    }
}
