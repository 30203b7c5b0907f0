//! One scenario.

use super::criterion::Criterion;
use super::failure::{Kept, Location};
use super::join::Join;
use super::meter::Meter;
#[cfg(test)]
use super::schema;
use super::step::{Figures, Step};
use super::timeline::Timeline;
use super::zone::{Zone, ZoneDifference};
use qalipsis_judge::report::{self, ScenarioReport};
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::RecordsPerIteration;
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// One scenario of the campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// Crate that it is compiled in.
    pub crate_name: String,
    /// One line for people; may be empty.
    pub description: String,
    /// Where it is built.
    pub location: Location,
    /// The profile in words.
    pub profile: String,
    /// Zones of its factories.
    pub zones: Vec<String>,
    /// The figures of each zone, by name; absent unless there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_zone: Vec<Zone>,
    /// Where zones differ: failures first, then times, largest first; absent when they do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zone_differences: Vec<ZoneDifference>,
    /// Minions planned.
    pub minions: u64,
    /// Minions released.
    pub released: u64,
    /// Minions not released because too many others were active.
    #[serde(default)]
    pub dropped: u64,
    /// Minions that ended.
    pub ended: u64,
    /// How late releases were.
    #[cfg_attr(test, schemars(with = "schema::Histogram"))]
    pub release_lag: Histogram,
    /// Whole iterations.
    pub passes: Figures,
    /// In order of declaration.
    pub steps: Vec<Step>,
    /// In order of opening.
    pub joins: Vec<Join>,
    /// What is watched and set, by name, then what else the scenario measures, in order of declaration.
    pub meters: Vec<Meter>,
    /// By name: records that minions took in several iterations; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Data>,
    /// By name: files with data that minions took records of; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_files: Vec<DataFile>,
    /// In order of declaration.
    pub criteria: Vec<Criterion>,
    /// Failures outside of any step.
    pub problems: Vec<Problem>,
    /// Load and response times over time.
    pub timeline: Timeline,
}

/// A file with data, as it was read during the warm-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DataFile {
    /// As the scenario names it.
    pub name: String,
    /// 16 hexadecimal digits that differ when the content does.
    pub digest: String,
}

impl DataFile {
    fn new((name, digest): (&String, &u64)) -> Self {
        Self { name: name.clone(), digest: format!("{digest:016x}") }
    }
}

/// Records that minions took in several iterations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Data {
    /// As the scenario names them.
    pub name: String,
    /// How many each iteration took; null when iterations took different numbers.
    pub records_per_pass: Option<u64>,
}

impl Data {
    fn new((name, takes): (&String, &RecordsPerIteration)) -> Self {
        Self { name: name.clone(), records_per_pass: takes.count }
    }
}

/// A failure outside of any step: warm-up, sources, panics between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// Unique in its scenario: `warm-up`, `source kafka topic orders.fulfilled`.
    pub name: String,
    /// Kind of failure.
    pub kind: String,
    /// How often.
    pub count: u64,
    /// One line that a person understands.
    pub message: String,
    /// The first ones, with their evidence.
    pub kept: Vec<Kept>,
}

impl Scenario {
    pub(super) fn new(scenario: &ScenarioReport, started: Timestamp) -> Self {
        let meters = scenario.meters.iter();
        let figures =
            |index: u32| scenario.steps.get(index as usize).map(|step| (step.name.as_str(), &step.figures));
        let names = scenario.steps.iter().map(|s| s.name.as_str());
        Self {
            name: scenario.name.clone(),
            crate_name: scenario.crate_name.clone(),
            description: scenario.description.clone(),
            location: Location::from(&scenario.location),
            profile: scenario.profile.clone(),
            zones: scenario.zones.clone(),
            by_zone: scenario.by_zone.iter().map(|zone| Zone::new(zone, &scenario.steps)).collect(),
            zone_differences: scenario.zone_differences.iter().map(ZoneDifference::from).collect(),
            minions: scenario.minions,
            released: scenario.released,
            dropped: scenario.dropped,
            ended: scenario.ended,
            release_lag: scenario.release_lag.clone(),
            passes: Figures::from(&scenario.iterations),
            steps: scenario.steps.iter().map(Step::from).collect(),
            joins: scenario
                .joins
                .iter()
                .map(|join| Join::new(join, &scenario.join_evidence, figures))
                .collect(),
            meters: meters
                .map(|(name, meter)| Meter::new(name, meter, started))
                .chain(scenario.measured.iter().map(Meter::from))
                .collect(),
            data: scenario.data.iter().map(Data::new).collect(),
            data_files: scenario.data_files.iter().map(DataFile::new).collect(),
            criteria: scenario.criteria.iter().map(Criterion::from).collect(),
            problems: scenario.problems.iter().map(Problem::from).collect(),
            timeline: Timeline::new(&scenario.timeline, names),
        }
    }
}

impl From<&report::ScenarioProblem> for Problem {
    fn from(problem: &report::ScenarioProblem) -> Self {
        Self {
            name: problem.name.clone(),
            kind: problem.kind.name().to_owned(),
            count: problem.count,
            message: problem.message.clone(),
            kept: problem.evidence.iter().map(Kept::from).collect(),
        }
    }
}
