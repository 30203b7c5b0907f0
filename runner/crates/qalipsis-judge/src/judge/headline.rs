//! What failed, as a person would say it.

use crate::report::StepFailure;
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::number::number;
use qalipsis_model::snapshot::StepFigures;

/// `37 of 1000 minions: expected status 202, observed 503`. Failures of several kinds are counted each, with the first
/// of the most frequent kind as an example; `None` when nothing failed.
pub(super) fn headline(figures: &StepFigures, failures: &[StepFailure]) -> Option<String> {
    let first = failures.first()?;
    // A record that cannot be decoded is no execution of anybody.
    let (records, executions): (Vec<_>, Vec<_>) =
        failures.iter().partition(|failure| failure.kind == FailureKind::Undecodable);
    let who = match (figures.failed_minions, figures.minions) {
        (0, _) => String::new(),
        (failed, 1) => format!("{failed} of 1 minion: "),
        (failed, all) => format!("{} of {} minions: ", number(failed), number(all)),
    };
    if failures.len() == 1 && !who.is_empty() && records.is_empty() {
        return Some(format!("{who}{}", first.message));
    }
    let counted = |some: Vec<&StepFailure>| -> String {
        some.iter().map(|failure| failure.kind.counted(failure.count)).collect::<Vec<_>>().join(", ")
    };
    let mut parts = Vec::new();
    if !executions.is_empty() {
        parts.push(format!("{who}{}", counted(executions)));
    }
    parts.extend(records.iter().map(|failure| match failure.count {
        1 => "1 record could not be decoded".to_owned(),
        many => format!("{} records could not be decoded", number(many)),
    }));
    let once = failures.len() == 1 && first.count == 1;
    let example = if once { ": " } else { ", for example: " };
    Some(format!("{}{example}{}", parts.join("; "), first.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(minions: (u64, u64), failures: &[(FailureKind, u64)]) -> String {
        let figures = StepFigures { failed_minions: minions.0, minions: minions.1, ..StepFigures::default() };
        let failures: Vec<StepFailure> = failures
            .iter()
            .map(|(kind, count)| {
                let (kind, count) = (*kind, *count);
                StepFailure { kind, count, message: format!("first {}", kind.noun()), evidence: Vec::new() }
            })
            .collect();
        headline(&figures, &failures).unwrap()
    }

    #[test]
    fn b8_failures_read_as_a_person_would_say_them() {
        use FailureKind::{Assertion, JoinLate, JoinMissing, Undecodable};
        assert_eq!(said((3, 1000), &[(Assertion, 3)]), "3 of 1000 minions: first failed verification");
        // As all outputs write numbers: otherwise they would say the same once more in their own way.
        assert_eq!(
            said((12_345, 20_000), &[(Assertion, 9)]),
            "12,345 of 20,000 minions: first failed verification"
        );
        assert_eq!(said((1, 1), &[(Assertion, 1)]), "1 of 1 minion: first failed verification");
        assert_eq!(
            said((12, 1000), &[(JoinMissing, 9), (JoinLate, 3)]),
            "12 of 1000 minions: 9 missing records, 3 late records, for example: first missing record"
        );
        assert_eq!(
            said((2, 100), &[(Undecodable, 4), (JoinMissing, 2)]),
            "2 of 100 minions: 2 missing records; 4 records could not be decoded, for example: \
             first record that could not be decoded"
        );
        assert_eq!(
            said((0, 100), &[(Undecodable, 8)]),
            "8 records could not be decoded, for example: first record that could not be decoded"
        );
        assert_eq!(
            said((0, 100), &[(Undecodable, 1)]),
            "1 record could not be decoded: first record that could not be decoded"
        );
        assert_eq!(said((0, 9), &[(JoinMissing, 1)]), "1 missing record: first missing record");
    }
}
