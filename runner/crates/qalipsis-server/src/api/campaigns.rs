//! Campaigns: start, list, show and stop them.

use super::request::{Document, Parameters};
use super::{Api, ROOT};
use crate::campaign::{Asked, Campaign};
use crate::history;
use crate::outcome::{Outcome, Shown};
use crate::problem::{Failure, ProblemDetails};
use crate::secrets;
use crate::service::{Refused, apart};
use crate::view::{CampaignDetails, CampaignItem};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};
use qalipsis_config::problem::Problem;
use qalipsis_model::plan::Stop;
use qalipsis_payload::{self as payload, CampaignRequest, Order, PointedProblem};
use qalipsis_store::{CampaignStatus, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Starts a campaign, or puts it into the queue.
#[utoipa::path(
    post,
    path = "/campaigns",
    operation_id = "start_campaign",
    tag = "campaigns",
    request_body = CampaignRequest,
    responses(
        (status = 201, body = CampaignItem,
            headers(("location" = String, description = "Where the campaign is")),
        ),
        (status = 422, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn start(State(api): State<Api>, Document(document): Document) -> Result<Response, Failure> {
    let campaign = started(&api, document).await?;
    Ok(created(&campaign))
}

fn created(campaign: &Campaign) -> Response {
    let location = format!("{ROOT}/campaigns/{}", campaign.key());
    (StatusCode::CREATED, [(header::LOCATION, location)], Json(campaign.item())).into_response()
}

/// Takes what a payload asks for into the queue.
pub(super) async fn started(api: &Api, document: Value) -> Result<Arc<Campaign>, Failure> {
    let (order, problems) = api.service.read(&document);
    if !problems.is_empty() {
        return Err(refused(api, &order, &problems));
    }
    taken(api, &order, Asked { request: document, replay_of: None }).await
}

/// Takes what could be read into the queue.
async fn taken(api: &Api, order: &Order, asked: Asked) -> Result<Arc<Campaign>, Failure> {
    api.service.start(order, asked).await.map_err(|refused| match refused {
        Refused::Invalid(problems) => Failure::invalid(payload::planned(order, &problems)),
        Refused::Closing => Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the head is ending"),
        Refused::QueueFull => {
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too many campaigns wait for their turn already")
        }
    })
}

/// Starts a campaign again, running or ended, with the same payload and seed. What the payload did not set is as this head
/// has it now.
#[utoipa::path(
    post,
    path = "/campaigns/{key}/replay",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 201, body = CampaignItem, headers(("location" = String, description = "Where the new campaign is"))),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It cannot be started as it was", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn replay(State(api): State<Api>, Path(key): Path<String>) -> Result<Response, Failure> {
    let original = item(&api, &key).await?;
    let mut request = match api.service.campaign(&key) {
        Some(campaign) => campaign.request().clone(),
        None => {
            let file = api.service.store().file(&key, history::REQUEST).await.map_err(unreadable)?;
            file.and_then(|file| serde_json::from_slice(&file).ok()).unwrap_or_default()
        }
    };
    if request.is_null() {
        let why = "its payload is not kept: it was not started over REST, or its head was killed";
        return Err(Failure::conflict(why));
    }
    let hidden = secrets::hidden(&request);
    if !hidden.is_empty() {
        let why = "is a secret, which is not kept: start it with POST /campaigns".to_owned();
        let problem = |pointer| PointedProblem { pointer, message: why.clone() };
        return Err(Failure::invalid(hidden.into_iter().map(problem).collect()).into_conflict());
    }
    request["seed"] = original.seed.into();
    let (order, problems) = api.service.read(&request);
    if !problems.is_empty() {
        return Err(refused(&api, &order, &problems).into_conflict());
    }
    let taken = taken(&api, &order, Asked { request, replay_of: Some(key) }).await;
    let campaign = taken.map_err(|failure| match failure {
        failure if failure.is_invalid() => failure.into_conflict(),
        failure => failure,
    })?;
    Ok(created(&campaign))
}

/// All that is wrong, also what only planning finds.
fn refused(api: &Api, order: &Order, problems: &[Problem]) -> Failure {
    let mut pointed: Vec<PointedProblem> = problems.iter().map(PointedProblem::of_document).collect();
    if let Err(further) = apart(|| api.service.launcher().plan(order)) {
        pointed.extend(payload::planned(order, &further));
    }
    Failure::invalid(pointed)
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
    )
)]
pub(super) async fn validate(
    State(api): State<Api>,
    Document(document): Document,
) -> Result<Json<Valid>, Failure> {
    let (order, problems) = api.service.read(&document);
    if !problems.is_empty() {
        return Err(refused(&api, &order, &problems));
    }
    match apart(|| api.service.launcher().plan(&order)) {
        Ok(_) => Ok(Json(Valid { valid: true })),
        Err(problems) => Err(Failure::invalid(payload::planned(&order, &problems))),
    }
}

/// A campaign of this head that has not been forgotten; others cannot be controlled from here.
pub(super) async fn found(api: &Api, key: &str) -> Result<Arc<Campaign>, Failure> {
    match api.service.campaign(key) {
        Some(campaign) => Ok(campaign),
        None => {
            stored(api, key).await?;
            Err(Failure::conflict("the campaign has ended already, or runs on another head"))
        }
    }
}

fn no_campaign() -> Failure {
    Failure::not_found("there is no campaign with this key")
}

/// What the store says when it cannot be read.
pub(super) fn unreadable(error: StoreError) -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

/// A campaign that only the store knows.
pub(super) async fn stored(api: &Api, key: &str) -> Result<CampaignItem, Failure> {
    let record = api.service.store().campaign(key).await.map_err(unreadable)?;
    record.map(history::item).ok_or_else(no_campaign)
}

/// A campaign that runs here, or that the store knows.
pub(super) async fn item(api: &Api, key: &str) -> Result<CampaignItem, Failure> {
    match api.service.campaign(key) {
        Some(campaign) => Ok(campaign.item()),
        None => stored(api, key).await,
    }
}

/// What a campaign has to show, running or ended; `None` when it has nothing.
pub(super) async fn shown_if_any(api: &Api, key: &str) -> Result<Option<Shown>, Failure> {
    if let Some(campaign) = api.service.campaign(key) {
        return Ok(campaign.shown().await);
    }
    let store = api.service.store();
    stored(api, key).await?;
    let Some(summary) = store.file(key, history::SUMMARY).await.map_err(unreadable)? else { return Ok(None) };
    let text = async |name: &str| {
        let file = store.file(key, name).await.map_err(unreadable)?.unwrap_or_default();
        Ok::<_, Failure>(String::from_utf8_lossy(&file).into_owned())
    };
    let mut junit = Vec::new();
    for entry in store.files(key).await.map_err(unreadable)? {
        if let Some(name) = entry.name.strip_prefix(history::JUNIT) {
            junit.push((name.to_owned(), text(&entry.name).await?));
        }
    }
    let malformed =
        |error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("its summary is damaged: {error}"));
    Ok(Some(Shown::Ended(Arc::new(Outcome {
        summary: serde_json::from_slice(&summary).map_err(malformed)?,
        html: text(history::PAGE).await?,
        text: text(history::TEXT).await?,
        job_summary: text(history::JOB_SUMMARY).await?,
        annotations: text(history::ANNOTATIONS).await?,
        junit,
    }))))
}

/// What a campaign has to show, running or ended.
pub(super) async fn shown(api: &Api, key: &str) -> Result<Shown, Failure> {
    let shown = shown_if_any(api, key).await?;
    shown.ok_or_else(|| {
        Failure::conflict("the campaign has no report: it has not started, or ended before it did")
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
    operation_id = "show_campaign",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 200, body = CampaignDetails),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(key): Path<String>,
) -> Result<Json<CampaignDetails>, Failure> {
    // First what may come later: an item that has ended has its summary.
    let item = item(&api, &key).await?;
    let summary = match shown_if_any(&api, &key).await? {
        Some(shown) => Some(rendered(shown, Shown::summary).await?),
        None => None,
    };
    Ok(Json(item.with_summary(summary)))
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
    )
)]
pub(super) async fn configuration(
    State(api): State<Api>,
    Path(key): Path<String>,
) -> Result<Json<BTreeMap<String, String>>, Failure> {
    if let Some(campaign) = api.service.campaign(&key) {
        return Ok(Json(campaign.configuration().clone()));
    }
    stored(&api, &key).await?;
    let file = api.service.store().file(&key, history::CONFIGURATION).await.map_err(unreadable)?;
    // A campaign of a head that was killed has none.
    Ok(Json(file.and_then(|file| serde_json::from_slice(&file).ok()).unwrap_or_default()))
}

/// In which form a report is given.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// A page.
    #[default]
    Html,
    /// What a console would show, without colours.
    Text,
    /// The summary of a job of GitHub.
    Markdown,
    /// Annotations for a job of GitHub, one command a line.
    Annotations,
}

/// What is asked of a report.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportQuery {
    /// `html`, which is the default; `text`: what a console would show; `markdown` and `annotations`: what a job of GitHub shows.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// Gives the report of a campaign, as a page or as text; while it runs, what is known so far.
#[utoipa::path(
    get,
    path = "/campaigns/{key}/report",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key"), ReportQuery),
    responses(
        (status = 200, description = "The report", content((String = "text/html"), (String = "text/plain"))),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "There is none", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn report(
    State(api): State<Api>,
    Path(key): Path<String>,
    Parameters(ReportQuery { format }): Parameters<ReportQuery>,
) -> Result<Response, Failure> {
    let shown = shown(&api, &key).await?;
    Ok(match format {
        Format::Html => {
            let page = Html(rendered(shown, |shown| Ok(shown.html())).await?);
            // It may come from elsewhere, and its scripts must not act in the name of who looks at it.
            ([(header::CONTENT_SECURITY_POLICY, "sandbox allow-scripts allow-popups")], page).into_response()
        }
        // A string is text/plain.
        Format::Text => rendered(shown, |shown| Ok(shown.text())).await?.into_response(),
        Format::Markdown => rendered(shown, |shown| Ok(shown.job_summary())).await?.into_response(),
        Format::Annotations => rendered(shown, |shown| Ok(shown.annotations())).await?.into_response(),
    })
}

/// How a campaign is stopped.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Abort {
    /// Whether running iterations are cancelled instead of finished.
    #[serde(default)]
    pub(super) hard: bool,
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
    )
)]
pub(super) async fn abort(
    State(api): State<Api>,
    Path(key): Path<String>,
    Parameters(Abort { hard }): Parameters<Abort>,
) -> Result<(StatusCode, Json<CampaignItem>), Failure> {
    let campaign = found(&api, &key).await?;
    let stop = if hard { Stop::Hard } else { Stop::Graceful };
    if !campaign.stop(stop) {
        return Err(Failure::conflict("the campaign has ended already"));
    }
    Ok((StatusCode::ACCEPTED, Json(campaign.item())))
}

/// Removes an ended campaign with all that is kept of it, but for its files below `report.export.junit.folder`.
#[utoipa::path(
    delete,
    path = "/campaigns/{key}",
    operation_id = "remove_campaign",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key")),
    responses(
        (status = 204, description = "It is removed"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It has not ended", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn remove(State(api): State<Api>, Path(key): Path<String>) -> Result<StatusCode, Failure> {
    let is_open = || Failure::conflict("the campaign has not ended: abort it first");
    let here = api.service.campaign(&key);
    if here.as_ref().is_some_and(|campaign| !campaign.has_ended()) {
        return Err(is_open());
    }
    let record = api.service.store().campaign(&key).await.map_err(unreadable)?;
    match (record, here) {
        (None, None) => return Err(no_campaign()),
        // One that the store could not take is known here alone.
        (None, Some(_)) => {}
        // It runs on another head: what has ended here was only not stored.
        (Some(record), None) if !matches!(record.status, CampaignStatus::Ended(_)) => return Err(is_open()),
        (Some(_), _) => {
            api.service.store().delete_campaign(&key).await.map_err(unreadable)?;
        }
    }
    api.service.forget(&key);
    Ok(StatusCode::NO_CONTENT)
}
