//! What requests bring, with errors in the form of all others.

use crate::problem::Failure;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use http::request::Parts;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A JSON document, whatever it contains.
#[derive(Debug)]
pub(crate) struct Document(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let is_json = kind.eq_ignore_ascii_case("application/json")
            || (kind.starts_with("application/") && kind.ends_with("+json"));
        if !is_json {
            let detail = "the body must be JSON, with content-type application/json";
            return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let body = Bytes::from_request(request, state).await.map_err(unreadable)?;
        let malformed = |error| Failure::bad_request(format!("the body is not JSON: {error}"));
        serde_json::from_slice(&body).map(Self).map_err(malformed)
    }
}

fn unreadable(rejection: BytesRejection) -> Failure {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let most = super::LARGEST_BODY;
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {most} bytes"))
        }
        status => Failure::new(status, "the body could not be read"),
    }
}

/// Parameters of the query.
#[derive(Debug)]
pub(crate) struct Parameters<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Query(parameters) = Query::try_from_uri(&parts.uri)
            .map_err(|rejection| Failure::bad_request(rejection.body_text()))?;
        Ok(Self(parameters))
    }
}
