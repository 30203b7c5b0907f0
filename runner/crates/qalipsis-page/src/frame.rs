//! What all pages have around their content.

use crate::asset::{self, CHARTS, FOLLOW, ICON, STYLE};
use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use qalipsis_report::markup::text;
use qalipsis_server::{Access, LOG_OUT, Right};

/// What the browser may load and send: only what this head has.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// How a page follows what it shows.
#[derive(Debug, Clone)]
pub(crate) enum Follow {
    /// It does not change.
    Not,
    /// These events say that it has changed.
    Events(String),
    /// It is looked at after so many seconds.
    Every(u32),
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) title: String,
    /// Who looks at it; `None` without the links to other pages.
    pub(crate) access: Option<Access>,
    pub(crate) follow: Follow,
    /// The links to its sections.
    pub(crate) contents: Option<Markup>,
    pub(crate) main: Markup,
}

impl Page {
    /// A page that does not change, without sections.
    pub(crate) fn new(title: &str, access: &Access, main: Markup) -> Self {
        Self {
            status: StatusCode::OK,
            title: title.to_owned(),
            access: Some(access.clone()),
            follow: Follow::Not,
            contents: None,
            main,
        }
    }
}

/// Whether this may start and stop campaigns.
pub(crate) fn may_write(access: &Access) -> bool {
    access.right == Right::Write
}

fn bar(access: &Access) -> Markup {
    html! {
        div.bar {
            a.skip href="#main" { "Skip to the content" }
            a.home href="/" { "Campaigns" }
            @if may_write(access) { a href="/start" { "Start a campaign" } }
            @if let Some(name) = &access.name {
                form.out method="post" action=(LOG_OUT) {
                    span.dim { (text(name)) }
                    button type="submit" { "Log out" }
                }
            }
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let (events, every) = match self.follow {
            Follow::Not => (None, None),
            Follow::Events(path) => (Some(path), None),
            Follow::Every(seconds) => (None, Some(seconds)),
        };
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (text(&self.title)) }
                    link rel="icon" href=(asset::address(ICON));
                    link rel="stylesheet" href=(asset::address(STYLE));
                    script type="module" src=(asset::address(FOLLOW)) {}
                    script type="module" src=(asset::address(CHARTS)) {}
                }
                body class=[self.contents.is_none().then_some("plain")] data-events=[events] data-every=[every] {
                    @if let Some(access) = &self.access { (bar(access)) }
                    @if let Some(contents) = self.contents { (contents) }
                    main id="main" { (self.main) }
                }
            }
        };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "same-origin"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (self.status, headers, Html(document.into_string())).into_response()
    }
}
