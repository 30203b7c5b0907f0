//! Sends a request and receives its answer.

use crate::builder::Redirects;
use crate::client::Inner;
use crate::error::{ErrorKind, Failure, HttpError};
use crate::host::Exchange;
use crate::request::Request;
use crate::response::{Response, Timings};
use crate::target::Target;
use crate::transcript::{RequestHead, Transcript};
use bytes::{Bytes, BytesMut};
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap,
    HeaderName, HeaderValue, PROXY_AUTHORIZATION,
};
use http::{Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use qalipsis_core::execution;
use qalipsis_core::fault::Fault;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What is sent to one address; redirects change it.
struct Hop {
    method: Method,
    uri: Uri,
    is_own: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    began: Instant,
    /// Whether the cookies among the headers are those that the minion keeps.
    has_kept_cookies: bool,
}

/// What is known of all hops together.
struct Progress {
    started: Instant,
    connect: Option<Duration>,
    tls: Option<Duration>,
    bytes_sent: u64,
    bytes_received: u64,
    redirects: u8,
    resent: u32,
}

/// A received answer.
struct Answer {
    status: StatusCode,
    version: http::Version,
    headers: HeaderMap,
    body: Bytes,
    first_byte: Duration,
    ended: Instant,
}

/// What is to be sent first. It belongs into the first poll, which knows the step.
fn prepare(request: Request) -> Result<(Arc<Inner>, Hop, Progress, Option<Duration>), Fault> {
    let started = Instant::now();
    let Request { client, method, path, query, mut headers, body, timeout, error } = request;
    let target = match error.map_or_else(|| client.base.target(&path, &query), |error| Err(*error)) {
        Ok(target) => target,
        Err(error) => return Err(refuse(&client, &method, &path, error)),
    };
    let Target { uri, is_own, authorization } = target;
    if let Some(value) = authorization
        && !has(&headers, &AUTHORIZATION)
    {
        headers.push((AUTHORIZATION, value));
    }
    if !has(&headers, &TRACEPARENT)
        && !client.own_headers.contains_key(TRACEPARENT)
        && let Some(parent) = execution::traceparent()
        && let Ok(value) = HeaderValue::try_from(parent)
    {
        headers.push((TRACEPARENT, value));
    }
    // Servers may refuse such requests without a length; the library sends none for empty bodies.
    if body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        headers.push((CONTENT_LENGTH, HeaderValue::from_static("0")));
    }

    let progress = Progress {
        started,
        connect: None,
        tls: None,
        bytes_sent: 0,
        bytes_received: 0,
        redirects: 0,
        resent: 0,
    };
    let hop = Hop { method, uri, is_own, headers, body, began: started, has_kept_cookies: false };
    Ok((client, hop, progress, timeout))
}

/// A request that cannot be sent at all.
fn refuse(client: &Inner, method: &Method, path: &str, error: HttpError) -> Fault {
    let address = client.base.shown_with(path);
    Fault::error(format!("{method} {address}: {error}")).code(error.kind().code())
}

pub(crate) async fn perform(request: Request) -> Result<Response, Fault> {
    let (client, mut hop, mut progress, timeout) = prepare(request)?;
    let client = &*client;
    // A limit beyond the end of the clock is none.
    let deadline = timeout.and_then(|limit| Some((limit, progress.started.checked_add(limit)?)));
    loop {
        if !has(&hop.headers, &COOKIE)
            && let Some(cookies) = client.pools.cookies_for(&hop.uri)
        {
            hop.headers.push((COOKIE, cookies));
            hop.has_kept_cookies = true;
        }
        let common = if hop.is_own { &client.own_headers } else { &client.foreign_headers };
        let head = Arc::new(RequestHead {
            method: hop.method.clone(),
            uri: hop.uri.clone(),
            common: Arc::clone(common),
            own: std::mem::take(&mut hop.headers),
        });
        let transcript = Arc::new(Transcript::new(Arc::clone(&head), &hop.body));
        // Before it is sent, so that a step that is cut off shows what it was waiting for.
        execution::remember_at(Arc::<Transcript>::clone(&transcript), hop.began);

        let received = match deadline {
            None => exchange(client, &hop, &head, &transcript, &mut progress).await,
            Some((limit, deadline)) => {
                let exchange = Box::pin(exchange(client, &hop, &head, &transcript, &mut progress));
                tokio::time::timeout_at(deadline, exchange).await.unwrap_or_else(|_| {
                    let cause = format!("no complete answer within {} ms", limit.as_millis());
                    Err(Failure::timeout(ErrorKind::Timeout, cause))
                })
            }
        };
        let next = match received {
            Ok(answer) => {
                client.pools.keep_cookies(&hop.uri, &answer.headers);
                let timings = Timings {
                    connect: progress.connect,
                    tls: progress.tls,
                    first_byte: answer.first_byte,
                    last_byte: answer.ended - progress.started,
                };
                transcript.completed(&answer.body, timings, progress.resent);
                match redirect(client, &head, &answer, &mut progress) {
                    None => return Ok(response(answer, timings, progress, head)),
                    Some(next) => next,
                }
            }
            Err(failure) => Err(failure),
        };
        match next {
            Ok(target) => hop = redirected(hop, &head, target),
            Err(failure) => {
                transcript.failed(&failure.cause);
                let (input, exchange) = (transcript.input(), transcript.to_string());
                return Err(failure.into_fault(&head).input(input).exchange(exchange));
            }
        }
    }
}

async fn exchange(
    client: &Inner,
    hop: &Hop,
    head: &RequestHead,
    transcript: &Transcript,
    progress: &mut Progress,
) -> Result<Answer, Failure> {
    let request = |headers: HeaderMap| {
        let mut request = http::Request::new(Full::new(hop.body.clone()));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.uri.clone();
        *request.headers_mut() = headers;
        request
    };
    let headers = head.merged();
    progress.bytes_sent += head_size(&headers, request_line_size(head)) + hop.body.len() as u64;

    let host = client.pools.host(&head.uri, hop.is_own);
    let host = host.ok_or_else(|| Failure::new(ErrorKind::Url, "the address is not absolute"))?;
    let again = || request(head.merged());
    let exchange = host.send(request(headers), again, progress.started).await?;
    let Exchange { answer, facts, resent, lease } = exchange;
    let first_byte = progress.started.elapsed();
    progress.resent += resent;
    if let Some(facts) = facts {
        progress.connect = Some(progress.connect.unwrap_or_default() + facts.connect);
        progress.tls = match (progress.tls, facts.tls) {
            (Some(before), Some(more)) => Some(before + more),
            (before, more) => before.or(more),
        };
    }
    let (parts, incoming) = answer.into_parts();
    transcript.answered(parts.status.as_u16(), parts.version, &parts.headers);
    let body = collect(incoming, client.max_body, parts.version)
        .await
        .map_err(|failure| lease.explain(failure, &head.method))?;
    let ended = Instant::now();
    lease.give_back(ended);
    // "HTTP/1.1 200 " and the line's end.
    let status_line = 15 + parts.status.canonical_reason().map_or(0, str::len) as u64;
    progress.bytes_received += head_size(&parts.headers, status_line) + body.len() as u64;
    Ok(Answer {
        status: parts.status,
        version: parts.version,
        headers: parts.headers,
        body,
        first_byte,
        ended,
    })
}

/// The whole body; one that came in one piece is not copied.
async fn collect(mut incoming: Incoming, limit: usize, version: http::Version) -> Result<Bytes, Failure> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while !incoming.is_end_stream() {
        let received = first.len().max(rest.len());
        let Some(frame) = incoming.frame().await else {
            // The library takes a stream that HTTP/2 resets with NO_ERROR for a complete one.
            if version != http::Version::HTTP_2 || incoming.is_end_stream() {
                break;
            }
            let cause = format!("the server reset the stream (NO_ERROR) after {received} bytes of the body");
            return Err(Failure::new(ErrorKind::Closed, cause));
        };
        let frame = frame.map_err(|error| {
            let mut failure = Failure::from_chain(&error);
            failure.cause = format!("{} after {received} bytes of the body", failure.cause);
            failure
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if received + data.len() > limit {
            let cause = format!("body of the answer is larger than {limit} bytes (raise `max_body`)");
            return Err(Failure::new(ErrorKind::Body, cause));
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            let expected = first.len() as u64 + data.len() as u64 + incoming.size_hint().lower();
            rest.reserve(usize::try_from(expected).unwrap_or(limit).min(limit));
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

fn response(answer: Answer, timings: Timings, progress: Progress, request: Arc<RequestHead>) -> Response {
    Response {
        status: answer.status.as_u16(),
        headers: answer.headers,
        body: answer.body,
        version: answer.version,
        timings,
        bytes_sent: progress.bytes_sent,
        bytes_received: progress.bytes_received,
        redirects: progress.redirects,
        resent: progress.resent,
        request,
    }
}

/// Where to go on, if the answer is a redirect that is to be followed.
fn redirect(
    client: &Inner,
    head: &RequestHead,
    answer: &Answer,
    progress: &mut Progress,
) -> Option<Result<(Target, StatusCode), Failure>> {
    let Redirects::Follow(limit) = client.redirects else { return None };
    if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    if progress.redirects == limit {
        let cause = format!("more than {limit} redirects");
        return Some(Err(Failure::new(ErrorKind::Redirect, cause)));
    }
    progress.redirects += 1;
    let target = client.base.redirected(&head.uri, &answer.headers);
    Some(match target {
        Ok(target) => Ok((target, answer.status)),
        Err(why) => Err(Failure::new(ErrorKind::Redirect, format!("cannot follow the redirect: {why}"))),
    })
}

/// The request after a redirect, as browsers send it (<https://fetch.spec.whatwg.org/#http-redirect-fetch>).
fn redirected(hop: Hop, head: &RequestHead, (target, status): (Target, StatusCode)) -> Hop {
    let becomes_get = match status {
        StatusCode::SEE_OTHER => hop.method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => hop.method == Method::POST,
        _ => false,
    };
    let same_server =
        head.uri.scheme() == target.uri.scheme() && head.uri.authority() == target.uri.authority();
    let of_body = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_LANGUAGE];
    let of_server = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, HOST];
    let mut headers: Vec<_> = head
        .own
        .iter()
        // Which of the kept cookies go there is decided again for each address.
        .filter(|(name, _)| !(hop.has_kept_cookies && name == COOKIE))
        .filter(|(name, _)| !(becomes_get && of_body.contains(name)))
        .filter(|(name, value)| same_server || !(of_server.contains(name) || value.is_sensitive()))
        .cloned()
        .collect();
    if let Some(value) = target.authorization {
        headers.push((AUTHORIZATION, value));
    }
    Hop {
        method: if becomes_get { Method::GET } else { hop.method },
        body: if becomes_get { Bytes::new() } else { hop.body },
        uri: target.uri,
        is_own: target.is_own,
        headers,
        began: Instant::now(),
        has_kept_cookies: false,
    }
}

fn has(headers: &[(HeaderName, HeaderValue)], name: &HeaderName) -> bool {
    headers.iter().any(|(found, _)| found == name)
}

/// Method, path, version, spaces and the line's end; and the host, where it is added last.
fn request_line_size(head: &RequestHead) -> u64 {
    let path = head.uri.path_and_query().map_or(1, |path| path.as_str().len());
    let host = match (head.common.contains_key(HOST) || has(&head.own, &HOST), head.uri.authority()) {
        (false, Some(authority)) => "host: \r\n".len() + authority.as_str().len(),
        _ => 0,
    };
    (head.method.as_str().len() + path + 12 + host) as u64
}

fn head_size(headers: &HeaderMap, first_line: u64) -> u64 {
    let lines: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    first_line + lines as u64 + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Http;

    #[test]
    fn the_future_of_a_request_stays_small() {
        let request = Http::new("http://127.0.0.1:1").unwrap().get("/");
        let size = std::mem::size_of_val(&perform(request));
        // It is moved into its box: what is seldom needed must be in boxes of its own.
        assert!(size < 2048, "{size} bytes");
    }
}
