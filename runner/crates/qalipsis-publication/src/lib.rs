//! A campaign that ended elsewhere, as one head gives it to another.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use qalipsis_config::problem::Problem;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::Status;
use qalipsis_store::names;
use qalipsis_store::{
    CampaignRecord, CampaignStatus, Marker, ScenarioRecord, Slice, Store, StoreError, StoredFile, TimesRecord,
};
use qalipsis_summary::Summary;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The largest publication that a head takes, in bytes.
pub const LARGEST_PUBLICATION: usize = 64 * 1024 * 1024;

/// The longest key.
const LONGEST_KEY: usize = 100;

/// A campaign that has ended, with everything that is kept of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Publication {
    /// Name for people.
    name: String,
    /// The verdict.
    status: Verdict,
    /// The exit code of the process that ran it.
    exit_code: u8,
    /// When it was asked for, in RFC 3339.
    #[schema(format = DateTime)]
    queued_at: String,
    /// When its load started; absent when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    ended_at: String,
    /// Seed of schedules and data.
    seed: u64,
    /// Zones of its factories that have a name.
    zones: Vec<String>,
    /// Why the verdict is not SUCCESSFUL, one line each, most important first.
    causes: Vec<String>,
    /// What each scenario did, in short.
    scenarios: Vec<PublishedScenario>,
    /// `configuration.json` with secrets masked, `summary.json`, `report.html`, `report.txt`, `job-summary.md`,
    /// `annotations.txt` and `junit/<name>`.
    files: Vec<PublishedFile>,
    /// Its markers.
    #[serde(default)]
    markers: Vec<PublishedMarker>,
    /// The figures of each second, in the order of time; without them there are no windows.
    #[serde(default)]
    seconds: Vec<PublishedSecond>,
}

/// The verdict on a campaign that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Verdict {
    /// All checks and criteria were met.
    Successful,
    /// Only warnings.
    Warning,
    /// A verification, join or criterion failed, or what had to be executed never was.
    Failed,
    /// The user, a timeout or a lost factory ended it.
    Aborted,
    /// The load generator was the bottleneck: the figures cannot be trusted.
    Invalid,
}

/// What a scenario did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PublishedScenario {
    /// Its name.
    name: String,
    /// Minions released.
    minions: u64,
    /// Executions of all its steps.
    executions: u64,
    /// Those that did not succeed.
    failures: u64,
    /// Durations of its iterations; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<PublishedTimes>,
}

/// Percentiles in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PublishedTimes {
    /// Half are not longer.
    p50_ns: u64,
    /// 95 % are not longer.
    p95_ns: u64,
    /// 99 % are not longer.
    p99_ns: u64,
    /// The longest.
    max_ns: u64,
}

/// A file of the campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishedFile {
    /// Its name.
    name: String,
    /// Its content.
    content: String,
}

/// A labelled instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishedMarker {
    /// When it was.
    #[schema(format = DateTime)]
    at: String,
    /// What it was.
    label: String,
}

/// What a scenario did in a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishedSecond {
    /// When the second began.
    #[schema(format = DateTime)]
    at: String,
    /// Name of the scenario.
    scenario: String,
    /// The zone, when there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// Figures as the contract of factories encodes them, compressed with DEFLATE, in Base64.
    figures: String,
}

/// Why bytes are no publication.
#[derive(Debug)]
pub enum Unreadable {
    /// They are no JSON.
    NoJson(String),
    /// They are another document.
    NoPublication(String),
    /// All that is wrong in it, each at its JSON pointer.
    Invalid(Vec<Problem>),
}

/// What became of a publication.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// The store keeps it.
    New(CampaignRecord),
    /// The store has it already.
    Known(CampaignRecord),
    /// The store has another campaign of this key.
    Other,
}

/// A publication that can be kept.
#[derive(Debug)]
pub struct Readable {
    record: CampaignRecord,
    files: Vec<StoredFile>,
    markers: Vec<Marker>,
    slices: Vec<ReadableSlice>,
}

impl Readable {
    /// The campaign that these bytes publish under this key.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn of(key: &str, body: &[u8]) -> Result<Self, Unreadable> {
        let publication: Publication = serde_json::from_slice(body).map_err(|error| {
            let why = format!("the body is no campaign that has ended: {error}");
            if error.is_data() { Unreadable::NoPublication(why) } else { Unreadable::NoJson(why) }
        })?;
        publication.check(key).map_err(Unreadable::Invalid)
    }

    /// Keeps the campaign, unless one of its key is there. Nobody else may do so meanwhile.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn keep(self, store: &Store) -> Result<Kept, StoreError> {
        if let Some(known) = store.campaign(&self.record.key).await? {
            return Ok(if known == self.record { Kept::Known(known) } else { Kept::Other });
        }
        // Decoding each second takes some milliseconds.
        let import = tokio::task::block_in_place(|| {
            let mut import = store.import(&self.record, &self.files, &self.markers);
            for slice in &self.slices {
                import.add(&slice.decoded().expect("it was decoded when it was read"));
            }
            import
        });
        store.keep_import(import).await?;
        Ok(Kept::New(self.record))
    }
}

/// A slice whose figures can be read. They stay encoded: decoded ones take far more memory.
#[derive(Debug)]
struct ReadableSlice {
    at: Timestamp,
    scenario: String,
    zone: Option<String>,
    figures: Vec<u8>,
}

impl ReadableSlice {
    fn decoded(&self) -> Result<Slice, String> {
        let figures = Slice::unpack(&self.figures)?;
        Ok(Slice { at: self.at, scenario: self.scenario.clone(), zone: self.zone.clone(), figures })
    }
}

impl Publication {
    /// What there is of a campaign that has ended: its record and files, and what the store has of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of(
        record: CampaignRecord,
        files: Vec<StoredFile>,
        store: &Store,
    ) -> Result<Self, StoreError> {
        let markers = store.markers(&record.key).await?;
        let all = Timestamp(0)..Timestamp(u64::MAX);
        let seconds = store
            .fold_slices(&record.key, all, Vec::new(), |seconds, slice| {
                seconds.push(PublishedSecond {
                    at: exact(slice.at),
                    figures: BASE64_STANDARD.encode(slice.pack()),
                    scenario: slice.scenario,
                    zone: slice.zone,
                });
            })
            .await?;
        let text = |content: &[u8]| String::from_utf8_lossy(content).into_owned();
        Ok(Self {
            status: Verdict::of(record.status),
            exit_code: record.exit_code.unwrap_or_default(),
            queued_at: exact(record.queued),
            started_at: record.started.map(exact),
            ended_at: exact(record.ended.unwrap_or(record.queued)),
            seed: record.seed,
            scenarios: record.scenarios.iter().map(PublishedScenario::of).collect(),
            files: files
                .into_iter()
                .map(|file| PublishedFile { content: text(&file.content), name: file.name })
                .collect(),
            markers: markers
                .into_iter()
                .map(|marker| PublishedMarker { at: exact(marker.at), label: marker.label })
                .collect(),
            seconds,
            name: record.name,
            zones: record.zones,
            causes: record.causes,
        })
    }

    /// The same without the figures of its seconds.
    #[must_use]
    pub fn without_seconds(self) -> Self {
        Self { seconds: Vec::new(), ..self }
    }

    /// As the API takes it.
    ///
    /// # Panics
    /// Never: texts, numbers and lists are JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, numbers and lists are JSON")
    }

    fn check(self, key: &str) -> Result<Readable, Vec<Problem>> {
        let mut problems = Vec::new();
        let is_key = (1..=LONGEST_KEY).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_key {
            problems.push(Problem::new(format_args!(
                "the key must have 1 to {LONGEST_KEY} letters and digits of ASCII, '-' and '_'"
            )));
        }
        let record = CampaignRecord {
            key: key.to_owned(),
            name: self.name,
            status: self.status.into(),
            queued: instant("/queuedAt", &self.queued_at, &mut problems),
            started: self.started_at.map(|at| instant("/startedAt", &at, &mut problems)),
            ended: Some(instant("/endedAt", &self.ended_at, &mut problems)),
            seed: self.seed,
            exit_code: Some(self.exit_code),
            zones: self.zones,
            causes: self.causes,
            replay_of: None,
            scenarios: self.scenarios.into_iter().map(ScenarioRecord::from).collect(),
        };
        let files: Vec<StoredFile> = self
            .files
            .into_iter()
            .map(|file| StoredFile { name: file.name, content: file.content.into_bytes() })
            .collect();
        for (index, file) in files.iter().enumerate() {
            if let Err(why) = check_file(key, file) {
                problems.push(Problem::at(format_args!("/files/{index}"), why));
            }
        }
        let markers = self.markers.into_iter().enumerate().map(|(index, marker)| Marker {
            at: instant(&format!("/markers/{index}/at"), &marker.at, &mut problems),
            label: marker.label,
        });
        let markers: Vec<Marker> = markers.collect();
        let mut slices = Vec::with_capacity(self.seconds.len());
        for (index, second) in self.seconds.into_iter().enumerate() {
            let slice = ReadableSlice {
                at: instant(&format!("/seconds/{index}/at"), &second.at, &mut problems),
                scenario: second.scenario,
                zone: second.zone,
                figures: BASE64_STANDARD.decode(&second.figures).unwrap_or_default(),
            };
            if let Err(why) = slice.decoded() {
                let place = format_args!("/seconds/{index}/figures").to_string();
                problems.push(Problem::at(place, format_args!("cannot be read: {why}")));
            }
            slices.push(slice);
        }
        if problems.is_empty() { Ok(Readable { record, files, markers, slices }) } else { Err(problems) }
    }
}

/// Whether this is a file that a campaign of this key has.
fn check_file(key: &str, file: &StoredFile) -> Result<(), String> {
    let json = |error: serde_json::Error| format!("{} cannot be read: {error}", file.name);
    match file.name.as_str() {
        names::PAGE | names::TEXT | names::JOB_SUMMARY | names::ANNOTATIONS => Ok(()),
        names::CONFIGURATION => {
            serde_json::from_slice::<BTreeMap<String, String>>(&file.content).map(|_| ()).map_err(json)
        }
        names::SUMMARY => match serde_json::from_slice::<Summary>(&file.content) {
            Ok(summary) if summary.key == key => Ok(()),
            Ok(summary) => Err(format!("summary.json is that of campaign '{}'", summary.key)),
            Err(error) => Err(json(error)),
        },
        name => match name.strip_prefix(names::JUNIT) {
            Some("" | "." | "..") | None => Err(format!("no campaign has a file '{name}'")),
            Some(suite) if suite.contains(['/', '\\', '\0']) => {
                Err(format!("no campaign has a file '{name}'"))
            }
            Some(_) => Ok(()),
        },
    }
}

/// An instant to the nanosecond, so that it is the same for whoever reads it.
fn exact(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_nanosecond(at.0.into());
    instant.map_or_else(|_| at.rfc3339(), |instant| instant.to_string())
}

fn instant(pointer: &str, text: &str, problems: &mut Vec<Problem>) -> Timestamp {
    let parsed = text.parse::<jiff::Timestamp>().ok().and_then(|at| i64::try_from(at.as_nanosecond()).ok());
    match parsed.and_then(|ns| u64::try_from(ns).ok()) {
        Some(ns) => Timestamp(ns),
        None => {
            problems.push(Problem::at(
                pointer,
                "must be an instant in RFC 3339, for example 2026-11-29T14:05:00Z",
            ));
            Timestamp(0)
        }
    }
}

impl Verdict {
    /// A campaign that has ended has one; any other did not get as far as that.
    fn of(status: CampaignStatus) -> Self {
        match status {
            CampaignStatus::Ended(Status::Successful) => Self::Successful,
            CampaignStatus::Ended(Status::Warning) => Self::Warning,
            CampaignStatus::Ended(Status::Failed) => Self::Failed,
            CampaignStatus::Ended(Status::Invalid) => Self::Invalid,
            CampaignStatus::Ended(Status::Aborted | Status::Running)
            | CampaignStatus::Queued
            | CampaignStatus::Running => Self::Aborted,
        }
    }
}

impl From<Verdict> for CampaignStatus {
    fn from(verdict: Verdict) -> Self {
        Self::Ended(match verdict {
            Verdict::Successful => Status::Successful,
            Verdict::Warning => Status::Warning,
            Verdict::Failed => Status::Failed,
            Verdict::Aborted => Status::Aborted,
            Verdict::Invalid => Status::Invalid,
        })
    }
}

impl PublishedScenario {
    fn of(record: &ScenarioRecord) -> Self {
        Self {
            name: record.name.clone(),
            minions: record.minions,
            executions: record.executions,
            failures: record.failures,
            times: record.times.map(|times| PublishedTimes {
                p50_ns: times.p50_ns,
                p95_ns: times.p95_ns,
                p99_ns: times.p99_ns,
                max_ns: times.max_ns,
            }),
        }
    }
}

impl From<PublishedScenario> for ScenarioRecord {
    fn from(scenario: PublishedScenario) -> Self {
        Self {
            name: scenario.name,
            minions: scenario.minions,
            executions: scenario.executions,
            failures: scenario.failures,
            times: scenario.times.map(|times| TimesRecord {
                p50_ns: times.p50_ns,
                p95_ns: times.p95_ns,
                p99_ns: times.p99_ns,
                max_ns: times.max_ns,
            }),
        }
    }
}
