//! Who may use the API: hosts, origins and tokens.

use crate::ends::Ends;
use crate::log::Log;
use crate::problem::Failure;
use crate::session::{Access, Sessions, WRONG_TOKEN_PAUSE};
use crate::settings::ServerSettings;
use crate::token::Right;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Where people log in; it needs no token.
pub const LOG_IN: &str = "/login";

/// Where people log out, which everybody may.
pub const LOG_OUT: &str = "/logout";

/// Where the style sheet and the scripts of pages are, which say nothing about campaigns.
pub const ASSETS: &str = "/assets/";

const HEALTH: &str = "/api/v1/health";

/// Names of this machine for itself.
const LOOPBACK: &str = "localhost";

/// Decides on requests.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    sessions: Sessions,
    hosts: Arc<[String]>,
    origins: Arc<[String]>,
    log: Log,
}

impl Guard {
    pub(crate) fn new(settings: &ServerSettings, sessions: Sessions, log: Log) -> Self {
        Self { sessions, hosts: settings.hosts.clone().into(), origins: settings.origins.clone().into(), log }
    }

    /// Lets requests through that are meant for this head, and come from no page of another site.
    pub(crate) async fn admit(self, request: Request, next: Next) -> Response {
        match self.is_meant(&request) {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.answer().await,
        }
    }

    /// Lets requests through with a token or a session that may do what they ask for, with what it may do.
    pub(crate) async fn authenticate(self, mut request: Request, next: Next) -> Response {
        match self.may(&request) {
            Ok(access) => {
                request.extensions_mut().insert(access);
                next.run(request).await
            }
            Err(refused) => refused.answer().await,
        }
    }

    fn is_meant(&self, request: &Request) -> Result<(), Refused> {
        let ends = request.extensions().get::<Ends>().copied();
        let host = host(request).ok_or_else(|| forbidden("the request names no host"))?;
        if !self.knows(&host, ends) {
            return Err(forbidden("this host name is not one of this head, add it to server.hosts"));
        }
        let origin = request.headers().get(header::ORIGIN);
        if let Some(origin) = origin
            && !self.trusts(origin, &host)
        {
            return Err(forbidden("this origin may not use the API, add it to server.origins"));
        }
        Ok(())
    }

    /// Names of this machine, those that were configured, and the address that the client has connected to.
    fn knows(&self, host: &Authority, ends: Option<Ends>) -> bool {
        let name = host.host();
        let address: Option<IpAddr> = name.trim_start_matches('[').trim_end_matches(']').parse().ok();
        name.eq_ignore_ascii_case(LOOPBACK)
            || address.is_some_and(|address| {
                address.is_loopback()
                    || ends.is_some_and(|ends| ends.local.ip().to_canonical() == address.to_canonical())
            })
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// A page of another site must not act in the name of who looks at it.
    fn trusts(&self, origin: &HeaderValue, host: &Authority) -> bool {
        is_own(origin, host) || self.origins.iter().any(|known| known == origin)
    }

    fn may(&self, request: &Request) -> Result<Access, Refused> {
        let Authenticated { access, is_session } = self.authenticated(request)?;
        let is_change = !request.method().is_safe();
        // A browser sends its cookies, and forms, from any page.
        if is_change && (is_session || !is_of_api(request)) && !is_from_own_page(request) {
            return Err(forbidden("this must be sent from a page of this head"));
        }
        let needs_right = is_change && ![LOG_IN, LOG_OUT].contains(&request.uri().path());
        if needs_right && access.right < Right::Write {
            let name = access.name.as_deref().unwrap_or_default();
            return Err(forbidden(format!("token '{name}' may only read")));
        }
        Ok(access)
    }

    fn authenticated(&self, request: &Request) -> Result<Authenticated, Refused> {
        if !self.sessions.needs_token() {
            return Ok(Authenticated::without_token(Right::Write));
        }
        if is_open(request) {
            return Ok(Authenticated::without_token(Right::Read));
        }
        match bearer(request.headers()) {
            Some(given) => {
                let Some(token) = self.sessions.token(given) else {
                    let ends = request.extensions().get::<Ends>();
                    let client = ends.map_or_else(|| "unknown".to_owned(), |ends| ends.peer.to_string());
                    let (method, path) = (request.method(), request.uri().path());
                    self.log.line(&format!("wrong token from {client}: {method} {path}"));
                    let refused = unauthorized("the token is wrong");
                    return Err(Refused { pause: WRONG_TOKEN_PAUSE, ..refused });
                };
                let access = Access { name: Some(token.name().to_owned()), right: token.right() };
                Ok(Authenticated { access, is_session: false })
            }
            None => {
                let session = self.sessions.access(request.headers());
                let access = session.ok_or_else(|| {
                    if !is_of_api(request) && accepts_pages(request.headers()) {
                        logged_out(request)
                    } else {
                        unauthorized("a token is needed: send it as Authorization: Bearer <token>")
                    }
                })?;
                Ok(Authenticated { access, is_session: true })
            }
        }
    }
}

/// Who a request comes from.
struct Authenticated {
    access: Access,
    /// Whether a cookie says so.
    is_session: bool,
}

impl Authenticated {
    fn without_token(right: Right) -> Self {
        Self { access: Access { name: None, right }, is_session: false }
    }
}

/// What needs no token.
fn is_open(request: &Request) -> bool {
    let path = request.uri().path();
    path == LOG_IN || (request.method().is_safe() && (path == HEALTH || path.starts_with(ASSETS)))
}

/// Whether programs ask, and not people with a browser.
fn is_of_api(request: &Request) -> bool {
    request.uri().path().starts_with("/api/")
}

/// Whether a browser asks for something to show.
fn accepts_pages(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).map(HeaderValue::as_bytes).unwrap_or_default();
    accept.windows(9).any(|kind| kind == b"text/html")
}

fn is_own(origin: &HeaderValue, host: &Authority) -> bool {
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    authority.is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host.as_str()))
}

/// Whether a browser says that the request comes from a page of this head.
fn is_from_own_page(request: &Request) -> bool {
    let headers = request.headers();
    match headers.get(header::ORIGIN) {
        Some(origin) => host(request).is_some_and(|host| is_own(origin, &host)),
        None => headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
    }
}

fn host(request: &Request) -> Option<Authority> {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    header.or_else(|| request.uri().authority().cloned())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A request that is not let through.
struct Refused {
    response: Box<Response>,
    /// How long the answer waits.
    pause: Duration,
}

impl Refused {
    async fn answer(self) -> Response {
        tokio::time::sleep(self.pause).await;
        *self.response
    }
}

fn forbidden(detail: impl Into<String>) -> Refused {
    let response = Failure::new(StatusCode::FORBIDDEN, detail).into_response();
    Refused { response: Box::new(response), pause: Duration::ZERO }
}

/// A page that somebody has to log in for, and comes back to.
fn logged_out(request: &Request) -> Refused {
    let wanted = request.uri().path_and_query().filter(|_| request.method().is_safe());
    let next = wanted.map_or("/", PathAndQuery::as_str);
    let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
    let response = Redirect::to(&format!("{LOG_IN}?next={next}")).into_response();
    Refused { response: Box::new(response), pause: Duration::ZERO }
}

fn unauthorized(detail: &str) -> Refused {
    let mut response = Failure::new(StatusCode::UNAUTHORIZED, detail).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Refused { response: Box::new(response), pause: Duration::ZERO }
}
