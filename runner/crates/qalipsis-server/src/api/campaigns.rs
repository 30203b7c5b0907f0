//! Campaigns: start, list, show and stop them.

use super::request::{Document, Parameters};
use super::{Api, ROOT};
use crate::campaign::{Campaign, Shown};
use crate::launcher::Order;
use crate::payload::{self, CampaignRequest};
use crate::problem::{Failure, ProblemDetails};
use crate::service::Refused;
use crate::view::{CampaignDetails, CampaignItem};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};
use qalipsis_config::problem::Problem;
use qalipsis_model::plan::Stop;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Starts a campaign, or puts it into the queue.
#[utoipa::path(
    post,
    path = "/campaigns",
    tag = "campaigns",
    request_body = CampaignRequest,
    responses(
        (status = 201, body = CampaignItem, headers(("location" = String, description = "Where the campaign is"))),
        (status = 422, body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn start(State(api): State<Api>, Document(payload): Document) -> Result<Response, Failure> {
    let (order, problems) = payload::read(&payload, api.service.launcher());
    if !problems.is_empty() {
        return Err(refused(&api, order, problems));
    }
    let campaign = api.service.start(&order).map_err(|refused| match refused {
        Refused::Invalid(problems) => Failure::invalid(&problems, &payload::pointers(&order)),
        Refused::Closing => Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the head is ending"),
        Refused::QueueFull => {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too many campaigns wait for their turn already")
        }
    })?;
    let location = format!("{ROOT}/campaigns/{}", campaign.key());
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(campaign.item())).into_response())
}

/// All that is wrong, also what only planning finds.
fn refused(api: &Api, order: Order, mut problems: Vec<Problem>) -> Failure {
    if let Err(further) = api.service.launcher().plan(&order) {
        problems.extend(further);
    }
    Failure::invalid(&problems, &payload::pointers(&order))
}

/// A payload that could be started.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Valid {
    /// Always true; what is wrong is an error.
    valid: bool,
}

/// Checks all that starting a campaign would check, and starts nothing.
#[utoipa::path(
    post,
    path = "/campaigns/validate",
    tag = "campaigns",
    request_body = CampaignRequest,
    responses(
        (status = 200, body = Valid),
        (status = 422, body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn validate(
    State(api): State<Api>,
    Document(payload): Document,
) -> Result<Json<Valid>, Failure> {
    let (order, problems) = payload::read(&payload, api.service.launcher());
    if !problems.is_empty() {
        return Err(refused(&api, order, problems));
    }
    match api.service.launcher().plan(&order) {
        Ok(_) => Ok(Json(Valid { valid: true })),
        Err(problems) => Err(Failure::invalid(&problems, &payload::pointers(&order))),
    }
}

/// A page of campaigns.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CampaignList {
    /// The campaigns of this page.
    campaigns: Vec<CampaignItem>,
    /// How many there are on all pages.
    total: usize,
}

/// Lists campaigns, the last one first.
#[utoipa::path(
    get,
    path = "/campaigns",
    tag = "campaigns",
    responses(
        (status = 200, body = CampaignList),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(State(api): State<Api>) -> Json<CampaignList> {
    let campaigns: Vec<CampaignItem> = api.service.campaigns().iter().map(|one| one.item()).collect();
    Json(CampaignList { total: campaigns.len(), campaigns })
}

pub(super) fn found(api: &Api, key: &str) -> Result<Arc<Campaign>, Failure> {
    api.service.campaign(key).ok_or_else(|| Failure::not_found("there is no campaign with this key"))
}

/// What a campaign has to show, running or ended.
pub(super) async fn shown(api: &Api, key: &str) -> Result<Shown, Failure> {
    let campaign = found(api, key)?;
    campaign.shown().await.ok_or_else(|| {
        Failure::conflict(if campaign.has_ended() {
            "the campaign ended before it started, so it has no report"
        } else {
            "the campaign has not started yet, so it has no report"
        })
    })
}

/// Rendering a report is work, and must not keep a thread that serves others.
pub(super) async fn rendered<T: Send + 'static>(
    shown: Shown,
    render: impl FnOnce(&Shown) -> Result<T, String> + Send + 'static,
) -> Result<T, Failure> {
    let internal = |why: String| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, why);
    let rendering = tokio::task::spawn_blocking(move || render(&shown));
    rendering.await.map_err(|panic| internal(panic.to_string()))?.map_err(internal)
}

/// Shows a campaign, running or ended.
#[utoipa::path(
    get,
    path = "/campaigns/{key}",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 200, body = CampaignDetails),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(key): Path<String>,
) -> Result<Json<CampaignDetails>, Failure> {
    let campaign = found(&api, &key)?;
    let summary = match campaign.shown().await {
        Some(shown) => Some(rendered(shown, Shown::summary).await?),
        None => None,
    };
    Ok(Json(campaign.item().with_summary(summary)))
}

/// Gives `summary.json` of a campaign; while it runs, as if nothing more came.
#[utoipa::path(
    get,
    path = "/campaigns/{key}/summary",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 200, description = "The content of summary.json", body = Object),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "There is none", body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn summary(State(api): State<Api>, Path(key): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(rendered(shown(&api, &key).await?, Shown::summary).await?))
}

/// Gives the keys that were set, with their values as they may be shown.
#[utoipa::path(
    get,
    path = "/campaigns/{key}/configuration",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 200, body = BTreeMap<String, String>),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn configuration(
    State(api): State<Api>,
    Path(key): Path<String>,
) -> Result<Json<BTreeMap<String, String>>, Failure> {
    Ok(Json(found(&api, &key)?.configuration().clone()))
}

/// Gives the page of a campaign; while it runs, what is known so far.
#[utoipa::path(
    get,
    path = "/campaigns/{key}/report",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 200, description = "The HTML report", body = String, content_type = "text/html"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "There is none", body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn report(State(api): State<Api>, Path(key): Path<String>) -> Result<Html<String>, Failure> {
    Ok(Html(rendered(shown(&api, &key).await?, |shown| Ok(shown.html())).await?))
}

/// How a campaign is stopped.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Abort {
    /// Whether running iterations are cancelled instead of finished.
    #[serde(default)]
    hard: bool,
}

/// Stops a campaign that runs or waits.
#[utoipa::path(
    post,
    path = "/campaigns/{key}/abort",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key"), Abort),
    responses(
        (status = 202, description = "It stops", body = CampaignItem),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It has ended", body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn abort(
    State(api): State<Api>,
    Path(key): Path<String>,
    Parameters(Abort { hard }): Parameters<Abort>,
) -> Result<(StatusCode, Json<CampaignItem>), Failure> {
    let campaign = found(&api, &key)?;
    let stop = if hard { Stop::Hard } else { Stop::Graceful };
    if !campaign.stop(stop) {
        return Err(Failure::conflict("the campaign has ended already"));
    }
    Ok((StatusCode::ACCEPTED, Json(campaign.item())))
}
