//! The texts of what lower crates refuse: why a profile, a criterion or a shorter run is not possible.

use qalipsis_model::criterion::{Criterion, Quantity};
use qalipsis_model::duration::human;
use qalipsis_model::impossible::CriterionProblem;
use qalipsis_model::impossible::EndedBy;
use qalipsis_model::impossible::Horizon;
use qalipsis_model::impossible::NeverBreached;
use qalipsis_model::impossible::NeverMet;
use qalipsis_model::measured::MeterKind;
use qalipsis_model::smoke::SmokeProblem;
use qalipsis_model::suggest::hint;
use qalipsis_profile::profile::{Profile, ProfileProblem};

/// Why `profile` cannot release the minions of its scenario: `profile stages: there must be at least one stage`.
pub fn of_profile(profile: &Profile, problem: ProfileProblem) -> String {
    let (name, part) = match profile {
        Profile::Immediate => ("immediate", "batch"),
        Profile::Regular { .. } => ("regular", "batch"),
        Profile::More { .. } => ("more", "batch"),
        Profile::Faster { .. } => ("faster", "batch"),
        Profile::Timeframe { .. } => ("timeframe", "batch"),
        Profile::Stages { .. } => ("stages", "stage"),
        Profile::Arrivals { .. } => ("arrivals", "rate"),
        Profile::Batches { .. } => ("batches", "batch"),
    };
    let (ramp, rates) = match profile {
        Profile::Arrivals { .. } => ("ramp", true),
        _ => ("ramp-up", false),
    };
    let what = match problem {
        ProfileProblem::EmptyBatch => "the batch size must be at least 1".to_owned(),
        ProfileProblem::NoPeriod => "the period must be more than zero".to_owned(),
        ProfileProblem::WindowBelowPeriod => "the window must be at least as long as the period".to_owned(),
        ProfileProblem::MultiplierBelowOne => "the multiplier must be at least 1".to_owned(),
        ProfileProblem::LargestBelowFirst => "the largest batch must be at least the first".to_owned(),
        ProfileProblem::NoShortestPeriod => "the shortest period must be more than zero".to_owned(),
        ProfileProblem::AcceleratorBelowOne => "the accelerator must be at least 1".to_owned(),
        ProfileProblem::FirstBelowShortest => "the first period must be at least the shortest".to_owned(),
        ProfileProblem::Empty => format!("there must be at least one {part}"),
        ProfileProblem::TooManyBatches { count, most } => {
            format!("there are {count} batches, at most {most} can be")
        }
        ProfileProblem::UnorderedBatches => "the batches must be in order of time".to_owned(),
        ProfileProblem::NoDuration => format!("each {part} needs a {ramp} or a total duration"),
        ProfileProblem::TotalBelowRamp => format!("the total of a {part} must be at least its {ramp}"),
        ProfileProblem::RateTooLong { longest } => {
            format!("a rate can last {} days at most, write several", longest.as_secs() / 86_400)
        }
        ProfileProblem::MixedShares => "percentages and absolute counts cannot be mixed".to_owned(),
        ProfileProblem::Percentages { sum } => format!("the percentages sum to {sum}, they must sum to 100"),
        ProfileProblem::TooManyMinions { most } => format!("the rates give more than {most} minions"),
        ProfileProblem::NoMinion => "the rates give no minion".to_owned(),
        ProfileProblem::OtherMinions { given, scenario } if rates => {
            format!("the rates give {given} minions, the scenario has {scenario}, leave the number out")
        }
        ProfileProblem::OtherMinions { given, scenario } => {
            format!("the {name} add {given} minions, the scenario has {scenario}")
        }
    };
    format!("profile {name}: {what}")
}

/// Why a criterion is refused: `the window of the criterion 'place count from 5 s to 5 s at least 1' is empty`.
pub fn of_criterion(criterion: &Criterion, problem: &CriterionProblem) -> String {
    match problem {
        CriterionProblem::UnknownStep { step, known } => {
            let known = known.iter().map(String::as_str);
            format!("a criterion is on the unknown step '{step}', {}", hint(step, known))
        }
        CriterionProblem::NotOfSteps => {
            format!("the criterion '{criterion}' is on a figure that steps do not have")
        }
        CriterionProblem::NotOfMeter(kind) => format!(
            "the criterion '{criterion}' does not fit its meter, which is a {kind}: it has {}",
            figures(*kind)
        ),
        CriterionProblem::UnknownMeter { meter, known } => {
            let known = known.iter().map(String::as_str);
            format!("the criterion '{criterion}' is on an unknown meter, {}", hint(meter, known))
        }
        CriterionProblem::Percentile(percentile) => {
            format!("a criterion is on the percentile {percentile}, it must be above 0 and at most 100")
        }
        CriterionProblem::ShareBeyondOne => format!(
            "the {} of the criterion '{criterion}' is beyond 100 %, rates are from 0 to 1, as 0.01 for 1 %",
            if criterion.quantity == Quantity::ErrorRate { "error rate" } else { "rate" }
        ),
        CriterionProblem::NeverMet(why) => {
            format!("no run can meet the criterion '{criterion}': {}", never_met(*why))
        }
        CriterionProblem::NeverBreached(NeverBreached::CampaignEnds(end)) => format!(
            "the criterion '{criterion}' can never fail, for nothing takes so long: the campaign ends {}",
            latest(*end)
        ),
        CriterionProblem::NeverBreached(NeverBreached::NegativeAmount) => {
            format!("the criterion '{criterion}' can never fail: the amounts of a summary are never negative")
        }
        CriterionProblem::NeverBreached(NeverBreached::EveryFigure) => {
            format!("the criterion '{criterion}' can never fail: every figure that can be observed meets it")
        }
        CriterionProblem::WindowOfDrain => {
            format!(
                "the criterion '{criterion}' cannot have a window: a drain begins with the last iteration"
            )
        }
        CriterionProblem::NoStages => {
            format!("the criterion '{criterion}' is on a stage, but the profile has no stages")
        }
        CriterionProblem::UnknownStage { stages } => {
            format!(
                "the criterion '{criterion}' is on an unknown stage, the profile has stages 1 to {stages}"
            )
        }
        CriterionProblem::EmptyWindow => format!("the window of the criterion '{criterion}' is empty"),
        CriterionProblem::WindowAfterLoad { end } => format!(
            "the window of the criterion '{criterion}' begins when the load has ended, after {}",
            human(*end)
        ),
        CriterionProblem::WindowAfterCampaign(end) => format!(
            "the window of the criterion '{criterion}' begins when the campaign has ended, {}",
            latest(*end)
        ),
        CriterionProblem::AbortAfterWindow { after, window } => format!(
            "the criterion '{criterion}' can never stop the campaign: it is checked from {} in its window on, \
             which lasts {}",
            human(*after),
            human(*window)
        ),
        CriterionProblem::AbortAtEnd => format!(
            "the criterion '{criterion}' cannot stop the campaign: it can be judged only at the end of the campaign"
        ),
    }
}

/// Why the scenario of this name cannot be cut short.
pub fn of_smoke(scenario: &str, problem: SmokeProblem) -> String {
    match problem {
        SmokeProblem::NoMinions => "--minions must be at least 1".to_owned(),
        SmokeProblem::TooManyMinions { given } => {
            format!(
                "scenario '{scenario}': its profile gives {given} minions, so --minions can be at most {given}"
            )
        }
        SmokeProblem::NothingReleased { within } => {
            format!("scenario '{scenario}': its profile releases no minion within {} (--for)", human(within))
        }
    }
}

fn never_met(why: NeverMet) -> String {
    match why {
        NeverMet::NotANumber => "its limit is not a number".to_owned(),
        NeverMet::LowerAboveUpper => "its lower limit is above the upper one".to_owned(),
        NeverMet::NegativeAmount => "the amounts of a summary are never negative".to_owned(),
        NeverMet::NothingHappened => "what never happens has no data".to_owned(),
        NeverMet::AlwaysLarger => "every figure of it is larger".to_owned(),
        NeverMet::CampaignEnds(end) => format!("the campaign ends {}", latest(end)),
    }
}

/// When a campaign has ended at the latest, and which key says so.
fn latest(horizon: Horizon) -> String {
    let because = match horizon.because {
        EndedBy::Load => "by its load, campaign.limits.iteration and campaign.limits.drain",
        EndedBy::Timeout => "by campaign.timeout",
        EndedBy::HardTimeout => "by campaign.hard-timeout",
    };
    format!("after {} at the latest, {because}", human(horizon.at))
}

/// The figures of a meter of this kind, to follow "it has".
fn figures(kind: MeterKind) -> &'static str {
    match kind {
        MeterKind::Counter | MeterKind::Throughput => "a total and a throughput",
        MeterKind::Gauge => "max, min, mean, last and a count",
        MeterKind::Timer => "time (percentiles, mean, min, max) and a count",
        MeterKind::Summary => "percentiles, mean, min, max and a count",
        MeterKind::Rate => "a rate and a count",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::scenario;
    use qalipsis_model::criterion::{Durations, Meter, NumberFigure};
    use qalipsis_model::description::MeterDescription;
    use qalipsis_profile::profile::{ArrivalRate, Stage};
    use std::time::Duration;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn count() -> NumberFigure {
        NumberFigure::of("place", Quantity::Count)
    }

    /// Why the criterion is refused in a scenario with this profile and a meter of each kind.
    fn explained(criterion: &Criterion, profile: &Profile) -> String {
        let mut scenario = scenario("checkout");
        scenario.meters = [
            ("baskets", MeterKind::Counter),
            ("queue", MeterKind::Gauge),
            ("payment", MeterKind::Timer),
            ("amount", MeterKind::Summary),
            ("accepted", MeterKind::Rate),
            ("offers", MeterKind::Throughput),
        ]
        .map(|(name, kind)| MeterDescription {
            name: name.into(),
            kind,
            unit: String::new(),
            description: String::new(),
        })
        .to_vec();
        of_criterion(criterion, &criterion.problem(&scenario, profile).unwrap())
    }

    #[test]
    fn impossible_profiles_are_explained() {
        let rate = ArrivalRate::per_second;
        let arrivals = |rates: &[ArrivalRate]| Profile::arrivals(rates.to_vec());
        let stage = |percent| Stage::percent(percent).total(secs(1));
        for (profile, expected) in [
            (Profile::regular(0, secs(1)), "regular: the batch size must be at least 1"),
            (Profile::timeframe(secs(0), secs(1)), "timeframe: the period must be more than zero"),
            (
                Profile::timeframe(secs(2), secs(1)),
                "timeframe: the window must be at least as long as the period",
            ),
            (Profile::stages([]), "stages: there must be at least one stage"),
            (
                Profile::stages([Stage::percent(100)]),
                "stages: each stage needs a ramp-up or a total duration",
            ),
            (
                Profile::stages([stage(100).ramp_up(secs(2))]),
                "stages: the total of a stage must be at least its ramp-up",
            ),
            (
                Profile::stages([stage(40), stage(50)]),
                "stages: the percentages sum to 90, they must sum to 100",
            ),
            (
                Profile::stages([stage(40), Stage::minions(3).total(secs(1))]),
                "stages: percentages and absolute counts cannot be mixed",
            ),
            (
                Profile::stages([Stage::minions(4).total(secs(1))]),
                "stages: the stages add 4 minions, the scenario has 7",
            ),
            (Profile::more(1, secs(1), 0.99, 10), "more: the multiplier must be at least 1"),
            (Profile::more(9, secs(1), 2.0, 8), "more: the largest batch must be at least the first"),
            (Profile::faster(1, secs(2), 2.0, secs(0)), "faster: the shortest period must be more than zero"),
            (Profile::faster(1, secs(2), 0.5, secs(1)), "faster: the accelerator must be at least 1"),
            (
                Profile::faster(1, secs(1), 2.0, secs(2)),
                "faster: the first period must be at least the shortest",
            ),
            (arrivals(&[]), "arrivals: there must be at least one rate"),
            (arrivals(&[rate(5)]), "arrivals: each rate needs a ramp or a total duration"),
            (
                arrivals(&[rate(5).ramp(secs(2)).total(secs(1))]),
                "arrivals: the total of a rate must be at least its ramp",
            ),
            (arrivals(&[rate(0).total(secs(9))]), "arrivals: the rates give no minion"),
            (
                arrivals(&[rate(1).total(secs(31 * 24 * 3600))]),
                "arrivals: a rate can last 30 days at most, write several",
            ),
            (
                arrivals(&[rate(u32::MAX).total(secs(24 * 3600))]),
                "arrivals: the rates give more than 100000000 minions",
            ),
            (
                arrivals(&[rate(5).total(secs(2))]),
                "arrivals: the rates give 10 minions, the scenario has 7, leave the number out",
            ),
            (Profile::batches([]), "batches: there must be at least one batch"),
            (Profile::batches([(secs(1), 3), (secs(0), 4)]), "batches: the batches must be in order of time"),
            (Profile::batches([(secs(1), 6)]), "batches: the batches add 6 minions, the scenario has 7"),
            (
                Profile::batches(std::iter::repeat_n((secs(1), 1), 100_001)),
                "batches: there are 100001 batches, at most 100000 can be",
            ),
        ] {
            let problem = profile.problem(7).unwrap();
            assert_eq!(of_profile(&profile, problem), format!("profile {expected}"));
        }
    }

    #[test]
    fn a_run_that_cannot_be_shorter_names_the_flag() {
        assert_eq!(
            of_smoke("checkout", SmokeProblem::TooManyMinions { given: 1_000 }),
            "scenario 'checkout': its profile gives 1000 minions, so --minions can be at most 1000"
        );
        assert_eq!(
            of_smoke("checkout", SmokeProblem::NothingReleased { within: secs(5) }),
            "scenario 'checkout': its profile releases no minion within 5 s (--for)"
        );
    }

    #[test]
    fn impossible_criteria_are_explained() {
        let stages = Profile::stages([Stage::minions(1).total(secs(20)), Stage::minions(1).total(secs(10))]);
        let p = |percentile: f64| Durations::of("place", Quantity::ResponseTime).p(percentile);
        for (criterion, expected) in [
            (
                NumberFigure::of("plaec", Quantity::Count).at_least(1),
                "a criterion is on the unknown step 'plaec', did you mean 'place'?",
            ),
            (
                p(101.0).below(secs(1)),
                "a criterion is on the percentile 101, it must be above 0 and at most 100",
            ),
            (p(0.0).below(secs(1)), "a criterion is on the percentile 0, it must be above 0 and at most 100"),
            (
                p(95.0).between(secs(2), secs(1)),
                "no run can meet the criterion 'place response time p95 between 2 s and 1 s': its lower limit is above the \
                 upper one",
            ),
            (
                count().below(0),
                "no run can meet the criterion 'place count below 0': what never happens has no data",
            ),
            (
                count().at_least(0),
                "the criterion 'place count at least 0' can never fail: every figure that can be observed meets it",
            ),
            (
                NumberFigure::of("place", Quantity::ErrorRate).at_most(1),
                "the criterion 'place error rate at most 100 %' can never fail: every figure that can be observed \
                 meets it",
            ),
            (
                Meter::named("amount").min().at_least(0),
                "the criterion 'amount value min at least 0' can never fail: the amounts of a summary are never \
                 negative",
            ),
            (
                NumberFigure::of("place", Quantity::ErrorRate).at_most(5),
                "the error rate of the criterion 'place error rate at most 500 %' is beyond 100 %, rates are from 0 \
                 to 1, as 0.01 for 1 %",
            ),
            (
                count().at_least(1).in_stage(3),
                "the criterion 'place count in stage 3 at least 1' is on an unknown stage, the profile has stages 1 \
                 to 2",
            ),
            (
                count().at_least(1).during(secs(5), secs(5)),
                "the window of the criterion 'place count from 5 s to 5 s at least 1' is empty",
            ),
            (
                count().at_least(1).after(secs(30)),
                "the window of the criterion 'place count after 30 s at least 1' begins when the load has ended, \
                 after 30 s",
            ),
            (
                Meter::named("baskets").max().below(9),
                "the criterion 'baskets value max below 9' does not fit its meter, which is a counter: it has a total \
                 and a throughput",
            ),
            (
                Meter::named("queue").drains_within(secs(9)),
                "the criterion 'queue time to drain at most 9 s' does not fit its meter, which is a gauge: it has \
                 max, min, mean, last and a count",
            ),
            (
                Meter::named("payment").mean().below(9),
                "the criterion 'payment value mean below 9' does not fit its meter, which is a timer: it has time \
                 (percentiles, mean, min, max) and a count",
            ),
            (
                Meter::named("amount").last().below(9),
                "the criterion 'amount value below 9' does not fit its meter, which is a summary: it has \
                 percentiles, mean, min, max and a count",
            ),
            (
                Meter::named("accepted").total().at_least(9),
                "the criterion 'accepted total at least 9' does not fit its meter, which is a rate: it has a rate and \
                 a count",
            ),
            (
                Meter::named("acepted").rate().at_least(0.9),
                "the criterion 'acepted rate at least 90 %' is on an unknown meter, did you mean 'accepted'?",
            ),
            (
                Meter::named("accepted").rate().at_least(99),
                "the rate of the criterion 'accepted rate at least 9900 %' is beyond 100 %, rates are from 0 to 1, as \
                 0.01 for 1 %",
            ),
            (
                Meter::named("baskets").total().at_least(9).abort_on_breach(secs(1)),
                "the criterion 'baskets total at least 9' cannot stop the campaign: it can be judged only at \
                 the end of the campaign",
            ),
            (
                Meter::named("lag").drains_within(secs(5)).after(secs(1)),
                "the criterion 'lag time to drain after 1 s at most 5 s' cannot have a window: a drain begins with \
                 the last iteration",
            ),
            (
                count().at_least(100).abort_on_breach(secs(1)),
                "the criterion 'place count at least 100' cannot stop the campaign: it can be judged only at \
                 the end of the campaign",
            ),
        ] {
            assert_eq!(explained(&criterion, &stages), expected);
        }
        assert_eq!(
            explained(&count().at_least(1).in_stage(1), &Profile::immediate()),
            "the criterion 'place count in stage 1 at least 1' is on a stage, but the profile has no stages"
        );
    }
}
