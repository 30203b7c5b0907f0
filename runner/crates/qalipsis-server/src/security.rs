//! Who may use the API: hosts, origins and tokens.

use crate::ends::Ends;
use crate::problem::Failure;
use crate::settings::ServerSettings;
use crate::token::{Right, Token};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a wrong token costs whoever gives it.
const WRONG_TOKEN_PAUSE: Duration = Duration::from_millis(500);

/// Names of this machine for itself.
const LOOPBACK: &str = "localhost";

/// Where lines about requests that are refused, and about a store that fails, go.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(&str) + Send + Sync>);

impl Log {
    /// Lines go to this function.
    pub fn new(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// Writes a line.
    pub(crate) fn line(&self, text: &str) {
        (self.0)(text);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

/// Decides on requests.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    tokens: Arc<[Token]>,
    hosts: Arc<[String]>,
    origins: Arc<[String]>,
    log: Log,
}

impl Guard {
    pub(crate) fn new(settings: &ServerSettings, log: Log) -> Self {
        Self {
            tokens: settings.tokens.clone().into(),
            hosts: settings.hosts.clone().into(),
            origins: settings.origins.clone().into(),
            log,
        }
    }

    /// Lets requests through that are meant for this head, and come from no page of another site.
    pub(crate) async fn admit(self, request: Request, next: Next) -> Response {
        match self.is_meant(&request) {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.answer().await,
        }
    }

    /// Lets requests through with a token that may do what they ask for.
    pub(crate) async fn authenticate(self, request: Request, next: Next) -> Response {
        match self.may(&request) {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.answer().await,
        }
    }

    fn is_meant(&self, request: &Request) -> Result<(), Refused> {
        let ends = request.extensions().get::<Ends>().copied();
        let host = host(request).ok_or_else(|| forbidden("the request names no host"))?;
        if !self.knows(&host, ends) {
            return Err(forbidden("this host name is not one of this head, add it to server.hosts"));
        }
        if let Some(origin) = request.headers().get(header::ORIGIN)
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
        let Ok(origin) = origin.to_str() else { return false };
        let own = origin
            .split_once("://")
            .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host.as_str()));
        own || self.origins.iter().any(|known| known == origin)
    }

    fn may(&self, request: &Request) -> Result<(), Refused> {
        if self.tokens.is_empty() || is_open(request) {
            return Ok(());
        }
        let Some(given) = bearer(request.headers()) else {
            return Err(unauthorized("a token is needed: send it as Authorization: Bearer <token>"));
        };
        let Some(token) = self.token(given) else {
            let ends = request.extensions().get::<Ends>();
            let client = ends.map_or_else(|| "unknown".to_owned(), |ends| ends.peer.to_string());
            let (method, path) = (request.method(), request.uri().path());
            self.log.line(&format!("wrong token from {client}: {method} {path}"));
            let refused = unauthorized("the token is wrong");
            return Err(Refused { pause: WRONG_TOKEN_PAUSE, ..refused });
        };
        let needed = if request.method().is_safe() { Right::Read } else { Right::Write };
        if token.right() < needed {
            return Err(forbidden(format!("token '{}' may only read", token.name())));
        }
        Ok(())
    }

    /// The token with this secret. How long it takes says nothing about how much of it is right.
    fn token(&self, given: &str) -> Option<&Token> {
        let mut found = None;
        for token in self.tokens.iter() {
            if token.is(given) {
                found = Some(token);
            }
        }
        found
    }
}

/// What needs no token.
fn is_open(request: &Request) -> bool {
    request.uri().path() == "/api/v1/health" && request.method().is_safe()
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

fn unauthorized(detail: &str) -> Refused {
    let mut response = Failure::new(StatusCode::UNAUTHORIZED, detail).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Refused { response: Box::new(response), pause: Duration::ZERO }
}
