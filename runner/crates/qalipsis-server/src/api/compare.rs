//! Comparing campaigns, as `qalipsis compare` does.

use super::Api;
use super::campaigns::{rendered, shown};
use super::request::Parameters;
use crate::outcome::Shown;
use crate::problem::{Failure, ProblemDetails};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use qalipsis_compare::{Comparison, compare, load, mismatch};
use qalipsis_report::comparison;
use qalipsis_summary::{Status, Summary};
use serde::Deserialize;
use utoipa::IntoParams;

/// Campaigns that one is compared with, at most.
const MOST: usize = 50;

/// Which campaigns are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Compared {
    /// Keys of earlier campaigns, with commas between them.
    baseline: String,
    /// Key of the campaign to judge.
    current: String,
}

/// Compares a campaign with earlier ones. The answer is that of `qalipsis compare --format json`.
#[utoipa::path(
    get,
    path = "/compare",
    tag = "campaigns",
    params(Compared),
    responses(
        (status = 200, description = "The comparison", body = Object),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "They cannot be compared", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn compare_campaigns(
    State(api): State<Api>,
    Parameters(Compared { baseline, current }): Parameters<Compared>,
) -> Result<Response, Failure> {
    let keys: Vec<&str> = baseline.split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    if keys.is_empty() || keys.len() > MOST {
        return Err(Failure::bad_request(format!("baseline: give 1 to {MOST} keys of campaigns")));
    }
    let outcome = compared(&api, &keys, &current).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], comparison::json(&outcome)).into_response())
}

/// Compares a campaign with earlier ones.
pub(super) async fn compared(api: &Api, baseline: &[&str], current: &str) -> Result<Comparison, Failure> {
    let mut runs = Vec::new();
    for key in baseline {
        runs.push(comparison::run(&comparable(api, key).await?, format!("campaign {key}")));
    }
    let summary = comparable(api, current).await?;
    let loads: Vec<(&str, String)> =
        summary.scenarios.iter().map(|s| (&*s.name, load(s.minions, &s.profile))).collect();
    let loads: Vec<(&str, &str)> = loads.iter().map(|(name, load)| (*name, &**load)).collect();
    if let Some(why) = mismatch(&runs, &loads) {
        return Err(Failure::conflict(why));
    }
    let label = format!("campaign {current}");
    let work = move || compare(&runs, &comparison::run(&summary, label));
    let outcome = tokio::task::spawn_blocking(work).await;
    let outcome =
        outcome.map_err(|panic| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, panic.to_string()))?;
    if outcome.judged() == 0 {
        return Err(Failure::conflict("nothing could be compared: too few executions succeeded"));
    }
    Ok(outcome)
}

/// The summary of a campaign that ran to its end on a generator that kept up.
async fn comparable(api: &Api, key: &str) -> Result<Summary, Failure> {
    let summary = rendered(shown(api, key).await?, Shown::summary).await?;
    let summary: Summary = serde_json::from_value(summary)
        .map_err(|error| Failure::conflict(format!("campaign {key} cannot be read: {error}")))?;
    match summary.status {
        Status::Successful | Status::Warning | Status::Failed => Ok(summary),
        Status::Running | Status::Aborted | Status::Invalid => Err(Failure::conflict(format!(
            "campaign {key} cannot be compared: its figures are not those of a complete run"
        ))),
    }
}
