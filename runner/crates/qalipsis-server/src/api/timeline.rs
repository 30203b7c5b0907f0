//! A window of a campaign: exact percentiles, merged from its seconds.

use super::Api;
use super::campaigns::{item, rendered, shown_if_any, unreadable};
use super::list::instant;
use super::request::Parameters;
use crate::outcome::Shown;
use crate::problem::{Failure, ProblemDetails};
use axum::Json;
use axum::extract::{Path, State};
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::{ScenarioFigures, StepFigures};
use qalipsis_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A window.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Window {
    /// Its begin, in RFC 3339. Default: that of the campaign.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Its end, in RFC 3339, which is not part of it. Default: that of the campaign.
    #[param(format = DateTime)]
    to: Option<String>,
}

/// What was done in a window.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timeline {
    /// Each scenario, or each scenario in each zone when there are several.
    parts: Vec<TimelinePart>,
}

/// What a scenario did in a window.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimelinePart {
    /// Name of the scenario.
    scenario: String,
    /// The zone, when there are several.
    zone: Option<String>,
    /// Minions released.
    released: u64,
    /// Minions that ended.
    ended: u64,
    /// Complete iterations.
    iterations: TimelineFigures,
    /// Its steps and joins, in order of declaration; those that were executed.
    steps: Vec<TimelineStep>,
}

/// What a step did in a window.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimelineStep {
    /// Name of the step.
    name: String,
    /// What it did.
    figures: TimelineFigures,
}

/// Executions that ended in a window.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimelineFigures {
    /// How many.
    executions: u64,
    /// Those that did not succeed.
    failures: u64,
    /// From the intended start to the end; of a join, from the trigger to the arrival. Null without any.
    times: Option<TimelineTimes>,
}

/// Durations in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimelineTimes {
    /// The mean.
    mean_ms: f64,
    /// Half are not longer.
    p50_ms: f64,
    /// 90 % are not longer.
    p90_ms: f64,
    /// 95 % are not longer.
    p95_ms: f64,
    /// 99 % are not longer.
    p99_ms: f64,
    /// The longest.
    max_ms: f64,
}

impl TimelineTimes {
    fn of(times: &Histogram) -> Option<Self> {
        let ms = |ns: u64| ns as f64 / 1e6;
        let percentile = |percent| times.percentile_ns(percent).map(ms);
        Some(Self {
            mean_ms: ms(times.mean_ns()?),
            p50_ms: percentile(50.0)?,
            p90_ms: percentile(90.0)?,
            p95_ms: percentile(95.0)?,
            p99_ms: percentile(99.0)?,
            max_ms: ms(times.max_ns()?),
        })
    }
}

impl From<&StepFigures> for TimelineFigures {
    fn from(figures: &StepFigures) -> Self {
        Self {
            executions: figures.executions(),
            failures: figures.failures(),
            times: TimelineTimes::of(&figures.times_shown()),
        }
    }
}

/// Gives what was done in a window, with exact percentiles. A window takes complete seconds: those that begin in it.
#[utoipa::path(
    get,
    path = "/campaigns/{key}/timeline",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key"), Window),
    responses(
        (status = 200, body = Timeline),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It has not started", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn timeline(
    State(api): State<Api>,
    Path(key): Path<String>,
    Parameters(window): Parameters<Window>,
) -> Result<Json<Timeline>, Failure> {
    let from = instant("from", window.from.as_deref())?.unwrap_or_default();
    let to = instant("to", window.to.as_deref())?.unwrap_or(Timestamp(u64::MAX));
    let item = item(&api, &key).await?;
    let summary = match shown_if_any(&api, &key).await? {
        Some(shown) => Some(rendered(shown, Shown::summary).await?),
        None if item.started_at.is_none() => {
            return Err(Failure::conflict("the campaign has not started"));
        }
        // Its head was killed: what was done until then is stored, and its scenarios are here as a rule.
        None => None,
    };
    let merged = api.service.store().window(&key, from..to).await.map_err(unreadable)?;
    let parts = merged.into_iter().map(|((scenario, zone), figures)| {
        let names = match &summary {
            Some(summary) => step_names(summary, &scenario),
            None => described_names(&api, &scenario),
        };
        part(&names, scenario, zone, &figures)
    });
    Ok(Json(Timeline { parts: parts.collect() }))
}

fn step_names(summary: &Value, scenario: &str) -> Vec<String> {
    let known = summary["scenarios"].as_array().into_iter().flatten();
    let steps = known.filter(|one| one["name"] == scenario).flat_map(|one| one["steps"].as_array()).flatten();
    steps.filter_map(|step| step["name"].as_str().map(str::to_owned)).collect()
}

fn described_names(api: &Api, scenario: &str) -> Vec<String> {
    let known = api.service.launcher().scenarios().iter().find(|one| one.scenario.name == scenario);
    let steps = known.into_iter().flat_map(|one| &one.scenario.steps);
    steps.map(|step| step.name.clone()).collect()
}

fn part(names: &[String], scenario: String, zone: Option<String>, figures: &ScenarioFigures) -> TimelinePart {
    let steps = figures.steps.iter().map(|(index, figures)| TimelineStep {
        name: names.get(*index as usize).cloned().unwrap_or_else(|| format!("step {index}")),
        figures: figures.into(),
    });
    TimelinePart {
        scenario,
        zone,
        released: figures.released,
        ended: figures.ended,
        iterations: (&figures.iterations).into(),
        steps: steps.collect(),
    }
}
