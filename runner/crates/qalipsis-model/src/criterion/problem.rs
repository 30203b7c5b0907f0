//! What makes a criterion impossible before anything runs.

use super::{Criterion, Limit, Quantity, Statistic, Subject};
use crate::description::ScenarioDescription;
use crate::duration::human;
use crate::measured::MeterKind;
use crate::plan::{Limits, ScenarioPlan};
use crate::scope::Window;
use crate::suggest::hint;
use qalipsis_profile::profile::Profile;
use std::time::Duration;

impl Criterion {
    /// Why the criterion can never be met, or never be breached, in a run of this scenario with this profile.
    ///
    /// Which meters the world watches, and whether a step awaits records, is known only when it runs: a criterion
    /// without data is breached.
    pub fn problem(&self, scenario: &ScenarioDescription, profile: &Profile) -> Option<String> {
        self.unknown_step(scenario)
            .or_else(|| self.unfit_step())
            .or_else(|| self.unfit_meter(scenario))
            .or_else(|| self.impossible_statistic())
            .or_else(|| self.impossible_limit())
            .or_else(|| self.impossible_window(profile))
            .or_else(|| self.impossible_abort())
    }

    fn unknown_step(&self, scenario: &ScenarioDescription) -> Option<String> {
        let Subject::Step(step) = &self.subject else { return None };
        let steps = scenario.steps.iter().map(|s| s.name.as_str());
        (!steps.clone().any(|name| name == step))
            .then(|| format!("a criterion is on the unknown step '{step}', {}", hint(step, steps)))
    }

    fn unfit_step(&self) -> Option<String> {
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
        (!fits).then(|| format!("the criterion '{self}' is on a figure that steps do not have"))
    }

    fn unfit_meter(&self, scenario: &ScenarioDescription) -> Option<String> {
        let Subject::Meter(name) = &self.subject else { return None };
        if let Some(meter) = scenario.meters.iter().find(|meter| meter.name == *name) {
            let kind = meter.kind;
            if kind.has(self.quantity, self.statistic) {
                return self.unfit_amount(kind);
            }
            return Some(format!(
                "the criterion '{self}' does not fit its meter, which is a {kind}: it has {}",
                kind.figures()
            ));
        }
        if self.fits_watched() {
            return None;
        }
        let meters = scenario.meters.iter().map(|meter| meter.name.as_str());
        Some(format!("the criterion '{self}' is on an unknown meter, {}", hint(name, meters)))
    }

    /// Why a limit says nothing about amounts, which are never negative.
    fn unfit_amount(&self, kind: MeterKind) -> Option<String> {
        if kind != MeterKind::Summary || self.quantity != Quantity::Value {
            return None;
        }
        match self.limit {
            Limit::AtLeast(low) if low <= 0.0 => Some(format!(
                "the criterion '{self}' can never fail: the amounts of a summary are never negative"
            )),
            Limit::Below(high) if high <= 0.0 => Some(self.negative_amount()),
            Limit::AtMost(high) | Limit::Between(_, high) if high < 0.0 => Some(self.negative_amount()),
            _ => None,
        }
    }

    fn negative_amount(&self) -> String {
        format!("no run can meet the criterion '{self}': the amounts of a summary are never negative")
    }

    /// Whether what is watched has such a figure. All others are those of declared meters.
    fn fits_watched(&self) -> bool {
        match self.quantity {
            Quantity::Value => !matches!(self.statistic, Statistic::Percentile(_)),
            quantity => matches!(quantity, Quantity::Count | Quantity::Growth | Quantity::Drain),
        }
    }

    fn impossible_statistic(&self) -> Option<String> {
        let Statistic::Percentile(p) = self.statistic else { return None };
        (!(p > 0.0 && p <= 100.0))
            .then(|| format!("a criterion is on the percentile {p}, it must be above 0 and at most 100"))
    }

    fn impossible_limit(&self) -> Option<String> {
        let (low, high) = match self.limit {
            Limit::Below(limit) | Limit::AtMost(limit) | Limit::AtLeast(limit) => (limit, limit),
            Limit::Between(low, high) => (low, high),
        };
        let never = |why: &str| Some(format!("no run can meet the criterion '{self}': {why}"));
        if !low.is_finite() || !high.is_finite() {
            return never("its limit is not a number");
        }
        if low > high {
            return never("its lower limit is above the upper one");
        }
        let share = match self.quantity {
            Quantity::ErrorRate => Some("error rate"),
            Quantity::Rate => Some("rate"),
            _ => None,
        };
        if let Some(share) = share.filter(|_| high > 1.0) {
            return Some(format!(
                "the {share} of the criterion '{self}' is beyond 100 %, rates are from 0 to 1, as 0.01 for 1 %"
            ));
        }
        // Values of a meter may be anything, unless they are amounts; all else counts up from zero.
        if self.quantity == Quantity::Value {
            return None;
        }
        if self.is_above(high) {
            return never(match self.quantity {
                Quantity::Count => "what never happens has no data",
                _ => "every figure of it is larger",
            });
        }
        self.certain_limit(share.is_some())
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
    fn certain_limit(&self, is_share: bool) -> Option<String> {
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
        (certain && !happened).then(|| {
            format!("the criterion '{self}' can never fail: every figure that can be observed meets it")
        })
    }

    fn impossible_window(&self, profile: &Profile) -> Option<String> {
        if self.scope.window != Window::Whole && self.quantity == Quantity::Drain {
            return Some(format!(
                "the criterion '{self}' cannot have a window: a drain begins with the last iteration"
            ));
        }
        let from = match self.scope.window {
            Window::Whole => return None,
            Window::Stage(number) => {
                let stages = profile.stage_times().len();
                if stages == 0 {
                    return Some(format!(
                        "the criterion '{self}' is on a stage, but the profile has no stages"
                    ));
                }
                return (number == 0 || number as usize > stages).then(|| {
                    format!(
                        "the criterion '{self}' is on an unknown stage, the profile has stages 1 to {stages}"
                    )
                });
            }
            Window::During(from, to) if from >= to => {
                return Some(format!("the window of the criterion '{self}' is empty"));
            }
            Window::During(from, _) | Window::After(from) => from,
        };
        let end = profile.repeats_until().filter(|end| from >= *end)?;
        Some(format!(
            "the window of the criterion '{self}' begins when the load has ended, after {}",
            human(end)
        ))
    }

    /// Why a campaign of this scenario, which ends at the latest when its limits say so, can have no data for it, or
    /// cannot fail it.
    pub fn beyond(&self, planned: &ScenarioPlan, limits: &Limits) -> Option<String> {
        let end = Horizon::of(planned, limits);
        let last = format!("after {} at the latest, {}", human(end.at), end.because);
        let window = self.scope.slice(&planned.profile)?;
        if window.from >= end.at {
            return Some(format!(
                "the window of the criterion '{self}' begins when the campaign has ended, {last}"
            ));
        }
        if let Some(after) = self.abort_after {
            let length = window.to.map_or(end.at, |to| to.min(end.at)).saturating_sub(window.from);
            if after >= length {
                return Some(format!(
                    "the criterion '{self}' can never stop the campaign: it is looked at from {} in its window \
                     on, which lasts {}",
                    human(after),
                    human(length)
                ));
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
            Limit::Below(high) | Limit::AtMost(high) if high > longest => Some(format!(
                "the criterion '{self}' can never fail, for nothing takes so long: the campaign ends {last}"
            )),
            Limit::AtLeast(low) | Limit::Between(low, _) if low > longest => {
                Some(format!("no run can meet the criterion '{self}': the campaign ends {last}"))
            }
            _ => None,
        }
    }

    fn impossible_abort(&self) -> Option<String> {
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
        (self.quantity == Quantity::Drain || low && counts).then(|| {
            format!("the criterion '{self}' cannot stop the campaign: it can be judged only when all is over")
        })
    }
}

/// When a campaign has ended at the latest.
struct Horizon {
    at: Duration,
    because: &'static str,
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
        let mut end = Self {
            at: load.saturating_add(rest),
            because: "by its load, campaign.limits.iteration and campaign.limits.drain",
        };
        let soft = limits.campaign.map(|limit| limit.saturating_add(rest));
        for (at, because) in
            [(soft, "by campaign.timeout"), (limits.campaign_hard, "by campaign.hard-timeout")]
        {
            if let Some(at) = at.filter(|at| *at < end.at) {
                end = Self { at, because };
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use crate::criterion::{Criterion, Durations, Meter, NumberFigure, Quantity};
    use crate::description::{
        MeterDescription, Monitor, ScenarioDescription, SourceLocation, StepDescription,
    };
    use crate::measured::MeterKind;
    use qalipsis_profile::profile::{ArrivalRate, Profile, Stage};
    use std::time::Duration;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn problem_with(criterion: &Criterion, profile: &Profile) -> Option<String> {
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

    fn problem(criterion: Criterion) -> String {
        let stages = Profile::stages([Stage::minions(1).total(secs(20)), Stage::minions(1).total(secs(10))]);
        problem_with(&criterion, &stages).unwrap_or_default()
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
            assert_eq!(problem(sound), "");
        }
        // The iterations of such a minion may last for ever.
        assert_eq!(problem_with(&count().at_least(1).after(secs(3600)), &Profile::immediate()), None);
    }

    #[test]
    fn impossible_criteria_have_a_problem() {
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
                "the criterion 'baskets total at least 9' cannot stop the campaign: it can be judged only when all is \
                 over",
            ),
            (
                Meter::named("lag").drains_within(secs(5)).after(secs(1)),
                "the criterion 'lag time to drain after 1 s at most 5 s' cannot have a window: a drain begins with \
                 the last iteration",
            ),
            (
                count().at_least(100).abort_on_breach(secs(1)),
                "the criterion 'place count at least 100' cannot stop the campaign: it can be judged only when all is \
                 over",
            ),
        ] {
            assert_eq!(problem(criterion), expected);
        }
        assert_eq!(
            problem_with(&count().at_least(1).in_stage(1), &Profile::immediate()).unwrap(),
            "the criterion 'place count in stage 1 at least 1' is on a stage, but the profile has no stages"
        );
        let arrivals = Profile::arrivals([ArrivalRate::per_second(5).total(secs(10))]);
        assert_eq!(problem_with(&count().at_least(1).in_stage(1), &arrivals), None);
        assert_eq!(
            problem_with(&count().at_least(1).in_stage(2), &arrivals).unwrap(),
            "the criterion 'place count in stage 2 at least 1' is on an unknown stage, the profile has stages 1 to 1"
        );
    }
}
