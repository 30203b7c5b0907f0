//! What a campaign is to do, as the head hands it to every factory.

use crate::criterion::Criterion;
use crate::event::Level;
use qalipsis_profile::overload::Overload;
use qalipsis_profile::profile::Profile;
use qalipsis_profile::segment::Segment;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Version of everything that a runner and a scenario executable exchange.
///
/// It changes when an older reader would misunderstand; new optional fields do not change it.
pub const CONTRACT: u32 = 2;

/// One run of one or more scenarios.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignPlan {
    /// Unique among all campaigns; part of file names.
    pub key: String,
    /// For people.
    pub name: String,
    /// All schedules and data derive from it.
    pub seed: u64,
    /// What runs.
    pub scenarios: Vec<ScenarioPlan>,
    /// What bounds it.
    pub limits: Limits,
    /// Which events factories collect; `None` for none.
    pub events: Option<EventsPlan>,
}

/// Which events factories collect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventsPlan {
    /// The lowest level that is emitted.
    pub level: Level,
    /// How many may wait at each worker; further ones are dropped and counted.
    pub buffer: u32,
}

/// One scenario of a campaign, with everything configured.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioPlan {
    /// Name of the scenario.
    pub name: String,
    /// Minions over all factories.
    pub minions: u32,
    /// When they are released.
    pub profile: Profile,
    /// What happens while too many of them are active; `None` for what the scenario declares.
    pub overload: Option<Overload>,
    /// Configured values, by name of the property.
    pub properties: PropertyValues,
    /// What its figures must be: the criteria that it declares, as far as configuration left them, and those of
    /// configuration.
    pub criteria: Vec<Criterion>,
}

/// Configured values of properties. They may be secrets, so `Debug` shows the names only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PropertyValues(pub BTreeMap<String, String>);

impl fmt::Debug for PropertyValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Bounds of a campaign: nothing waits without one, and the report says when one was hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Failures of each kind whose evidence is kept, per step. Default 5.
    pub evidence: u32,
    /// How long one iteration of one minion may take. Default 5 minutes.
    pub iteration: Duration,
    /// How long opening the worlds and positioning the sources may take. Default 30 s.
    pub warm_up: Duration,
    /// How long sources go on after the last minion while awaited records are overdue. Default 10 s.
    pub drain: Duration,
    /// The campaign is stopped gracefully after this time. Default: never.
    pub campaign: Option<Duration>,
    /// What runs of the campaign after this time is cancelled. Default: never.
    pub campaign_hard: Option<Duration>,
    /// How late 99 % of the releases may be before the run is invalid. Default 1 s.
    pub release_lag: Duration,
    /// How many minions of a scenario may be dropped before the run is invalid. Default 0.
    pub dropped: u64,
    /// How many records a source may have left unread while awaited ones are missing. Default 1000.
    pub source_lag: u64,
    /// How much evidence may be dropped before the run is invalid. Default 1000.
    pub evidence_lost: u64,
    /// How much of its machine's CPU a factory may use while that machine has none left, in percent. Default 50.
    pub cpu: u8,
    /// For how long of the load it may use more before the run is invalid. Default 10 s.
    pub cpu_time: Duration,
    /// How far a wall clock may jump before the run is invalid. Default 500 ms.
    pub clock_jump: Duration,
    /// How many events may be dropped before the run is invalid. Default 1000.
    pub events_dropped: u64,
    /// How long a factory, or one of its workers, may show no sign of life before it is lost. Default 10 s.
    pub factory_silence: Duration,
    /// How many failed executions are listed in the whole campaign; 0 for none. A runner that does not know the list
    /// asks for none. Default 100,000.
    pub failures: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            evidence: 5,
            iteration: Duration::from_secs(300),
            warm_up: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            campaign: None,
            campaign_hard: None,
            release_lag: Duration::from_secs(1),
            dropped: 0,
            source_lag: 1_000,
            evidence_lost: 1_000,
            cpu: 50,
            cpu_time: Duration::from_secs(10),
            clock_jump: Duration::from_millis(500),
            events_dropped: 1_000,
            factory_silence: Duration::from_secs(10),
            failures: 100_000,
        }
    }
}

/// What one factory gets of a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct FactoryPlan {
    /// The campaign, with only the scenarios that this factory hosts.
    pub campaign: CampaignPlan,
    /// Name of the factory in reports.
    pub factory: String,
    /// Location label of the factory.
    pub zone: Option<String>,
    /// Its share of each scenario, in the order of the campaign's scenarios.
    pub shares: Vec<LoadShare>,
    /// Threads that run minions; `None` for one per core.
    pub workers: Option<u32>,
    /// Its minions run this one iteration again and report every execution in full; `None` for a normal campaign.
    pub replay: Option<Replay>,
}

impl FactoryPlan {
    /// The scenarios that it hosts, each with its share.
    pub fn scenarios(&self) -> impl Iterator<Item = (&ScenarioPlan, LoadShare)> {
        self.campaign.scenarios.iter().zip(self.shares.iter().copied())
    }

    /// Whether it shares a scenario with other factories.
    pub fn is_shared(&self) -> bool {
        self.shares.iter().any(|share| share.role != Role::Alone)
    }

    /// Its scenarios in which it has this role.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &str> {
        self.scenarios()
            .filter(move |(_, share)| share.role == role)
            .map(|(scenario, _)| scenario.name.as_str())
    }
}

/// The share that one factory has of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadShare {
    /// Which minions.
    pub segment: Segment,
    /// What it does beside running them.
    pub role: Role,
}

impl LoadShare {
    /// The whole scenario.
    pub const WHOLE: Self = Self { segment: Segment::WHOLE, role: Role::Alone };

    /// The shares of several factories: the first leads the others.
    pub fn among(segments: &[Segment]) -> Vec<Self> {
        let role = |index| match index {
            _ if segments.len() == 1 => Role::Alone,
            0 => Role::Leading,
            _ => Role::Following,
        };
        segments.iter().enumerate().map(|(index, &segment)| Self { segment, role: role(index) }).collect()
    }
}

/// What a factory does of a scenario that is done once, however many factories host it: counting what sources read, and
/// the closing check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is the only factory of the scenario.
    Alone,
    /// It does all that for others too, and so ends after them.
    Leading,
    /// Another factory does it.
    Following,
}

/// An iteration that is run again, to look at it closely.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replay {
    /// The iteration, from 0.
    pub iteration: u64,
    /// How many records its minion had taken before, by name of the data; `None` when it is unknown. Of data that
    /// is absent it took one in each iteration.
    pub taken: BTreeMap<String, Option<u64>>,
}

/// How a running campaign is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// No further release, iterations are finished, sources drain.
    Graceful,
    /// Iterations are cancelled, nothing drains.
    Hard,
}
