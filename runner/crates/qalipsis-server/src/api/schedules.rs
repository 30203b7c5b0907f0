//! Schedules: campaigns that start by themselves.

use super::Api;
use super::campaigns::unreadable;
use super::request::Document;
use crate::campaign::now;
use crate::problem::{Failure, ProblemDetails};
use crate::secrets;
use crate::service::apart;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use qalipsis_calendar::Calendar;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_payload::{self as payload, CampaignRequest, Order, PointedProblem};
use qalipsis_store::{MissedRuns, Schedule, When};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What becomes of times at which no head ran.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Missed {
    /// They are left out.
    Skip,
    /// One campaign makes up for all of them, as soon as a head runs.
    CatchUp,
}

/// A schedule to keep. Either `at` or `cron` is given.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ScheduleRequest {
    /// Its name, which no other schedule has.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What starts each time.
    campaign: CampaignRequest,
    /// Once, at this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    at: Option<String>,
    /// Again and again: a cron expression of five fields, or of six with seconds first.
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    /// The time zone in which the expression is read, for example `Europe/Vienna`. Default: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    /// What becomes of times at which no head ran. Default: SKIP.
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<Missed>,
    /// Whether it starts at all. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
}

/// A schedule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleItem {
    /// Its name.
    name: String,
    /// What starts each time.
    #[schema(value_type = Object)]
    campaign: Value,
    /// The instant at which it starts once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    at: Option<String>,
    /// The cron expression by which it starts again and again.
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    /// The time zone in which the expression is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    /// What becomes of times at which no head ran.
    missed: Missed,
    /// Whether it starts at all.
    enabled: bool,
    /// When it starts next; absent when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// When it was last due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_at: Option<String>,
    /// The campaign that this became; absent when none could be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_campaign: Option<String>,
}

impl From<Schedule> for ScheduleItem {
    fn from(schedule: Schedule) -> Self {
        let (at, cron, time_zone) = match schedule.when {
            When::At(at) => (Some(at.rfc3339()), None, None),
            When::Cron { expression, time_zone } => (None, Some(expression), Some(time_zone)),
        };
        let (last_at, last_campaign) =
            schedule.last.map_or((None, None), |last| (Some(last.at.rfc3339()), last.campaign));
        Self {
            name: schedule.name,
            campaign: schedule.request,
            at,
            cron,
            time_zone,
            missed: match schedule.missed {
                MissedRuns::Skip => Missed::Skip,
                MissedRuns::CatchUp => Missed::CatchUp,
            },
            enabled: schedule.enabled,
            next_at: schedule.next.filter(|_| schedule.enabled).map(Timestamp::rfc3339),
            last_at,
            last_campaign,
        }
    }
}

/// The schedule that a document asks for.
fn read(api: &Api, document: &Value, name: Option<&str>) -> Result<Schedule, Failure> {
    let (read, problems) = payload::read_schedule(document, name);
    let mut problems: Vec<PointedProblem> = problems.iter().map(PointedProblem::of_document).collect();
    if let Some(request) = &read.request {
        let launcher = api.service.launcher();
        let (order, wrong) = api.service.read(request);
        // What only planning finds is found now and not at night.
        let further = match apart(|| launcher.plan(&order)) {
            Ok(planned) => refused_secrets(&order, planned.configuration()),
            Err(further) => payload::planned(&order, &further),
        };
        let wrong = wrong.iter().map(PointedProblem::of_document).chain(further);
        problems.extend(wrong.map(|problem| problem.below("/campaign")));
    }
    let mut next = None;
    if let Some(when) = &read.when {
        match Calendar::of(when) {
            Ok(calendar) => {
                next = calendar.next_after(now());
                if next.is_none() && read.enabled {
                    let message = "lies in the past, so it never starts".to_owned();
                    problems.push(PointedProblem { pointer: "/at".to_owned(), message });
                }
            }
            Err(error) => problems.push(payload::wrong_calendar(&error)),
        }
    }
    match (problems.is_empty(), read.request, read.when) {
        (true, Some(request), Some(when)) => Ok(Schedule {
            name: read.name,
            request,
            when,
            missed: read.missed,
            enabled: read.enabled,
            next,
            last: None,
        }),
        _ => Err(Failure::invalid(problems)),
    }
}

/// Secrets that are given: a schedule is kept as it is, and shown to whoever may read.
fn refused_secrets(order: &Order, shown: &BTreeMap<String, String>) -> Vec<PointedProblem> {
    let what = "is a secret, which no schedule keeps: set it in the configuration of the head";
    let places = secrets::places(order, shown).into_iter();
    places.map(|place| PointedProblem { pointer: place.to_owned(), message: what.to_owned() }).collect()
}

/// Lists the schedules, by name.
#[utoipa::path(
    get,
    path = "/campaigns/schedule",
    operation_id = "list_schedules",
    tag = "schedules",
    responses(
        (status = 200, body = Vec<ScheduleItem>),
    )
)]
pub(super) async fn list(State(api): State<Api>) -> Result<Json<Vec<ScheduleItem>>, Failure> {
    let schedules = api.service.store().schedules().await.map_err(unreadable)?;
    Ok(Json(schedules.into_iter().map(ScheduleItem::from).collect()))
}

/// Adds a schedule.
#[utoipa::path(
    post,
    path = "/campaigns/schedule",
    operation_id = "add_schedule",
    tag = "schedules",
    request_body = ScheduleRequest,
    responses(
        (status = 201, body = ScheduleItem,
            headers(("location" = String, description = "Where the schedule is")),
        ),
        (status = 409, description = "There is one of this name", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn add(State(api): State<Api>, Document(document): Document) -> Result<Response, Failure> {
    let schedule = read(&api, &document, None)?;
    if api.service.store().schedule(&schedule.name).await.map_err(unreadable)?.is_some() {
        return Err(Failure::conflict("there is a schedule of this name already: PUT replaces it"));
    }
    api.service.put_schedule(&schedule).await.map_err(unreadable)?;
    let name = segment(&schedule.name);
    let location = format!("{}/campaigns/schedule/{name}", super::ROOT);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(ScheduleItem::from(schedule)))
        .into_response())
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn found(api: &Api, name: &str) -> Result<Schedule, Failure> {
    let schedule = api.service.store().schedule(name).await.map_err(unreadable)?;
    schedule.ok_or_else(|| Failure::not_found("there is no schedule of this name"))
}

/// Shows a schedule.
#[utoipa::path(
    get,
    path = "/campaigns/schedule/{name}",
    operation_id = "show_schedule",
    tag = "schedules",
    params(("name" = String, Path, description = "The schedule's name")),
    responses(
        (status = 200, body = ScheduleItem),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<ScheduleItem>, Failure> {
    Ok(Json(found(&api, &name).await?.into()))
}

/// Replaces a schedule. Its last start stays known.
#[utoipa::path(
    put,
    path = "/campaigns/schedule/{name}",
    operation_id = "replace_schedule",
    tag = "schedules",
    params(("name" = String, Path, description = "The schedule's name")),
    request_body = ScheduleRequest,
    responses(
        (status = 200, body = ScheduleItem),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn replace(
    State(api): State<Api>,
    Path(name): Path<String>,
    Document(document): Document,
) -> Result<Json<ScheduleItem>, Failure> {
    let before = found(&api, &name).await?;
    let schedule = Schedule { last: before.last, ..read(&api, &document, Some(&name))? };
    api.service.put_schedule(&schedule).await.map_err(unreadable)?;
    Ok(Json(schedule.into()))
}

/// Removes a schedule. Campaigns that it has started go on.
#[utoipa::path(
    delete,
    path = "/campaigns/schedule/{name}",
    operation_id = "remove_schedule",
    tag = "schedules",
    params(("name" = String, Path, description = "The schedule's name")),
    responses(
        (status = 204, description = "It is removed"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn remove(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    found(&api, &name).await?;
    // A store whose first answer was lost removes it again, and finds none.
    api.service.store().delete_schedule(&name).await.map_err(unreadable)?;
    Ok(StatusCode::NO_CONTENT)
}
