//! Errors as `application/problem+json` (RFC 9457).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use qalipsis_payload::PointedProblem;
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of errors.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// An error as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// The name of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, in one line.
    pub detail: String,
    /// Everything that is wrong with what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub problems: Vec<PointedProblem>,
}

/// An error of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: StatusCode,
    detail: String,
    problems: Vec<PointedProblem>,
}

impl Failure {
    /// An error with a status and one line.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), problems: Vec::new() }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// All that is wrong with a document.
    pub(crate) fn invalid(problems: Vec<PointedProblem>) -> Self {
        let detail = match &*problems {
            [PointedProblem { pointer, message }] if pointer.is_empty() => message.clone(),
            [PointedProblem { pointer, message }] => format!("{pointer}: {message}"),
            several => format!("{} things are wrong", several.len()),
        };
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, detail, problems }
    }
}

impl Failure {
    /// Whether what was sent is wrong.
    pub(crate) fn is_invalid(&self) -> bool {
        self.status == StatusCode::UNPROCESSABLE_ENTITY
    }

    /// The same of a document that is kept here, and does not fit any more.
    pub(crate) fn into_conflict(mut self) -> Self {
        self.status = StatusCode::CONFLICT;
        self
    }
}

impl From<Failure> for ProblemDetails {
    fn from(failure: Failure) -> Self {
        Self {
            title: failure.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: failure.status.as_u16(),
            detail: failure.detail,
            problems: failure.problems,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, axum::Json(ProblemDetails::from(self))).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

/// Gives errors of the framework, which are plain text, the form of all others. Pages for people stay as they are.
pub(crate) async fn unify(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !is_error || kind == PROBLEM_JSON.as_bytes() || kind.starts_with(b"text/html") {
        return response;
    }
    let detail = match status {
        StatusCode::NOT_FOUND => "there is nothing at this path, see /api/v1/openapi.json".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => "this path does not take this method, see Allow".to_owned(),
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large".to_owned(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "the body must be application/json".to_owned(),
        StatusCode::REQUEST_TIMEOUT => "the request took too long".to_owned(),
        other => other.canonical_reason().unwrap_or("error").to_lowercase(),
    };
    let (mut parts, _) = response.into_parts();
    let (unified, body) = Failure::new(status, detail).into_response().into_parts();
    // All but those of the body that is replaced: what the path allows, and who may read the answer.
    for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::TRANSFER_ENCODING] {
        parts.headers.remove(name);
    }
    parts.headers.extend(unified.headers);
    Response::from_parts(parts, body)
}
