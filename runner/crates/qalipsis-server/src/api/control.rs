//! Controlling a campaign that runs.

use super::Api;
use super::campaigns::{found, stored, unreadable};
use super::request::Document;
use crate::campaign::Uncontrolled;
use crate::problem::{Failure, ProblemDetails};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use qalipsis_head::{Control, Refusal};
use qalipsis_payload::{self as payload, PointedProblem};
use serde::Serialize;
use utoipa::ToSchema;

/// An instant with a label.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Marker {
    /// What happened then.
    #[schema(min_length = 1, max_length = 200)]
    label: String,
    /// When it happened. Default: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    at: Option<String>,
}

/// Marks an instant of a running campaign, which is then drawn in every chart.
#[utoipa::path(
    post,
    path = "/campaigns/{key}/markers",
    tag = "control",
    params(("key" = String, Path, description = "The campaign's key")),
    request_body = Marker,
    responses(
        (status = 201, body = Marker),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It does not run, or has too many", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn mark(
    State(api): State<Api>,
    Path(key): Path<String>,
    Document(document): Document,
) -> Result<(StatusCode, Json<Marker>), Failure> {
    let campaign = found(&api, &key).await?;
    let (label, at) = payload::read_marker(&document)
        .map_err(|problems| Failure::invalid(problems.iter().map(PointedProblem::of_document).collect()))?;
    let at = campaign.control(Control::Mark { label: label.clone(), at }).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(Marker { label, at: Some(at.rfc3339()) })))
}

/// Lists the markers of a campaign, running or ended, in the order of their instants.
#[utoipa::path(
    get,
    path = "/campaigns/{key}/markers",
    tag = "control",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 200, body = Vec<Marker>),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn markers(
    State(api): State<Api>,
    Path(key): Path<String>,
) -> Result<Json<Vec<Marker>>, Failure> {
    let markers = match api.service.campaign(&key) {
        Some(campaign) => campaign.markers(),
        None => {
            stored(&api, &key).await?;
            api.service.store().markers(&key).await.map_err(unreadable)?
        }
    };
    let shown =
        |marker: qalipsis_store::Marker| Marker { label: marker.label, at: Some(marker.at.rfc3339()) };
    Ok(Json(markers.into_iter().map(shown).collect()))
}

/// Pauses a running campaign: nothing is released until it is resumed, and iterations that run are finished.
#[utoipa::path(
    post,
    path = "/campaigns/{key}/pause",
    tag = "control",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 204, description = "Done"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "Its load does not run or is paused already", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn pause(State(api): State<Api>, Path(key): Path<String>) -> Result<StatusCode, Failure> {
    found(&api, &key).await?.control(Control::Pause).await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes on after a pause, by whose length the schedule has moved.
#[utoipa::path(
    post,
    path = "/campaigns/{key}/resume",
    tag = "control",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 204, description = "Done"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "Its load does not run or is not paused", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn resume(State(api): State<Api>, Path(key): Path<String>) -> Result<StatusCode, Failure> {
    found(&api, &key).await?.control(Control::Resume).await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn refused(why: Uncontrolled) -> Failure {
    match why {
        Uncontrolled::NotRunning => Failure::conflict("the campaign does not run"),
        Uncontrolled::Refused(refusal @ (Refusal::Label(_) | Refusal::OutOfTime)) => {
            Failure::new(StatusCode::UNPROCESSABLE_ENTITY, refusal.to_string())
        }
        Uncontrolled::Refused(refusal) => Failure::conflict(refusal.to_string()),
    }
}
