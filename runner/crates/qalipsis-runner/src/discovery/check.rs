//! What is wrong with descriptions, whatever the configuration.

use super::executable::Executable;
use crate::problem::Problem;
use qalipsis_config::reason;
use qalipsis_model::description::ScenarioDescription;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// All that is wrong with the scenarios of these executables.
pub fn problems(executables: &[Executable]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut homes: HashMap<&str, &Path> = HashMap::new();
    for Executable { path, description } in executables {
        for scenario in &description.scenarios {
            match homes.insert(&scenario.name, path) {
                Some(other) if other == path => problems.push(Problem::at(
                    path.display(),
                    format_args!("there are two scenarios '{}', rename one", scenario.name),
                )),
                Some(other) => problems.push(Problem::new(format_args!(
                    "scenario '{}' is in {} and in {}, rename one or give --executable",
                    scenario.name,
                    other.display(),
                    path.display()
                ))),
                None => {}
            }
            check(scenario, &mut problems);
        }
    }
    problems
}

fn check(scenario: &ScenarioDescription, problems: &mut Vec<Problem>) {
    let place = format!("{}: scenario '{}'", scenario.location, scenario.name);
    let mut add = |what: String| problems.push(Problem::at(&place, what));
    if scenario.name.trim().is_empty() {
        add("the name is empty, give it one".into());
    }
    if let Some(problem) = scenario.profile.problem(scenario.minions) {
        add(reason::of_profile(&scenario.profile, problem));
    } else if scenario.minions == 0 {
        add("the number of minions is 0, it must be at least 1".into());
    }
    for name in repeated(scenario.steps.iter().map(|s| s.name.as_str())) {
        add(format!("there are two steps '{name}', rename one"));
    }
    if scenario.steps.iter().any(|step| step.name.trim().is_empty()) {
        add("a step has an empty name, give it one".into());
    }
    for name in repeated(scenario.properties.iter().map(|p| p.name.as_str())) {
        add(format!("there are two properties '{name}', rename one"));
    }
    for name in repeated(scenario.meters.iter().map(|m| m.name.as_str())) {
        add(format!("there are two meters '{name}', rename one"));
    }
    for criterion in &scenario.criteria {
        if let Some(problem) = criterion.problem(scenario, &scenario.profile) {
            let problem = reason::of_criterion(criterion, &problem);
            let what = format_args!("scenario '{}': {problem}", scenario.name);
            problems.push(Problem::at(&criterion.location, what));
        }
    }
}

fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    names.filter(|name| !seen.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{description, property, scenario, step};
    use super::*;
    use qalipsis_model::criterion::{NumberFigure, Quantity};
    use qalipsis_model::description::MeterDescription;
    use qalipsis_model::measured::MeterKind;
    use qalipsis_profile::profile::{ArrivalRate, Profile, Stage};
    use std::time::Duration;

    fn found(scenarios: Vec<ScenarioDescription>) -> Vec<String> {
        let executable = Executable { path: "/bin/a".into(), description: description(scenarios) };
        problems(&[executable]).iter().map(ToString::to_string).collect()
    }

    fn changed(change: impl FnOnce(&mut ScenarioDescription)) -> Vec<String> {
        let mut scenario = scenario("checkout");
        change(&mut scenario);
        found(vec![scenario])
    }

    #[test]
    fn a_sound_scenario_has_no_problem() {
        assert_eq!(changed(|_| {}), [""; 0]);
    }

    #[test]
    fn each_defect_is_named_with_its_place() {
        assert_eq!(
            changed(|s| s.name = " ".into()),
            ["src/main.rs:3:5: scenario ' ': the name is empty, give it one"]
        );
        assert_eq!(
            changed(|s| s.minions = 0),
            ["src/main.rs:3:5: scenario 'checkout': the number of minions is 0, it must be at least 1"]
        );
        assert_eq!(
            changed(|s| s.profile = Profile::stages([Stage::percent(90).total(Duration::from_secs(1))])),
            [
                "src/main.rs:3:5: scenario 'checkout': profile stages: the percentages sum to 90, they must sum to 100"
            ]
        );
        let arrivals = |per_second| {
            Profile::arrivals([ArrivalRate::per_second(per_second).total(Duration::from_secs(2))])
        };
        assert_eq!(
            changed(|s| s.profile = arrivals(20)),
            [
                "src/main.rs:3:5: scenario 'checkout': profile arrivals: the rates give 40 minions, the scenario has 10, \
                 leave the number out"
            ]
        );
        assert_eq!(
            changed(|s| (s.profile, s.minions) = (arrivals(0), 0)),
            ["src/main.rs:3:5: scenario 'checkout': profile arrivals: the rates give no minion"]
        );
        assert_eq!(
            changed(|s| s.steps.push(step("place"))),
            ["src/main.rs:3:5: scenario 'checkout': there are two steps 'place', rename one"]
        );
        assert_eq!(
            changed(|s| s.steps.push(step(""))),
            ["src/main.rs:3:5: scenario 'checkout': a step has an empty name, give it one"]
        );
        assert_eq!(
            changed(|s| s.properties = vec![property("a"), property("a")]),
            ["src/main.rs:3:5: scenario 'checkout': there are two properties 'a', rename one"]
        );
        let counter = |name: &str| MeterDescription {
            name: name.into(),
            kind: MeterKind::Counter,
            unit: String::new(),
            description: String::new(),
        };
        assert_eq!(
            changed(|s| s.meters = vec![counter("a"), counter("b"), counter("a")]),
            ["src/main.rs:3:5: scenario 'checkout': there are two meters 'a', rename one"]
        );
        let problems = changed(|s| s.criteria = vec![NumberFigure::of("plaec", Quantity::Count).at_least(1)]);
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].ends_with(
                "scenario 'checkout': a criterion is on the unknown step 'plaec', did you mean 'place'?"
            ),
            "{problems:?}"
        );
        assert!(problems[0].contains("check.rs:"), "the place of the criterion: {problems:?}");
    }

    #[test]
    fn a_name_is_given_once() {
        assert_eq!(
            found(vec![scenario("a"), scenario("a")]),
            ["/bin/a: there are two scenarios 'a', rename one"]
        );
        let executables = ["/bin/a", "/bin/b"]
            .map(|path| Executable { path: path.into(), description: description(vec![scenario("x")]) });
        let problems = problems(&executables);
        assert_eq!(
            problems,
            [Problem::new("scenario 'x' is in /bin/a and in /bin/b, rename one or give --executable")]
        );
    }
}
