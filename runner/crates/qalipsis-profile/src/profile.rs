//! Load profiles: when each minion is released, as a pure function of its index.

mod arrivals;
mod batches;
mod poisson;
mod problem;
mod stages;
#[cfg(test)]
mod tests;

pub use arrivals::{ArrivalRate, Spacing};
pub use batches::Batch;
pub use problem::ProfileProblem;

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
    /// Batches that grow, at a fixed pace; each minion runs the scenario once.
    More {
        /// Minions of the first batch.
        count: u32,
        /// Time between two batches.
        every: Duration,
        /// How many times larger each batch is than the one before, in thousandths.
        multiplier: u32,
        /// Minions of the largest batch.
        max: u32,
    },
    /// Batches of `count` minions that follow each other faster and faster; each minion runs the scenario once.
    Faster {
        /// Minions of a batch.
        count: u32,
        /// Time between the first two batches.
        start_every: Duration,
        /// How many times shorter each period is than the one before, in thousandths.
        accelerator: u32,
        /// The shortest time between two batches.
        min_every: Duration,
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
        /// What happens to iterations that run when the last stage ends.
        completion: Completion,
    },
    /// The open model: minions arrive at rates, which give their number; each runs the scenario once.
    Arrivals {
        /// In the order in which they follow each other.
        rates: Vec<ArrivalRate>,
        /// How arrivals lie in time.
        spacing: Spacing,
    },
    /// Explicit batches, which give the number of minions; each minion runs the scenario once.
    Batches {
        /// In order of time.
        batches: Vec<Batch>,
    },
}

/// One stage of [`Profile::Stages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// How many minions it adds.
    pub share: Share,
    /// The time over which they are added, evenly.
    pub ramp_up: Duration,
    /// The total time of the stage, ramp-up included.
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

/// What happens to an iteration that still runs when the last stage ends.
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

    /// The total time of the stage. Default: the ramp-up.
    #[must_use]
    pub fn total(mut self, duration: Duration) -> Self {
        self.total = duration;
        self
    }

    /// The total time, at least the ramp-up.
    pub fn duration(&self) -> Duration {
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

    /// Growing batches: `count` minions, and every `every` a batch `multiplier` times the one before, rounded down,
    /// until batches have `max` minions. The multiplier counts to the thousandth.
    pub fn more(count: u32, every: Duration, multiplier: f64, max: u32) -> Self {
        Self::More { count, every, multiplier: batches::thousandths(multiplier), max }
    }

    /// `count` minions at a shrinking period: `start_every` between the first two batches, each period then the one
    /// before divided by `accelerator`, until it is `min_every`. The accelerator counts to the thousandth.
    pub fn faster(count: u32, start_every: Duration, accelerator: f64, min_every: Duration) -> Self {
        Self::Faster { count, start_every, accelerator: batches::thousandths(accelerator), min_every }
    }

    /// All minions spread evenly over the ticks of `every` inside `within`.
    pub fn timeframe(every: Duration, within: Duration) -> Self {
        Self::Timeframe { every, within }
    }

    /// Stages that add minions, which repeat until the last stage ends; iterations that run then are finished.
    pub fn stages(stages: impl IntoIterator<Item = Stage>) -> Self {
        Self::Stages { stages: stages.into_iter().collect(), completion: Completion::Graceful }
    }

    /// The open model: minions arrive at these rates, one rate after the other, whether or not earlier ones are done.
    ///
    /// The number of minions is what the rates give, so a scenario does not set it. Arrivals are spaced evenly, the
    /// first at the start; see [`Profile::poisson`].
    pub fn arrivals(rates: impl IntoIterator<Item = ArrivalRate>) -> Self {
        Self::Arrivals { rates: rates.into_iter().collect(), spacing: Spacing::Even }
    }

    /// For [`Profile::arrivals`]: a Poisson process of these rates instead, the same for the same seed.
    /// Without effect on the other profiles.
    #[must_use]
    pub fn poisson(mut self, seed: u64) -> Self {
        if let Self::Arrivals { spacing, .. } = &mut self {
            *spacing = Spacing::Poisson { seed };
        }
        self
    }

    /// A profile of your own: batches of (offset from the start of the load, number of minions), in order of time.
    ///
    /// The number of minions is their sum, so a scenario does not set it.
    pub fn batches(batches: impl IntoIterator<Item = (Duration, u32)>) -> Self {
        Self::Batches { batches: batches.into_iter().map(|(at, count)| Batch { at, count }).collect() }
    }

    /// For [`Profile::stages`]: what happens to iterations that run when the last stage ends.
    /// Without effect on the other profiles, whose minions run once.
    #[must_use]
    pub fn completion(mut self, wanted: Completion) -> Self {
        if let Self::Stages { completion, .. } = &mut self {
            *completion = wanted;
        }
        self
    }

    /// The number of minions, when it follows from the profile itself.
    pub fn minions(&self) -> Option<u32> {
        match self {
            Self::Arrivals { rates, spacing } => Some(arrivals::count(rates, *spacing)),
            Self::Batches { batches } => Some(batches::sum(batches)),
            Self::Immediate
            | Self::Regular { .. }
            | Self::More { .. }
            | Self::Faster { .. }
            | Self::Timeframe { .. }
            | Self::Stages { .. } => None,
        }
    }

    /// The expected number of arrivals, without drawing them; none for profiles without rates.
    pub fn expected_arrivals(&self) -> Option<u128> {
        match self {
            Self::Arrivals { rates, .. } => Some(arrivals::expected(rates)),
            Self::Immediate
            | Self::Regular { .. }
            | Self::More { .. }
            | Self::Faster { .. }
            | Self::Timeframe { .. }
            | Self::Stages { .. }
            | Self::Batches { .. } => None,
        }
    }

    /// Why this profile cannot release `minions` minions, if so.
    pub fn problem(&self, minions: u32) -> Option<ProfileProblem> {
        match self {
            Self::Immediate => None,
            Self::Regular { count: 0, .. } => Some(ProfileProblem::EmptyBatch),
            Self::Regular { .. } => None,
            Self::More { count, every, multiplier, max } => {
                batches::growing_problem(*count, *every, *multiplier, *max)
            }
            Self::Faster { count, start_every, accelerator, min_every } => {
                batches::quickening_problem(*count, *start_every, *accelerator, *min_every)
            }
            Self::Timeframe { every, within } => {
                if every.is_zero() {
                    Some(ProfileProblem::NoPeriod)
                } else {
                    (within < every).then_some(ProfileProblem::WindowBelowPeriod)
                }
            }
            Self::Stages { stages, .. } => stages::problem(stages, minions),
            Self::Arrivals { rates, spacing } => arrivals::problem(rates, *spacing, minions),
            Self::Batches { batches } => batches::problem(batches, minions),
        }
    }

    /// The instant for which minion `index` of `minions` is intended.
    pub fn at(&self, index: u32, minions: u32) -> Duration {
        match self {
            Self::Immediate => Duration::ZERO,
            Self::Regular { count, every } => every.saturating_mul(index / (*count).max(1)),
            Self::Timeframe { every, within } => {
                let ticks = (within.as_nanos() / every.as_nanos().max(1)).max(1);
                let tick = u128::from(index) * ticks / u128::from(minions.max(1));
                nanos(tick * every.as_nanos())
            }
            Self::Stages { stages, .. } => {
                let mut start = Duration::ZERO;
                let mut first = 0;
                for (stage, last) in stages.iter().zip(stages::ends(stages, minions)) {
                    if index < last {
                        let among = u128::from(last - first);
                        return start.saturating_add(nanos(
                            stage.ramp_up.as_nanos() * u128::from(index - first) / among,
                        ));
                    }
                    first = last;
                    start = start.saturating_add(stage.duration());
                }
                start
            }
            Self::More { .. } | Self::Faster { .. } | Self::Arrivals { .. } | Self::Batches { .. } => {
                self.instants(minions).nth(index as usize).unwrap_or_default()
            }
        }
    }

    /// The instants of all minions, in the order of their indices.
    fn instants(&self, minions: u32) -> Box<dyn Iterator<Item = Duration> + '_> {
        match self {
            Self::More { count, every, multiplier, max } => {
                Box::new(batches::growing(*count, *every, *multiplier, *max).flat_map(Batch::instants))
            }
            Self::Faster { count, start_every, accelerator, min_every } => Box::new(
                batches::quickening(*count, *start_every, *accelerator, *min_every).flat_map(Batch::instants),
            ),
            Self::Arrivals { rates, spacing } => Box::new(arrivals::instants(rates, *spacing)),
            Self::Batches { batches } => Box::new(batches.iter().copied().flat_map(Batch::instants)),
            Self::Immediate | Self::Regular { .. } | Self::Timeframe { .. } | Self::Stages { .. } => {
                Box::new((0..minions).map(move |index| self.at(index, minions)))
            }
        }
    }

    /// The launches of the minions that `segment` hosts, in order of time.
    pub fn launches(&self, minions: u32, segment: Segment) -> impl Iterator<Item = Launch> + '_ {
        let hosts = segment.hosting();
        // Every profile releases in the order of the indices, so no sorting is needed.
        (0..minions)
            .zip(self.instants(minions))
            .filter(move |(minion, _)| hosts(*minion))
            .map(|(minion, at)| Launch { at, minion })
    }

    /// When the stages, or the rates of arrivals, begin and end; none for profiles without.
    pub fn stage_times(&self) -> Vec<(Duration, Duration)> {
        let durations: Vec<Duration> = match self {
            Self::Stages { stages, .. } => stages.iter().map(Stage::duration).collect(),
            Self::Arrivals { rates, .. } => rates.iter().map(ArrivalRate::duration).collect(),
            Self::Immediate
            | Self::Regular { .. }
            | Self::More { .. }
            | Self::Faster { .. }
            | Self::Timeframe { .. }
            | Self::Batches { .. } => Vec::new(),
        };
        let times = durations.into_iter().scan(Duration::ZERO, |start, own| {
            let from = *start;
            *start = start.saturating_add(own);
            Some((from, *start))
        });
        times.collect()
    }

    /// When minions stop repeating; `None` when each runs once.
    pub fn repeats_until(&self) -> Option<Duration> {
        match self {
            Self::Stages { stages, .. } => {
                Some(stages.iter().map(Stage::duration).fold(Duration::ZERO, Duration::saturating_add))
            }
            Self::Immediate
            | Self::Regular { .. }
            | Self::More { .. }
            | Self::Faster { .. }
            | Self::Timeframe { .. }
            | Self::Arrivals { .. }
            | Self::Batches { .. } => None,
        }
    }

    /// What happens to iterations that run when [`Self::repeats_until`] is reached.
    pub fn at_end(&self) -> Completion {
        match self {
            Self::Stages { completion, .. } => *completion,
            Self::Immediate
            | Self::Regular { .. }
            | Self::More { .. }
            | Self::Faster { .. }
            | Self::Timeframe { .. }
            | Self::Arrivals { .. }
            | Self::Batches { .. } => Completion::Graceful,
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
            Self::More { count, every, multiplier, max } => {
                let multiplier = batches::factor(*multiplier);
                write!(f, "{count} every {}, {multiplier} times as many each, at most {max}", human(*every))
            }
            Self::Faster { count, start_every, accelerator, min_every } => {
                let (start, min) = (human(*start_every), human(*min_every));
                let accelerator = batches::factor(*accelerator);
                write!(f, "{count} every {start}, {accelerator} times as often each, at most every {min}")
            }
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
            Self::Arrivals { rates, spacing } => {
                f.write_str("arriving at ")?;
                for (i, rate) in rates.iter().enumerate() {
                    write!(f, "{}{rate}", if i > 0 { ", then " } else { "" })?;
                }
                match spacing {
                    Spacing::Even => Ok(()),
                    Spacing::Poisson { seed } => write!(f, ", Poisson with seed {seed}"),
                }
            }
            Self::Batches { batches } => {
                const SHOWN: usize = 5;
                for (i, Batch { at, count }) in batches.iter().take(SHOWN).enumerate() {
                    write!(f, "{}{count} at {}", if i > 0 { ", " } else { "" }, human(*at))?;
                }
                match batches.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    rest => write!(f, " and {rest} more batches"),
                }
            }
        }
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
