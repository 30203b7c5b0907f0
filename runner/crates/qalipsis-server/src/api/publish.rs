//! Campaigns that ended elsewhere.

use super::campaigns::unreadable;
use super::{Api, ROOT};
use crate::history;
use crate::problem::{Failure, ProblemDetails};
use crate::service::apart;
use crate::view::CampaignItem;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use qalipsis_payload::PointedProblem;
use qalipsis_publication::{Kept, LARGEST_PUBLICATION, Publication, Readable, Unreadable};

/// Keeps a campaign that ended elsewhere, under its key. What was published already is left as it is, and no campaign
/// replaces another one.
#[utoipa::path(
    put,
    path = "/campaigns/{key}",
    operation_id = "publish_campaign",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key")),
    request_body = Publication,
    responses(
        (status = 200, description = "It was published before", body = CampaignItem),
        (status = 201, body = CampaignItem, headers(("location" = String, description = "Where the campaign is"))),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "Another campaign has this key", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 413, description = "It is larger than 64 MiB", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn publish(
    State(api): State<Api>,
    Path(key): Path<String>,
    body: Body,
) -> Result<Response, Failure> {
    // One is large in memory, and none must come between the look at the store and the write.
    let _alone = api.service.publishing().await;
    let body = axum::body::to_bytes(body, LARGEST_PUBLICATION).await.map_err(|_| {
        let most = LARGEST_PUBLICATION / 1024 / 1024;
        let detail = format!("the campaign could not be read: it is larger than {most} MiB, or cut off");
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    let read = apart(|| Readable::of(&key, &body)).map_err(|unreadable| match unreadable {
        Unreadable::NoJson(why) => Failure::bad_request(why),
        Unreadable::NoPublication(why) => Failure::new(StatusCode::UNPROCESSABLE_ENTITY, why),
        Unreadable::Invalid(problems) => {
            Failure::invalid(problems.iter().map(PointedProblem::of_document).collect())
        }
    })?;
    drop(body);
    let another = || Failure::conflict("another campaign has this key");
    if api.service.campaign(&key).is_some() {
        return Err(another());
    }
    let record = match read.keep(api.service.store()).await.map_err(unreadable)? {
        Kept::New(record) => record,
        Kept::Known(record) => return Ok(Json(history::item(record)).into_response()),
        Kept::Other => return Err(another()),
    };
    let location = format!("{ROOT}/campaigns/{key}");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(history::item(record))).into_response())
}
