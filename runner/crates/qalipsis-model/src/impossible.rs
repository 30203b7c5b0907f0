//! What makes a criterion impossible before anything runs.

use crate::criterion::{Criterion, Limit, Quantity, Statistic, Subject};
use crate::description::ScenarioDescription;
use crate::measured::MeterKind;
use crate::plan::{Limits, ScenarioPlan};
use crate::scope::Window;
use qalipsis_profile::profile::Profile;
use std::time::Duration;

/// Why a criterion is refused before anything runs.
#[derive(Debug, Clone, PartialEq)]
pub enum CriterionProblem {
    /// The scenario has no such step.
    UnknownStep {
        /// The step of the criterion.
        step: String,
        /// The steps of the scenario.
        known: Vec<String>,
    },
    /// Steps do not have such a figure.
    NotOfSteps,
    /// A meter of this kind does not have such a figure.
    NotOfMeter(MeterKind),
    /// The scenario has no such meter, and what is watched does not have such a figure.
    UnknownMeter {
        /// The meter of the criterion.
        meter: String,
        /// The meters that the scenario declares.
        known: Vec<String>,
    },
    /// The percentile is not above 0 and at most 100.
    Percentile(f64),
    /// The limit of a share is beyond 100 %.
    ShareBeyondOne,
    /// No run can meet it.
    NeverMet(NeverMet),
    /// No run can breach it.
    NeverBreached(NeverBreached),
    /// A drain, which begins with the last iteration, cannot have a window.
    WindowOfDrain,
    /// It is on a stage, but the profile has none.
    NoStages,
    /// The profile has no stage of this number.
    UnknownStage {
        /// How many stages the profile has.
        stages: usize,
    },
    /// The window is empty.
    EmptyWindow,
    /// The window begins when the load has ended.
    WindowAfterLoad {
        /// When the load ends.
        end: Duration,
    },
    /// The window begins when the campaign has ended.
    WindowAfterCampaign(Horizon),
    /// It would stop the campaign only after the end of its window.
    AbortAfterWindow {
        /// From when on it may stop the campaign, in its window.
        after: Duration,
        /// How long the window lasts.
        window: Duration,
    },
    /// It cannot stop the campaign because it can be judged only at its end.
    AbortAtEnd,
}

/// Why no run can meet a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeverMet {
    /// The limit is not a number.
    NotANumber,
    /// The lower limit is above the upper one.
    LowerAboveUpper,
    /// The amounts of a summary are never negative.
    NegativeAmount,
    /// What never happens has no data.
    NothingHappened,
    /// Every figure of it is larger.
    AlwaysLarger,
    /// The campaign ends before.
    CampaignEnds(Horizon),
}

/// Why no run can breach a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeverBreached {
    /// The amounts of a summary are never negative.
    NegativeAmount,
    /// Every figure that can be observed meets it.
    EveryFigure,
    /// The campaign ends before.
    CampaignEnds(Horizon),
}

/// When a campaign has ended at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// The time since the start of the load.
    pub at: Duration,
    /// What ends it then.
    pub because: EndedBy,
}

/// What ends a campaign at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// Its load, and the limits of iterations and of the drain.
    Load,
    /// Its timeout.
    Timeout,
    /// Its hard timeout.
    HardTimeout,
}

impl Criterion {
    /// Why the criterion can never be met, or never be breached, in a run of this scenario with this profile.
    ///
    /// Which meters the world watches, and whether a step awaits records, is known only when it runs: a criterion
    /// without data is breached.
    pub fn problem(&self, scenario: &ScenarioDescription, profile: &Profile) -> Option<CriterionProblem> {
        self.unknown_step(scenario)
            .or_else(|| self.unfit_step())
            .or_else(|| self.unfit_meter(scenario))
            .or_else(|| self.impossible_statistic())
            .or_else(|| self.impossible_limit())
            .or_else(|| self.impossible_window(profile))
            .or_else(|| self.impossible_abort())
    }

    fn unknown_step(&self, scenario: &ScenarioDescription) -> Option<CriterionProblem> {
        let Subject::Step(step) = &self.subject else { return None };
        (!scenario.steps.iter().any(|known| known.name == *step)).then(|| CriterionProblem::UnknownStep {
            step: step.clone(),
            known: scenario.steps.iter().map(|known| known.name.clone()).collect(),
        })
    }

    fn unfit_step(&self) -> Option<CriterionProblem> {
        let Subject::Step(_) = self.subject else { return None };
        let fits = match self.quantity {
            Quantity::ResponseTime | Quantity::ServiceTime | Quantity::Latency | Quantity::Lateness => {
                self.statistic != Statistic::Value
            }
            Quantity::Count
            | Quantity::Throughput
            | Quantity::ErrorRate
            | Quantity::Missing
            | Quantity::Late
            | Quantity::Duplicates
            | Quantity::Orphans => self.statistic == Statistic::Value,
            Quantity::Value
            | Quantity::Time
            | Quantity::Total
            | Quantity::Rate
            | Quantity::Growth
            | Quantity::Drain => false,
        };
        (!fits).then_some(CriterionProblem::NotOfSteps)
    }

    fn unfit_meter(&self, scenario: &ScenarioDescription) -> Option<CriterionProblem> {
        let Subject::Meter(name) = &self.subject else { return None };
        if let Some(meter) = scenario.meters.iter().find(|meter| meter.name == *name) {
            let kind = meter.kind;
            if kind.has(self.quantity, self.statistic) {
                return self.unfit_amount(kind);
            }
            return Some(CriterionProblem::NotOfMeter(kind));
        }
        if self.fits_watched() {
            return None;
        }
        Some(CriterionProblem::UnknownMeter {
            meter: name.clone(),
            known: scenario.meters.iter().map(|meter| meter.name.clone()).collect(),
        })
    }

    /// Why a limit says nothing about amounts, which are never negative.
    fn unfit_amount(&self, kind: MeterKind) -> Option<CriterionProblem> {
        if kind != MeterKind::Summary || self.quantity != Quantity::Value {
            return None;
        }
        let never_met = match self.limit {
            Limit::AtLeast(low) if low <= 0.0 => {
                return Some(CriterionProblem::NeverBreached(NeverBreached::NegativeAmount));
            }
            Limit::AtLeast(_) => false,
            Limit::Below(high) => high <= 0.0,
            Limit::AtMost(high) | Limit::Between(_, high) => high < 0.0,
        };
        never_met.then_some(CriterionProblem::NeverMet(NeverMet::NegativeAmount))
    }

    /// Whether what is watched has such a figure. All others are those of declared meters.
    fn fits_watched(&self) -> bool {
        match self.quantity {
            Quantity::Value => !matches!(self.statistic, Statistic::Percentile(_)),
            quantity => matches!(quantity, Quantity::Count | Quantity::Growth | Quantity::Drain),
        }
    }

    fn impossible_statistic(&self) -> Option<CriterionProblem> {
        let Statistic::Percentile(p) = self.statistic else { return None };
        (!(p > 0.0 && p <= 100.0)).then_some(CriterionProblem::Percentile(p))
    }

    fn impossible_limit(&self) -> Option<CriterionProblem> {
        let (low, high) = match self.limit {
            Limit::Below(limit) | Limit::AtMost(limit) | Limit::AtLeast(limit) => (limit, limit),
            Limit::Between(low, high) => (low, high),
        };
        let never = |why| Some(CriterionProblem::NeverMet(why));
        if !low.is_finite() || !high.is_finite() {
            return never(NeverMet::NotANumber);
        }
        if low > high {
            return never(NeverMet::LowerAboveUpper);
        }
        let is_share = matches!(self.quantity, Quantity::ErrorRate | Quantity::Rate);
        if is_share && high > 1.0 {
            return Some(CriterionProblem::ShareBeyondOne);
        }
        // Values of a meter may be anything, unless they are amounts; all else counts up from zero.
        if self.quantity == Quantity::Value {
            return None;
        }
        if self.is_above(high) {
            return never(match self.quantity {
                Quantity::Count => NeverMet::NothingHappened,
                _ => NeverMet::AlwaysLarger,
            });
        }
        self.certain_limit(is_share)
    }

    /// Whether every figure that can be observed is above `high`.
    fn is_above(&self, high: f64) -> bool {
        if matches!(self.limit, Limit::AtLeast(_)) {
            return false;
        }
        let excluded = matches!(self.limit, Limit::Below(_));
        match self.quantity {
            // What was never executed, read or recorded has no data, so that the least is one.
            Quantity::Count => high < 1.0 || high == 1.0 && excluded,
            Quantity::Throughput if matches!(self.subject, Subject::Step(_)) => high <= 0.0,
            // An execution takes time.
            Quantity::ResponseTime | Quantity::ServiceTime | Quantity::Latency => high <= 0.0,
            Quantity::Drain => high <= 0.0,
            _ => high < 0.0 || high == 0.0 && excluded,
        }
    }

    /// Why every figure that can be observed is within the limit: such a criterion checks nothing.
    fn certain_limit(&self, is_share: bool) -> Option<CriterionProblem> {
        let certain = match self.limit {
            Limit::AtLeast(low) => match self.quantity {
                // The least that is observed at all.
                Quantity::Count => low <= 1.0,
                _ => low <= 0.0,
            },
            Limit::AtMost(high) => is_share && high >= 1.0,
            Limit::Between(low, high) => is_share && low <= 0.0 && high >= 1.0,
            Limit::Below(_) => false,
        };
        // That something happened at all is worth a criterion: without it there is no data.
        let happened = self.quantity == Quantity::Count && self.limit == Limit::AtLeast(1.0);
        (certain && !happened).then_some(CriterionProblem::NeverBreached(NeverBreached::EveryFigure))
    }

    fn impossible_window(&self, profile: &Profile) -> Option<CriterionProblem> {
        if self.scope.window != Window::Whole && self.quantity == Quantity::Drain {
            return Some(CriterionProblem::WindowOfDrain);
        }
        let from = match self.scope.window {
            Window::Whole => return None,
            Window::Stage(number) => {
                let stages = profile.stage_times().len();
                if stages == 0 {
                    return Some(CriterionProblem::NoStages);
                }
                return (number == 0 || number as usize > stages)
                    .then_some(CriterionProblem::UnknownStage { stages });
            }
            Window::During(from, to) if from >= to => {
                return Some(CriterionProblem::EmptyWindow);
            }
            Window::During(from, _) | Window::After(from) => from,
        };
        let end = profile.repeats_until().filter(|end| from >= *end)?;
        Some(CriterionProblem::WindowAfterLoad { end })
    }

    /// Why a campaign of this scenario, which ends at the latest when its limits say so, can have no data for it, or
    /// cannot fail it.
    pub fn beyond(&self, planned: &ScenarioPlan, limits: &Limits) -> Option<CriterionProblem> {
        let end = Horizon::of(planned, limits);
        let window = self.scope.slice(&planned.profile)?;
        if window.from >= end.at {
            return Some(CriterionProblem::WindowAfterCampaign(end));
        }
        if let Some(after) = self.abort_after {
            let length = window.to.map_or(end.at, |to| to.min(end.at)).saturating_sub(window.from);
            if after >= length {
                return Some(CriterionProblem::AbortAfterWindow { after, window: length });
            }
        }
        let is_time = matches!(
            self.quantity,
            Quantity::ResponseTime
                | Quantity::ServiceTime
                | Quantity::Latency
                | Quantity::Lateness
                | Quantity::Growth
        );
        let longest = end.at.as_nanos() as f64;
        match self.limit {
            _ if !is_time => None,
            Limit::Below(high) | Limit::AtMost(high) if high > longest => {
                Some(CriterionProblem::NeverBreached(NeverBreached::CampaignEnds(end)))
            }
            Limit::AtLeast(low) | Limit::Between(low, _) if low > longest => {
                Some(CriterionProblem::NeverMet(NeverMet::CampaignEnds(end)))
            }
            _ => None,
        }
    }

    fn impossible_abort(&self) -> Option<CriterionProblem> {
        self.abort_after?;
        let low = matches!(self.limit, Limit::AtLeast(_) | Limit::Between(..));
        let counts = matches!(
            self.quantity,
            Quantity::Count
                | Quantity::Total
                | Quantity::Missing
                | Quantity::Late
                | Quantity::Duplicates
                | Quantity::Orphans
        );
        (self.quantity == Quantity::Drain || low && counts).then_some(CriterionProblem::AbortAtEnd)
    }
}

impl Horizon {
    fn of(planned: &ScenarioPlan, limits: &Limits) -> Self {
        // The last minion is released and ends its iteration, what it awaits may come late, what is watched may drain,
        // and a closing check is an iteration of its own.
        let drains = planned.criteria.iter().filter(|criterion| criterion.quantity == Quantity::Drain);
        let drain = drains.map(|criterion| criterion.limit.upper()).fold(0.0, f64::max);
        let rest = limits
            .iteration
            .saturating_mul(2)
            .saturating_add(limits.drain)
            .saturating_add(Duration::from_nanos(drain as u64));
        let load = planned.profile.duration(planned.minions);
        let mut end = Self { at: load.saturating_add(rest), because: EndedBy::Load };
        let soft = limits.campaign.map(|limit| limit.saturating_add(rest));
        for (at, because) in [(soft, EndedBy::Timeout), (limits.campaign_hard, EndedBy::HardTimeout)] {
            if let Some(at) = at.filter(|at| *at < end.at) {
                end = Self { at, because };
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::{CriterionProblem, NeverBreached, NeverMet};
    use crate::criterion::{Criterion, Durations, Meter, NumberFigure, Quantity};
    use crate::description::{MeterDescription, Monitor, ScenarioDescription, StepDescription};
    use crate::location::SourceLocation;
    use crate::measured::MeterKind;
    use qalipsis_profile::profile::{ArrivalRate, Profile, Stage};
    use std::time::Duration;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn problem_with(criterion: &Criterion, profile: &Profile) -> Option<CriterionProblem> {
        let step = |name: &str| StepDescription {
            name: name.into(),
            description: String::new(),
            monitor: Monitor::None,
            optional: false,
        };
        let scenario = ScenarioDescription {
            name: "checkout".into(),
            description: String::new(),
            minions: 1,
            overload: Default::default(),
            profile: profile.clone(),
            steps: vec![step("place"), step("fulfilled")],
            properties: Vec::new(),
            meters: [
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
            .to_vec(),
            criteria: Vec::new(),
            location: SourceLocation { file: "main.rs".into(), line: 1, column: 1 },
        };
        criterion.problem(&scenario, profile)
    }

    fn problem(criterion: &Criterion) -> Option<CriterionProblem> {
        let stages = Profile::stages([Stage::minions(1).total(secs(20)), Stage::minions(1).total(secs(10))]);
        problem_with(criterion, &stages)
    }

    fn count() -> NumberFigure {
        NumberFigure::of("place", Quantity::Count)
    }

    #[test]
    fn sound_criteria_have_no_problem() {
        for sound in [
            count().at_least(1),
            count().below(10).abort_on_breach(secs(1)),
            count().at_least(1).in_stage(2),
            count().at_least(1).after(secs(29)),
            NumberFigure::of("place", Quantity::ErrorRate).below(1.0),
            NumberFigure::of("place", Quantity::ErrorRate).at_most(0),
            NumberFigure::of("place", Quantity::Throughput).at_least(5).abort_on_breach(secs(1)),
            Durations::of("place", Quantity::ResponseTime).p(99.9).below(secs(1)).during(secs(1), secs(2)),
            Meter::named("temperature").below(-5),
            Meter::named("lag").drains_within(secs(30)),
            Meter::named("lag").count().at_least(1),
            Meter::named("baskets").total().at_least(1),
            Meter::named("baskets").throughput().at_least(1),
            Meter::named("queue").below(9),
            Meter::named("queue").last().at_most(9),
            Meter::named("payment").time().p(95).below(secs(1)),
            Meter::named("payment").count().at_least(1),
            Meter::named("amount").p(99).below(100),
            Meter::named("amount").mean().between(1, 2),
            Meter::named("accepted").rate().at_least(0.99),
            Meter::named("offers").throughput().at_least(9).abort_on_breach(secs(1)),
        ] {
            assert_eq!(problem(&sound), None, "{sound}");
        }
        // The iterations of such a minion may last for ever.
        assert_eq!(problem_with(&count().at_least(1).after(secs(3600)), &Profile::immediate()), None);
    }

    #[test]
    fn impossible_criteria_have_a_problem() {
        use CriterionProblem as Problem;
        let p = |percentile: f64| Durations::of("place", Quantity::ResponseTime).p(percentile);
        let error_rate = || NumberFigure::of("place", Quantity::ErrorRate);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let meters = || names(&["baskets", "queue", "payment", "amount", "accepted", "offers"]);
        for (criterion, expected) in [
            (
                NumberFigure::of("plaec", Quantity::Count).at_least(1),
                Problem::UnknownStep { step: "plaec".into(), known: names(&["place", "fulfilled"]) },
            ),
            (p(101.0).below(secs(1)), Problem::Percentile(101.0)),
            (p(0.0).below(secs(1)), Problem::Percentile(0.0)),
            (p(95.0).between(secs(2), secs(1)), Problem::NeverMet(NeverMet::LowerAboveUpper)),
            (count().below(f64::NAN), Problem::NeverMet(NeverMet::NotANumber)),
            (count().below(0), Problem::NeverMet(NeverMet::NothingHappened)),
            (count().at_least(0), Problem::NeverBreached(NeverBreached::EveryFigure)),
            (error_rate().below(0), Problem::NeverMet(NeverMet::AlwaysLarger)),
            (error_rate().at_most(1), Problem::NeverBreached(NeverBreached::EveryFigure)),
            (error_rate().at_most(5), Problem::ShareBeyondOne),
            (Meter::named("amount").min().at_least(0), Problem::NeverBreached(NeverBreached::NegativeAmount)),
            (Meter::named("amount").min().below(0), Problem::NeverMet(NeverMet::NegativeAmount)),
            (count().at_least(1).in_stage(3), Problem::UnknownStage { stages: 2 }),
            (count().at_least(1).during(secs(5), secs(5)), Problem::EmptyWindow),
            (count().at_least(1).after(secs(30)), Problem::WindowAfterLoad { end: secs(30) }),
            (Meter::named("baskets").max().below(9), Problem::NotOfMeter(MeterKind::Counter)),
            (Meter::named("queue").drains_within(secs(9)), Problem::NotOfMeter(MeterKind::Gauge)),
            (Meter::named("payment").mean().below(9), Problem::NotOfMeter(MeterKind::Timer)),
            (Meter::named("amount").last().below(9), Problem::NotOfMeter(MeterKind::Summary)),
            (Meter::named("accepted").total().at_least(9), Problem::NotOfMeter(MeterKind::Rate)),
            (
                Meter::named("acepted").rate().at_least(0.9),
                Problem::UnknownMeter { meter: "acepted".into(), known: meters() },
            ),
            (Meter::named("accepted").rate().at_least(99), Problem::ShareBeyondOne),
            (Meter::named("baskets").total().at_least(9).abort_on_breach(secs(1)), Problem::AbortAtEnd),
            (Meter::named("lag").drains_within(secs(5)).after(secs(1)), Problem::WindowOfDrain),
            (count().at_least(100).abort_on_breach(secs(1)), Problem::AbortAtEnd),
        ] {
            assert_eq!(problem(&criterion), Some(expected), "{criterion}");
        }
        let (first, second) = (count().at_least(1).in_stage(1), count().at_least(1).in_stage(2));
        assert_eq!(problem_with(&first, &Profile::immediate()), Some(Problem::NoStages));
        let arrivals = Profile::arrivals([ArrivalRate::per_second(5).total(secs(10))]);
        assert_eq!(problem_with(&first, &arrivals), None);
        assert_eq!(problem_with(&second, &arrivals), Some(Problem::UnknownStage { stages: 1 }));
    }
}
