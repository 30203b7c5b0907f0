//! Errors as people see them.

use crate::frame::{Follow, Page};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::html;
use qalipsis_report::markup::text;
use qalipsis_server::{Failure, ProblemDetails};

/// Why a page cannot be shown, or a form not be answered.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Failure);

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl Refusal {
    /// Whoever asks may not do that.
    pub(crate) fn forbidden(why: impl Into<String>) -> Self {
        Self(Failure::new(StatusCode::FORBIDDEN, why))
    }

    /// A parameter of the query is wrong.
    pub(crate) fn bad_request(why: impl Into<String>) -> Self {
        Self(Failure::new(StatusCode::BAD_REQUEST, why))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let ProblemDetails { title, status, detail, problems } = self.0.into();
        let main = html! {
            header.bad {
                h1 { (title) }
                p.lead { (text(&detail)) }
            }
            @if problems.len() > 1 {
                ul { @for problem in &problems { li { (text(&problem.message)) } } }
            }
            p { a href="/" { "All campaigns" } }
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Page { status, title, access: None, follow: Follow::Not, contents: None, main }.into_response()
    }
}
