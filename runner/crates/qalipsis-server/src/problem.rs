//! Errors as `application/problem+json` (RFC 9457).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use qalipsis_config::problem::Problem;
use serde::Serialize;
use std::collections::BTreeMap;
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

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PointedProblem {
    /// The JSON pointer of what is wrong; empty when it is the document, or the configuration of the head.
    pub pointer: String,
    /// What is wrong, and what to do, in one line.
    pub message: String,
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

    /// All that is wrong with a document. `pointers` maps places that are none to those where users look.
    pub(crate) fn invalid(problems: &[Problem], pointers: &BTreeMap<String, String>) -> Self {
        let pointed = problems.iter().map(|problem| {
            let (pointer, message) = match problem.place() {
                Some(place) if place.starts_with('/') => (place.to_owned(), problem.what().to_owned()),
                Some(place) => (pointers.get(place).cloned().unwrap_or_default(), problem.to_string()),
                None => (String::new(), problem.to_string()),
            };
            PointedProblem { pointer, message }
        });
        let detail = match problems.len() {
            1 => problems[0].to_string(),
            count => format!("{count} things are wrong"),
        };
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, detail, problems: pointed.collect() }
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

/// Gives errors of the framework, which are plain text, the form of all others.
pub(crate) async fn unify(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if !is_error || is_problem {
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
    let (parts, _) = response.into_parts();
    let mut unified = Failure::new(status, detail).into_response();
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        unified.headers_mut().insert(header::ALLOW, allow.clone());
    }
    unified
}
