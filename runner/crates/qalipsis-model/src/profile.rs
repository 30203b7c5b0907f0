//! Load profiles: when each minion is released, as a pure function of its index.

use crate::segment::Segment;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How the minions of a scenario are released over time.
///
/// All instants are offsets from the start of the load, computed from integers: the same profile
/// and number of minions always give the same instants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Profile {
    /// All minions at once; each runs the scenario once.
    Immediate,
    /// A batch of `count` minions every `every`; each runs the scenario once.
    Regular {
        /// Minions of a batch.
        count: u32,
        /// Time between two batches.
        every: Duration,
    },
    /// All minions spread evenly over the ticks of `every` in a window of `within`; each runs the scenario once.
    Timeframe {
        /// Time between two batches.
        every: Duration,
        /// The window that the batches fill.
        within: Duration,
    },
    /// Minions are added stage by stage and repeat the scenario until the last stage ends.
    Stages {
        /// In the order in which they run.
        stages: Vec<Stage>,
        /// What happens to passes that run when the last stage ends.
        completion: Completion,
    },
}

/// One stage of [`Profile::Stages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// How many minions it adds.
    pub share: Share,
    /// The time over which they are added, evenly.
    pub ramp_up: Duration,
    /// The whole time of the stage, ramp-up included.
    pub total: Duration,
}

/// How many minions a stage adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// Of the scenario's minions, in percent.
    Percent(u32),
    /// An absolute number of minions.
    Minions(u32),
}

/// What happens to a pass that still runs when the last stage ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completion {
    /// It is finished, and no other begins.
    #[default]
    Graceful,
    /// It is cancelled; its open steps count as cancelled, neither passed nor failed.
    Hard,
}

/// One minion and the instant for which its release is intended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Launch {
    /// Offset from the start of the load.
    pub at: Duration,
    /// Index of the minion in its scenario.
    pub minion: u32,
}

impl Stage {
    /// A stage that adds `percent` % of the scenario's minions at its start.
    pub fn percent(percent: u32) -> Self {
        Self { share: Share::Percent(percent), ramp_up: Duration::ZERO, total: Duration::ZERO }
    }

    /// A stage that adds `count` minions at its start.
    pub fn minions(count: u32) -> Self {
        Self { share: Share::Minions(count), ramp_up: Duration::ZERO, total: Duration::ZERO }
    }

    /// Spreads the stage's minions evenly over `duration`. Default: all at its start.
    #[must_use]
    pub fn ramp_up(mut self, duration: Duration) -> Self {
        self.ramp_up = duration;
        self
    }

    /// The whole time of the stage. Default: the ramp-up.
    #[must_use]
    pub fn total(mut self, duration: Duration) -> Self {
        self.total = duration;
        self
    }

    /// The whole time, at least the ramp-up.
    pub(crate) fn duration(&self) -> Duration {
        self.total.max(self.ramp_up)
    }
}

impl Profile {
    /// All minions at once.
    pub fn immediate() -> Self {
        Self::Immediate
    }

    /// `count` minions every `every`.
    pub fn regular(count: u32, every: Duration) -> Self {
        Self::Regular { count, every }
    }

    /// All minions spread evenly over the ticks of `every` inside `within`.
    pub fn timeframe(every: Duration, within: Duration) -> Self {
        Self::Timeframe { every, within }
    }

    /// Stages that add minions, which repeat until the last stage ends; passes that run then are finished.
    pub fn stages(stages: impl IntoIterator<Item = Stage>) -> Self {
        Self::Stages { stages: stages.into_iter().collect(), completion: Completion::Graceful }
    }

    /// For [`Profile::stages`]: what happens to passes that run when the last stage ends.
    /// Without effect on the other profiles, whose minions run once.
    #[must_use]
    pub fn completion(mut self, wanted: Completion) -> Self {
        if let Self::Stages { completion, .. } = &mut self {
            *completion = wanted;
        }
        self
    }

    /// Why this profile cannot release `minions` minions, if so.
    pub fn problem(&self, minions: u32) -> Option<String> {
        match self {
            Self::Immediate => None,
            Self::Regular { count: 0, .. } => {
                Some("profile regular: the batch size must be at least 1".into())
            }
            Self::Regular { .. } => None,
            Self::Timeframe { every, within } => {
                if every.is_zero() {
                    Some("profile timeframe: the period must be more than zero".into())
                } else if within < every {
                    Some("profile timeframe: the window must be at least as long as the period".into())
                } else {
                    None
                }
            }
            Self::Stages { stages, .. } => stages_problem(stages, minions),
        }
    }

    /// The instant for which minion `index` of `minions` is intended.
    pub fn at(&self, index: u32, minions: u32) -> Duration {
        match self {
            Self::Immediate => Duration::ZERO,
            Self::Regular { count, every } => *every * (index / (*count).max(1)),
            Self::Timeframe { every, within } => {
                let ticks = (within.as_nanos() / every.as_nanos().max(1)).max(1);
                let tick = u128::from(index) * ticks / u128::from(minions.max(1));
                nanos(tick * every.as_nanos())
            }
            Self::Stages { stages, .. } => {
                let mut start = Duration::ZERO;
                let mut first = 0;
                for (stage, last) in stages.iter().zip(stage_ends(stages, minions)) {
                    if index < last {
                        let among = u128::from(last - first);
                        return start + nanos(stage.ramp_up.as_nanos() * u128::from(index - first) / among);
                    }
                    first = last;
                    start += stage.duration();
                }
                start
            }
        }
    }

    /// The launches of the minions that `segment` hosts, in order of time.
    pub fn launches(&self, minions: u32, segment: Segment) -> impl Iterator<Item = Launch> + '_ {
        // Every profile releases in the order of the indices, so no sorting is needed.
        (0..minions)
            .filter(move |m| segment.hosts(*m))
            .map(move |m| Launch { at: self.at(m, minions), minion: m })
    }

    /// When minions stop repeating; `None` when each runs once.
    pub fn repeats_until(&self) -> Option<Duration> {
        match self {
            Self::Stages { stages, .. } => Some(stages.iter().map(Stage::duration).sum()),
            Self::Immediate | Self::Regular { .. } | Self::Timeframe { .. } => None,
        }
    }

    /// What happens to passes that run when [`Self::repeats_until`] is reached.
    pub fn at_end(&self) -> Completion {
        match self {
            Self::Stages { completion, .. } => *completion,
            Self::Immediate | Self::Regular { .. } | Self::Timeframe { .. } => Completion::Graceful,
        }
    }

    /// The time from the first to the last intended release, or to the end of the last stage.
    pub fn duration(&self, minions: u32) -> Duration {
        self.repeats_until().unwrap_or_else(|| match minions {
            0 => Duration::ZERO,
            n => self.at(n - 1, n),
        })
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::duration::human;
        match self {
            Self::Immediate => f.write_str("all at once"),
            Self::Regular { count, every } => write!(f, "{count} every {}", human(*every)),
            Self::Timeframe { every, within } => {
                write!(f, "spread over {}, every {}", human(*within), human(*every))
            }
            Self::Stages { stages, completion } => {
                for (i, stage) in stages.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", then ")?;
                    }
                    match stage.share {
                        Share::Percent(p) => write!(f, "{p} %")?,
                        Share::Minions(n) => write!(f, "{n} minions")?,
                    }
                    write!(f, " over {} for {}", human(stage.ramp_up), human(stage.duration()))?;
                }
                if *completion == Completion::Hard { f.write_str(", then cancelled") } else { Ok(()) }
            }
        }
    }
}

/// The index after the last minion of each stage.
fn stage_ends(stages: &[Stage], minions: u32) -> impl Iterator<Item = u32> + '_ {
    // Percentages are rounded on their running sum, so that stages never lose or invent a minion.
    stages.iter().scan((0_u64, 0_u64), move |(percent, absolute), stage| {
        match stage.share {
            Share::Percent(p) => *percent += u64::from(p),
            Share::Minions(n) => *absolute += u64::from(n),
        }
        Some((u64::from(minions) * *percent / 100 + *absolute).min(u64::from(minions)) as u32)
    })
}

fn stages_problem(stages: &[Stage], minions: u32) -> Option<String> {
    if stages.is_empty() {
        return Some("profile stages: there must be at least one stage".into());
    }
    let mut percent = 0_u64;
    let mut absolute = 0_u64;
    let mut kinds = [false, false];
    for stage in stages {
        match stage.share {
            Share::Percent(p) => (percent, kinds[0]) = (percent + u64::from(p), true),
            Share::Minions(n) => (absolute, kinds[1]) = (absolute + u64::from(n), true),
        }
        if stage.duration().is_zero() {
            return Some("profile stages: each stage needs a ramp-up or a total duration".into());
        }
        if stage.total < stage.ramp_up && !stage.total.is_zero() {
            return Some("profile stages: the total of a stage must be at least its ramp-up".into());
        }
    }
    match kinds {
        [true, true] => Some("profile stages: percentages and absolute counts cannot be mixed".into()),
        [true, false] if percent != 100 => {
            Some(format!("profile stages: the percentages sum to {percent}, they must sum to 100"))
        }
        [false, true] if absolute != u64::from(minions) => {
            Some(format!("profile stages: the stages add {absolute} minions, the scenario has {minions}"))
        }
        _ => None,
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn offsets(profile: &Profile, minions: u32) -> Vec<u64> {
        profile.launches(minions, Segment::WHOLE).map(|l| l.at.as_millis() as u64).collect()
    }

    #[test]
    fn closed_forms() {
        assert_eq!(offsets(&Profile::immediate(), 3), [0, 0, 0]);
        assert_eq!(offsets(&Profile::regular(2, secs(1)), 5), [0, 0, 1000, 1000, 2000]);
        assert_eq!(offsets(&Profile::timeframe(secs(1), secs(2)), 5), [0, 0, 0, 1000, 1000]);
        let stages = Profile::stages([
            Stage::percent(40).ramp_up(secs(2)).total(secs(3)),
            Stage::percent(60).ramp_up(secs(3)).total(secs(3)),
        ]);
        assert_eq!(offsets(&stages, 5), [0, 1000, 3000, 4000, 5000]);
        assert_eq!(stages.repeats_until(), Some(secs(6)));
    }

    #[test]
    fn problems_are_named() {
        let stages = |list: &[Stage]| Profile::stages(list.to_vec()).problem(100);
        assert_eq!(
            stages(&[Stage::percent(40).total(secs(1)), Stage::percent(50).total(secs(1))]).unwrap(),
            "profile stages: the percentages sum to 90, they must sum to 100"
        );
        assert_eq!(
            stages(&[Stage::minions(40).total(secs(1))]).unwrap(),
            "profile stages: the stages add 40 minions, the scenario has 100"
        );
        assert!(stages(&[]).is_some());
        assert!(stages(&[Stage::percent(100)]).is_some());
        assert!(Profile::regular(0, secs(1)).problem(1).is_some());
        assert!(Profile::timeframe(secs(2), secs(1)).problem(1).is_some());
        assert_eq!(Profile::immediate().problem(10), None);
    }

    fn any_profile() -> impl Strategy<Value = Profile> {
        let ms = |max| (1_u64..max).prop_map(Duration::from_millis);
        prop_oneof![
            Just(Profile::Immediate),
            (1_u32..50, ms(2000)).prop_map(|(count, every)| Profile::Regular { count, every }),
            (ms(500), 1_u32..50).prop_map(|(every, n)| Profile::Timeframe { every, within: every * n }),
            (1_u32..99, ms(5000), ms(5000), ms(5000)).prop_map(|(percent, up, total, up2)| Profile::stages(
                [
                    Stage::percent(percent).ramp_up(up).total(up + total),
                    Stage::percent(100 - percent).ramp_up(up2),
                ]
            )),
        ]
    }

    proptest! {
        #[test]
        fn the_union_of_any_split_is_the_whole(
            profile in any_profile(),
            minions in 0_u32..3000,
            weights in proptest::collection::vec(1_u32..100, 1..6),
        ) {
            prop_assert_eq!(profile.problem(minions), None);
            let whole: Vec<Launch> = profile.launches(minions, Segment::WHOLE).collect();
            let mut union: Vec<Launch> =
                Segment::split(&weights).iter().flat_map(|s| profile.launches(minions, *s).collect::<Vec<_>>()).collect();
            union.sort();
            prop_assert!(whole.is_sorted(), "launches come in order of time");
            prop_assert_eq!(whole.len() as u32, minions);
            prop_assert_eq!(whole, union);
        }

        #[test]
        fn no_launch_lies_after_the_end(profile in any_profile(), minions in 1_u32..3000) {
            let end = profile.duration(minions);
            prop_assert!(profile.launches(minions, Segment::WHOLE).all(|l| l.at <= end));
        }
    }
}
