//! Which of the described scenarios are meant.

use super::executable::Executable;
use crate::error::Error;
use crate::problem::Problem;
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::suggest::hint;
use wildmatch::WildMatch;

/// A scenario that is to run, and the executable that has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Selected<'a> {
    /// The executable.
    pub executable: &'a Executable,
    /// One of its scenarios.
    pub scenario: &'a ScenarioDescription,
}

/// The scenarios that any of the `patterns` names, all without patterns, in the order of description.
///
/// A pattern is an exact name, or has `*` for any text and `?` for any character.
///
/// # Errors
/// [`Error::NothingToRun`] when there is no scenario at all, [`Error::Invalid`] for each pattern
/// that names none.
pub fn select<'a>(patterns: &[String], executables: &'a [Executable]) -> Result<Vec<Selected<'a>>, Error> {
    let all: Vec<Selected<'a>> = executables
        .iter()
        .flat_map(|executable| {
            executable.description.scenarios.iter().map(move |scenario| Selected { executable, scenario })
        })
        .collect();
    if all.is_empty() {
        return Err(Error::NothingToRun("the scenario executables have no scenario".into()));
    }
    let meant = |pattern: &str, name: &str| pattern == name || WildMatch::new(pattern).matches(name);
    let names = all.iter().map(|s| s.scenario.name.as_str());
    let problems: Vec<Problem> = patterns
        .iter()
        .filter(|pattern| !names.clone().any(|name| meant(pattern, name)))
        .map(|pattern| {
            Problem::new(format_args!("unknown scenario '{pattern}', {}", hint(pattern, names.clone())))
        })
        .collect();
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let wanted = |name: &str| patterns.is_empty() || patterns.iter().any(|pattern| meant(pattern, name));
    Ok(all.into_iter().filter(|selected| wanted(&selected.scenario.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{description, scenario};
    use super::*;

    fn selected(patterns: &[&str]) -> Result<Vec<String>, Error> {
        let executables = [
            Executable {
                path: "/bin/a".into(),
                description: description(vec![scenario("order-place"), scenario("refund")]),
            },
            Executable {
                path: "/bin/b".into(),
                description: description(vec![scenario("order-cancel"), scenario("a*b")]),
            },
        ];
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        select(&patterns, &executables).map(|s| s.iter().map(|s| s.scenario.name.clone()).collect())
    }

    #[test]
    fn names_and_patterns_select() {
        for (patterns, expected) in [
            (&[][..], &["order-place", "refund", "order-cancel", "a*b"][..]),
            (&["order-cancel", "refund"], &["refund", "order-cancel"]),
            (&["order-*"], &["order-place", "order-cancel"]),
            (&["order-*", "order-place"], &["order-place", "order-cancel"]),
            (&["?efund"], &["refund"]),
            (&["a*b"], &["a*b"]),
            (&["*"], &["order-place", "refund", "order-cancel", "a*b"]),
        ] {
            assert_eq!(selected(patterns).unwrap(), expected, "{patterns:?}");
        }
    }

    #[test]
    fn every_unknown_one_is_an_error_with_the_nearest() {
        let error = selected(&["refnud", "refund", "zzz*"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert_eq!(
            error.lines(),
            [
                "unknown scenario 'refnud', did you mean 'refund'?",
                "unknown scenario 'zzz*', there are: order-place, refund, order-cancel, a*b",
            ]
        );
    }

    #[test]
    fn without_any_scenario_there_is_nothing_to_run() {
        let executable = Executable { path: "/bin/a".into(), description: description(vec![]) };
        for executables in [&[][..], &[executable]] {
            assert_eq!(select(&["x".into()], executables).unwrap_err().exit_code(), 7);
        }
    }
}
