//! The payload that starts a campaign, as its clients see it.

use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// A campaign to start.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub struct CampaignRequest {
    /// Name of the campaign for people.
    #[schema(min_length = 3, max_length = 300)]
    pub name: String,
    /// How much faster than written the profiles release their minions.
    #[schema(minimum = 0.001, maximum = 1000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_factor: Option<f64>,
    /// How long the campaign waits before it starts, once it is its turn.
    #[schema(maximum = 86_400_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_offset_ms: Option<u64>,
    /// After this time the campaign is stopped and counts as aborted: an ISO-8601 duration, for example `PT10M`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// `true`: at the timeout, running iterations are cancelled. Or a duration after which they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_timeout: Option<HardTimeout>,
    /// Seed of schedules and data. Default: a random one.
    #[schema(schema_with = seed)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Values of configuration keys, for this campaign only: `{"campaign.fail-on-warning": true}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub configuration: BTreeMap<String, Scalar>,
    /// The scenarios to run, by name; at least one.
    #[schema(schema_with = some_scenarios)]
    pub scenarios: BTreeMap<String, ScenarioRequest>,
}

fn some_scenarios() -> Object {
    let each = utoipa::openapi::Ref::from_schema_name("ScenarioRequest");
    ObjectBuilder::new()
        .description(Some("The scenarios to run, by name; at least one."))
        .additional_properties(Some(each))
        .min_properties(Some(1))
        .build()
}

/// When running iterations are cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum HardTimeout {
    /// Whether the timeout cancels them.
    AtTimeout(bool),
    /// After this time, an ISO-8601 duration.
    After(String),
}

/// A value: a text, a number, or true or false.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Switch(bool),
}

/// One scenario of a campaign to start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub struct ScenarioRequest {
    /// How many minions run it. Default: what the scenario declares, or what the profile gives.
    #[schema(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minions_count: Option<u32>,
    /// Percentage of the minions by zone, whole numbers up to 100; they sum to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zones: Option<BTreeMap<String, u32>>,
    /// How the minions are released. Default: what the scenario declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_profile: Option<ExecutionProfile>,
    /// Values of the properties of the scenario.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub properties: BTreeMap<String, Scalar>,
}

/// How minions are released.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "profile", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
#[serde(deny_unknown_fields)]
pub enum ExecutionProfile {
    /// All at once; also `DEFAULT` and `IMMEDIATE`.
    Immediately,
    /// The same as `IMMEDIATELY`.
    Default,
    /// The same as `IMMEDIATELY`.
    Immediate,
    /// Batches at a fixed pace.
    Regular {
        /// Time between two batches.
        #[schema(minimum = 1)]
        period_in_ms: u64,
        /// Minions of a batch.
        #[schema(minimum = 1)]
        minions_count_pro_launch: u32,
    },
    /// Batches that follow each other faster and faster.
    Accelerating {
        /// Time between the first two batches.
        #[schema(minimum = 1)]
        start_period_ms: u64,
        /// How many times shorter each period is than the one before.
        #[schema(minimum = 1)]
        accelerator: f64,
        /// The shortest period.
        #[schema(minimum = 1)]
        min_period_ms: u64,
        /// Minions of a batch.
        #[schema(minimum = 1)]
        minions_count_pro_launch: u32,
    },
    /// Batches that grow.
    ProgressingVolume {
        /// Time between two batches.
        #[schema(minimum = 1)]
        period_ms: u64,
        /// Minions of the first batch.
        #[schema(minimum = 1)]
        minions_count_pro_launch_at_start: u32,
        /// How many times larger each batch is than the one before.
        #[schema(minimum = 1)]
        multiplier: f64,
        /// Minions of the largest batch.
        #[schema(minimum = 1)]
        max_minions_count_pro_launch: u32,
    },
    /// All spread evenly in a window.
    TimeFrame {
        /// Time between two batches.
        #[schema(minimum = 1)]
        period_in_ms: u64,
        /// The window.
        #[schema(minimum = 1)]
        time_frame_in_ms: u64,
    },
    /// Stages that add percentages of the minions, which repeat until the last stage ends.
    PercentageStage {
        /// In the order in which they run; the percentages sum to 100.
        #[schema(min_items = 1)]
        stages: Vec<PercentageStage>,
        /// What happens to iterations that run when the last stage ends.
        #[schema(required = false)]
        completion: StageCompletion,
    },
    /// Stages that add minions, which repeat until the last stage ends.
    Stage {
        /// In the order in which they run.
        #[schema(min_items = 1)]
        stages: Vec<MinionsStage>,
        /// What happens to iterations that run when the last stage ends.
        #[schema(required = false)]
        completion: StageCompletion,
    },
    /// The open model: minions arrive at rates, which give their number.
    Arrivals {
        /// In the order in which they follow each other.
        #[schema(min_items = 1)]
        rates: Vec<ArrivalsRate>,
        /// How arrivals lie in time.
        #[schema(required = false)]
        distribution: Distribution,
        /// Seed of the random arrivals. Default: that of the campaign.
        #[schema(schema_with = seed)]
        #[serde(skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
}

/// One stage by percentage.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PercentageStage {
    /// Share of the minions that it adds.
    #[schema(minimum = 0, maximum = 100)]
    pub minions_percentage: f64,
    /// The time over which they are added.
    pub ramp_up_duration_ms: u64,
    /// The total time of the stage.
    pub total_duration_ms: u64,
    /// Accepted for the sake of the JVM product; here minions are added as evenly as the ramp-up allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution_ms: Option<u64>,
}

/// One stage by number of minions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MinionsStage {
    /// How many minions it adds.
    pub minions_count: u32,
    /// The time over which they are added.
    pub ramp_up_duration_ms: u64,
    /// The total time of the stage.
    pub total_duration_ms: u64,
    /// Accepted for the sake of the JVM product; here minions are added as evenly as the ramp-up allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution_ms: Option<u64>,
}

/// One rate of arrivals.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArrivalsRate {
    /// Minions per second.
    #[schema(minimum = 0)]
    pub per_second: f64,
    /// The time over which the rate changes from the one before.
    pub ramp_up_duration_ms: u64,
    /// The total time of this rate.
    pub total_duration_ms: u64,
}

/// What happens to iterations that run when the last stage ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StageCompletion {
    /// They are finished.
    #[default]
    Graceful,
    /// They are cancelled.
    Hard,
}

/// How arrivals lie in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Distribution {
    /// As evenly as the rate allows.
    #[default]
    Even,
    /// At random, as visitors arrive.
    Poisson,
}

/// A seed: up to 2^64 - 1, which the format `int64` would halve.
fn seed() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(0))
        .description(Some("A seed, up to 18446744073709551615."))
        .build()
}
