//! A short run of any scenario, to see whether it works: fewer minions, a shorter time.

use crate::criterion::{Criterion, Quantity};
use crate::plan::ScenarioPlan;
use crate::scope::Slice;
use qalipsis_profile::profile::{Batch, Profile, Share, Stage};
use qalipsis_profile::segment::Segment;
use std::time::Duration;

/// How a run is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Smoke {
    /// At most so many minions of each scenario.
    pub minions: Option<u32>,
    /// Only what the profile does in this time from its start.
    pub time: Option<Duration>,
}

/// Why a scenario cannot be cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmokeProblem {
    /// No minions are asked for.
    NoMinions,
    /// More minions are asked for than the profile gives.
    TooManyMinions {
        /// How many the profile gives.
        given: u32,
    },
    /// The profile releases no minion in the time.
    NothingReleased {
        /// The time.
        within: Duration,
    },
}

impl Smoke {
    /// Whether nothing is cut.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Cuts a scenario short. Gives the criteria that are left out: a shorter run cannot meet what is asked of the
    /// entire run, of a number of executions or of a later time.
    ///
    /// # Errors
    /// When the profile has fewer minions than are asked for, or none would be released.
    pub fn apply(&self, scenario: &mut ScenarioPlan) -> Result<Vec<Criterion>, SmokeProblem> {
        if self.is_none() {
            return Ok(Vec::new());
        }
        if let Some(wanted) = self.minions {
            if wanted == 0 {
                return Err(SmokeProblem::NoMinions);
            }
            match scenario.profile.minions() {
                Some(own) if own < wanted => return Err(SmokeProblem::TooManyMinions { given: own }),
                Some(own) => scenario.profile = first(&scenario.profile, own, wanted, None),
                None => scenario.profile = of_minions(&scenario.profile, scenario.minions, wanted),
            }
            scenario.minions = wanted;
        }
        if let Some(time) = self.time {
            let minions = scenario.minions;
            let released =
                scenario.profile.launches(minions, Segment::WHOLE).take_while(|l| l.at < time).count();
            let released = u32::try_from(released).unwrap_or(u32::MAX);
            if released == 0 {
                return Err(SmokeProblem::NothingReleased { within: time });
            }
            scenario.profile = match &scenario.profile {
                Profile::Stages { stages, completion } => Profile::Stages {
                    stages: cut(&scenario.profile, stages, minions, time),
                    completion: *completion,
                },
                Profile::Immediate => Profile::Immediate,
                other => first(other, minions, released, Some(time)),
            };
            scenario.minions = released;
        }
        let (kept, left_out) = std::mem::take(&mut scenario.criteria).into_iter().partition(|criterion| {
            let whole = criterion.scope.slice(&scenario.profile).is_some_and(|slice| slice == Slice::WHOLE);
            whole && !matches!(criterion.quantity, Quantity::Count | Quantity::Throughput)
        });
        scenario.criteria = kept;
        Ok(left_out)
    }
}

/// The first `wanted` of `minions` launches, at their own instants.
fn first(profile: &Profile, minions: u32, wanted: u32, time: Option<Duration>) -> Profile {
    if wanted == minions && time.is_none() {
        return profile.clone();
    }
    let mut batches: Vec<Batch> = Vec::new();
    for launch in profile.launches(minions, Segment::WHOLE).take(wanted as usize) {
        // Explicit batches are few: what lies within a millisecond is released together.
        let at = Duration::from_millis(u64::try_from(launch.at.as_millis()).unwrap_or(u64::MAX));
        match batches.last_mut() {
            Some(last) if last.at == at => last.count += 1,
            _ => batches.push(Batch { at, count: 1 }),
        }
    }
    Profile::Batches { batches }
}

/// The same profile for another number of minions.
fn of_minions(profile: &Profile, minions: u32, wanted: u32) -> Profile {
    let Profile::Stages { stages, completion } = profile else { return profile.clone() };
    let mut sum = 0_u64;
    let mut given = 0_u64;
    let scaled = stages.iter().map(|stage| match stage.share {
        Share::Percent(_) => *stage,
        Share::Minions(own) => {
            // Rounded on the running sum, so that no minion is lost or invented.
            sum += u64::from(own);
            let until = sum * u64::from(wanted) / u64::from(minions.max(1));
            let share = until - given;
            given = until;
            Stage { share: Share::Minions(u32::try_from(share).unwrap_or(u32::MAX)), ..*stage }
        }
    });
    Profile::Stages { stages: scaled.collect(), completion: *completion }
}

/// The stages until `time`, with the minions that they have released by then.
fn cut(profile: &Profile, stages: &[Stage], minions: u32, time: Duration) -> Vec<Stage> {
    let launches: Vec<Duration> = profile.launches(minions, Segment::WHOLE).map(|l| l.at).collect();
    let mut begins = Duration::ZERO;
    let mut cut = Vec::new();
    for stage in stages {
        let Some(left) = time.checked_sub(begins).filter(|left| !left.is_zero()) else { break };
        let (total, whole) = (stage.duration().min(left), stage.duration());
        let ends = begins.saturating_add(whole).min(time);
        let last = ends >= time;
        let within =
            |at: &&Duration| **at >= begins && (**at < ends || (!last && **at == ends && whole.is_zero()));
        let share = Share::Minions(u32::try_from(launches.iter().filter(within).count()).unwrap_or(u32::MAX));
        cut.push(Stage { share, ramp_up: stage.ramp_up.min(total), total });
        begins = begins.saturating_add(whole);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criterion::NumberFigure;
    use crate::plan::PropertyValues;
    use qalipsis_profile::profile::ArrivalRate;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn plan(minions: u32, profile: Profile) -> ScenarioPlan {
        ScenarioPlan {
            name: "checkout".into(),
            minions,
            profile,
            overload: None,
            properties: PropertyValues::default(),
            criteria: Vec::new(),
        }
    }

    #[track_caller]
    fn smoked(mut plan: ScenarioPlan, minions: Option<u32>, time: Option<u64>) -> ScenarioPlan {
        let smoke = Smoke { minions, time: time.map(secs) };
        assert_eq!(smoke.apply(&mut plan), Ok(Vec::new()));
        assert_eq!(plan.profile.problem(plan.minions), None, "{:?}", plan.profile);
        plan
    }

    #[test]
    fn e7_every_profile_can_be_cut_to_a_number_of_minions() {
        let arrivals = Profile::arrivals([ArrivalRate::per_second(50).total(secs(20))]);
        let few = smoked(plan(1_000, arrivals.clone()), Some(5), None);
        assert_eq!(few.minions, 5);
        let at = |plan: &ScenarioPlan, index| plan.profile.at(index, plan.minions).as_millis();
        assert_eq!((at(&few, 0), at(&few, 4)), (0, 80), "their pace stays");
        let absolute = Profile::stages([
            Stage::minions(10).total(secs(1)),
            Stage::minions(20).ramp_up(secs(1)).total(secs(2)),
        ]);
        for profile in [
            Profile::immediate(),
            Profile::regular(2, secs(1)),
            Profile::more(1, secs(1), 2.0, 8),
            Profile::faster(1, secs(2), 2.0, secs(1)),
            Profile::timeframe(secs(1), secs(10)),
            Profile::stages([Stage::percent(40).total(secs(1)), Stage::percent(60).total(secs(1))]),
            absolute,
            Profile::batches([(secs(0), 20), (secs(1), 10)]),
            Profile::arrivals([ArrivalRate::per_second(10).total(secs(3))]),
        ] {
            for wanted in [1, 7, 30] {
                assert_eq!(smoked(plan(30, profile.clone()), Some(wanted), None).minions, wanted);
            }
        }
        let mut too_many = plan(1_000, arrivals);
        let error = Smoke { minions: Some(2_000), time: None }.apply(&mut too_many).unwrap_err();
        assert_eq!(error, SmokeProblem::TooManyMinions { given: 1_000 });
    }

    #[test]
    fn e7_every_profile_can_be_cut_to_a_time() {
        let arrivals = Profile::arrivals([ArrivalRate::per_second(50).total(secs(20))]);
        assert_eq!(smoked(plan(1_000, arrivals), None, Some(5)).minions, 250);
        assert_eq!(smoked(plan(30, Profile::regular(2, secs(1))), None, Some(5)).minions, 10);
        let stages = Profile::stages([
            Stage::percent(50).ramp_up(secs(2)).total(secs(4)),
            Stage::percent(50).ramp_up(secs(4)).total(secs(600)),
        ]);
        let cut = smoked(plan(100, stages), None, Some(6));
        assert_eq!((cut.minions, cut.profile.repeats_until()), (75, Some(secs(6))));
        let both = smoked(plan(30, Profile::regular(2, secs(1))), Some(20), Some(3));
        assert_eq!(both.minions, 6);
        let later = Profile::batches([(secs(10), 5)]);
        let error = Smoke { minions: None, time: Some(secs(5)) }.apply(&mut plan(5, later)).unwrap_err();
        assert_eq!(error, SmokeProblem::NothingReleased { within: secs(5) });
    }

    #[test]
    fn e7_criteria_on_the_whole_load_are_left_out() {
        let mut plan = plan(10, Profile::immediate());
        plan.criteria = vec![
            NumberFigure::of("place", Quantity::Count).at_least(10),
            NumberFigure::of("place", Quantity::ErrorRate).at_most(0.1),
        ];
        let left_out = Smoke { minions: Some(2), time: None }.apply(&mut plan).unwrap();
        assert_eq!((left_out.len(), plan.criteria.len()), (1, 1));
        assert_eq!(left_out[0].quantity, Quantity::Count);
    }
}
