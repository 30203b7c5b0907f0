//! Logging in with a token, and out.

use crate::frame::{Follow, Page};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use http::{HeaderMap, StatusCode, header};
use maud::html;
use qalipsis_server::{Api, Ends, LOG_IN};
use serde::Deserialize;

/// Where somebody goes after the log-in.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct LogIn {
    token: String,
    #[serde(default)]
    next: String,
}

/// A page of this head and no other: a link to the log-in must not lead elsewhere.
fn own(next: &str) -> &str {
    let mut characters = next.chars();
    let is_own = characters.next() == Some('/') && !matches!(characters.next(), Some('/' | '\\'));
    if is_own && !next.contains(char::is_control) { next } else { "/" }
}

fn page(next: &str, wrong: Option<&str>) -> Page {
    let main = html! {
        h1 { "Log in" }
        form method="post" action=(LOG_IN) {
            input type="hidden" name="next" value=(own(next));
            div.field {
                label for="token" { "Token" }
                input id="token" type="password" name="token" required="" autofocus="" autocomplete="current-password"
                    aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "wrong")];
                @if let Some(wrong) = wrong { p.wrong id="wrong" role="alert" { (wrong) } }
                p.dim { "One of " code { "server.token" } " of this head." }
            }
            button.first type="submit" { "Log in" }
        }
    };
    Page {
        status: if wrong.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK },
        title: "Log in".to_owned(),
        access: None,
        follow: Follow::Not,
        contents: None,
        main,
    }
}

pub(crate) async fn show(State(api): State<Api>, Query(Asked { next }): Query<Asked>) -> Response {
    if api.sessions.needs_token() {
        page(&next, None).into_response()
    } else {
        Redirect::to(own(&next)).into_response()
    }
}

pub(crate) async fn log_in(
    State(api): State<Api>,
    Extension(ends): Extension<Ends>,
    Form(LogIn { token, next }): Form<LogIn>,
) -> Response {
    match api.sessions.log_in(token.trim(), &ends.peer.to_string()).await {
        Some(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to(own(&next))).into_response(),
        None => page(&next, Some("This token is wrong.")).into_response(),
    }
}

pub(crate) async fn log_out(State(api): State<Api>, headers: HeaderMap) -> Response {
    let cookie = api.sessions.log_out(&headers);
    ([(header::SET_COOKIE, cookie)], Redirect::to(LOG_IN)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_leads_to_pages_of_this_head_alone() {
        assert_eq!(own("/campaigns/a?from=1"), "/campaigns/a?from=1");
        for next in ["", "https://example.org", "//example.org", "/\\example.org", "/a\nb"] {
            assert_eq!(own(next), "/", "{next}");
        }
    }
}
