//! Open connections to one host, and requests on them.
//!
//! hyper-util's pooled client would do the same and was tried first. It answers before the body is
//! read, so it has to spawn a task for each request that waits until the connection is free. Here
//! a connection goes back when the body was read: a quarter more requests per CPU-second (median of
//! six rounds that alternated between both).

use crate::builder::{HeadLimits, Version};
use crate::connector::{Connector, Facts, Io};
use crate::error::{ErrorKind, Failure};
use crate::retry::{Retries, Unprocessed};
use crate::watch::{Stranger, Watch, Watched};
use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

/// Connections that were not used for so long are closed: many servers do so at about this age.
const IDLE_LIMIT: Duration = Duration::from_secs(90);

/// What the client library reads at once at most, whatever the limit for heads.
const READ_BUFFER: usize = 400 << 10;

/// Behind a failure on a connection on which nothing came.
pub(crate) const NO_HTTP2: &str = "; does that port speak HTTP/2?";

type Content = Full<Bytes>;

/// The connections to one host.
pub(crate) struct Host {
    connector: Connector,
    version: Version,
    head: HeadLimits,
    scheme: Scheme,
    authority: Authority,
    /// The authority as a header, made once.
    host_header: HeaderValue,
    /// HTTP/1.1 connections that nobody uses, the most recently used last.
    idle: Mutex<VecDeque<(http1::SendRequest<Content>, Instant)>>,
    /// The HTTP/2 connection that all requests share. Locked while it is made, so that one is.
    shared: tokio::sync::Mutex<Option<Shared>>,
    /// Whether the server chose HTTP/1.1, so that there will be no connection to share.
    speaks_http1: AtomicBool,
}

/// An answer whose body is to be read; then the connection goes back.
pub(crate) struct Exchange {
    pub(crate) answer: Response<Incoming>,
    /// How the connection was made, if it was made for this request.
    pub(crate) facts: Option<Facts>,
    /// How often the request went out again.
    pub(crate) resent: u32,
    pub(crate) lease: Lease,
}

enum Sender {
    Http1(http1::SendRequest<Content>),
    Http2(Shared),
}

/// A connection that many requests use at a time.
#[derive(Clone)]
struct Shared {
    sender: http2::SendRequest<Content>,
    watch: Arc<Watch>,
}

impl Shared {
    fn takes_requests(&self) -> bool {
        !self.sender.is_closed() && !self.watch.is_going_away()
    }
}

impl Host {
    pub(crate) fn new(
        connector: Connector,
        version: Version,
        head: HeadLimits,
        scheme: Scheme,
        authority: Authority,
    ) -> Self {
        let may_share = version == Version::Http2 || (version == Version::Auto && scheme == Scheme::HTTPS);
        let host_header =
            HeaderValue::from_str(authority.as_str()).expect("an authority is a valid header value");
        Self {
            connector,
            version,
            head,
            scheme,
            authority,
            host_header,
            idle: Mutex::default(),
            shared: tokio::sync::Mutex::default(),
            speaks_http1: AtomicBool::new(!may_share),
        }
    }

    /// Sends a request, whose address is to be absolute. `again` makes the same request once more, for the
    /// cases in which it may go out again ([`retry`](crate::retry)). `started` is when its step began.
    pub(crate) async fn send(
        self: &Arc<Self>,
        mut request: Request<Content>,
        again: impl Fn() -> Request<Content>,
        started: Instant,
    ) -> Result<Exchange, Failure> {
        let mut retries = Retries::default();
        loop {
            let (sender, facts) = self.sender(retries.wants_new(), started).await?;
            match sender {
                Sender::Http1(mut sender) => {
                    let method = request.method().clone();
                    self.write_as_http1(&mut request);
                    let mut error = match sender.try_send_request(request).await {
                        Ok(answer) => {
                            let lease = Lease::Http1(Arc::clone(self), sender);
                            return Ok(Exchange { answer, facts, resent: retries.resent, lease });
                        }
                        Err(error) => error,
                    };
                    let is_new = facts.is_some();
                    if error.take_message().is_some() && !is_new {
                        retries.met_stale();
                    } else {
                        let mut failure = self.failed(error.error(), &method, None);
                        if is_new || !retries.met_closed(&method, started, &mut failure) {
                            return Err(failure);
                        }
                    }
                }
                Sender::Http2(mut shared) => {
                    let method = request.method().clone();
                    let mut error = match shared.sender.try_send_request(request).await {
                        Ok(answer) => {
                            shared.watch.answered();
                            let lease = Lease::Http2(shared.watch);
                            return Ok(Exchange { answer, facts, resent: retries.resent, lease });
                        }
                        Err(error) => error,
                    };
                    let unprocessed = match error.take_message() {
                        Some(_unsent) => Some(Unprocessed::Ended),
                        None => Unprocessed::read(error.error()),
                    };
                    // Not a matter of trying again, even if nothing was sent.
                    let unprocessed = unprocessed.filter(|_| shared.watch.stranger().is_none());
                    let Some(why) = unprocessed else {
                        return Err(self.failed(error.error(), &method, Some(&shared.watch)));
                    };
                    if Box::pin(retries.met_unprocessed(why, &shared.watch)).await? {
                        self.retire(&shared).await;
                    }
                }
            }
            request = again();
        }
    }

    /// A connection at `now`, and how it was made if it is new.
    async fn sender(&self, new: bool, now: Instant) -> Result<(Sender, Option<Facts>), Failure> {
        if !self.speaks_http1.load(Ordering::Relaxed) {
            let mut shared = self.shared.lock().await;
            if let Some(shared) = shared.as_ref().filter(|shared| shared.takes_requests()) {
                return Ok((Sender::Http2(shared.clone()), None));
            }
            // Who waited for the lock may know by now that there is nothing to share.
            if !self.speaks_http1.load(Ordering::Relaxed) {
                let (sender, facts) = Box::pin(self.connect()).await?;
                match &sender {
                    Sender::Http2(sender) => *shared = Some(sender.clone()),
                    Sender::Http1(_) => self.speaks_http1.store(true, Ordering::Relaxed),
                }
                return Ok((sender, Some(facts)));
            }
        }
        if let Some(sender) = self.take_idle(new, now) {
            return Ok((Sender::Http1(sender), None));
        }
        // Boxed, because it is seldom needed and large, and every request would carry its size.
        Box::pin(self.connect()).await.map(|(sender, facts)| (sender, Some(facts)))
    }

    /// The next request gets another connection; those that are under way on this one end there.
    async fn retire(&self, used: &Shared) {
        let mut shared = self.shared.lock().await;
        if shared.as_ref().is_some_and(|current| Arc::ptr_eq(&current.watch, &used.watch)) {
            *shared = None;
        }
    }

    fn take_idle(&self, none: bool, now: Instant) -> Option<http1::SendRequest<Content>> {
        if none {
            return None;
        }
        let mut idle = self.idle.lock();
        while let Some((sender, since)) = idle.pop_back() {
            // Whoever gave it back after `now` has just used it.
            if sender.is_ready() && now.saturating_duration_since(since) < IDLE_LIMIT {
                return Some(sender);
            }
        }
        None
    }

    fn keep(&self, sender: http1::SendRequest<Content>, now: Instant) {
        let mut idle = self.idle.lock();
        while idle.front().is_some_and(|(_, since)| now.duration_since(*since) > IDLE_LIMIT) {
            idle.pop_front();
        }
        idle.push_back((sender, now));
    }

    async fn connect(&self) -> Result<(Sender, Facts), Failure> {
        let address = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::from_static("/"))
            .build()
            .expect("all three parts are valid and present");
        let (io, facts) = self.connector.clone().connect(address).await?;
        let sender = match io {
            Io::Plain(stream) => self.handshake(stream, self.version == Version::Http2).await,
            Io::Tls { stream, is_http2 } => self.handshake(stream, is_http2).await,
        };
        let sender = sender.map_err(|error| Failure::from_chain(&error))?;
        Ok((sender, facts))
    }

    /// Starts to speak HTTP on a connection, which is then driven by a task of its own.
    async fn handshake<T>(&self, io: T, is_http2: bool) -> hyper::Result<Sender>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if is_http2 {
            let watch = Arc::new(Watch::default());
            let io = TokioIo::new(Watched::new(io, Arc::clone(&watch)));
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.timer(TokioTimer::new()).max_header_list_size(self.head.bytes);
            let (sender, connection) = builder.handshake(io).await?;
            tokio::spawn(connection);
            return Ok(Sender::Http2(Shared { sender, watch }));
        }
        let bytes = usize::try_from(self.head.bytes).unwrap_or(usize::MAX);
        let mut builder = http1::Builder::new();
        builder.max_headers(self.head.lines).max_header_size(bytes).max_buf_size(bytes.max(READ_BUFFER));
        let (sender, connection) = builder.handshake(TokioIo::new(io)).await?;
        tokio::spawn(connection);
        Ok(Sender::Http1(sender))
    }

    /// HTTP/1.1 has the path in the first line and the host in a header.
    fn write_as_http1(&self, request: &mut Request<Content>) {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        request.headers_mut().entry(HOST).or_insert_with(|| self.host_header.clone());
    }

    /// Why a request got no answer.
    fn failed(&self, error: &hyper::Error, method: &Method, watch: Option<&Watch>) -> Failure {
        let HeadLimits { lines, bytes } = self.head;
        let Some(watch) = watch else {
            if is_too_large(error) {
                let cause = format!(
                    "the head of the answer is larger than allowed: more than {lines} header lines or {bytes} \
                     bytes (raise `max_header_lines` or `max_header_bytes`)"
                );
                return Failure::new(ErrorKind::Protocol, cause);
            }
            let mut failure = Failure::from_chain(error);
            if error.is_parse() && self.scheme == Scheme::HTTP {
                failure.cause +=
                    "; does that port want TLS (https), or does it speak something else than HTTP?";
            }
            return failure;
        };
        if is_bad_head(error) {
            let mut failure = Failure::from_chain(error);
            failure.cause += &format!(
                ": the answer is malformed, or has more than {bytes} bytes of headers (raise `max_header_bytes`)"
            );
            return failure;
        }
        match watch.stranger() {
            None => explain(Failure::from_chain(error), watch, method),
            Some(Stranger::Tls) => {
                Failure::new(ErrorKind::Protocol, "the server answered in TLS: does that port want https?")
            }
            Some(Stranger::Http1) => Failure::new(
                ErrorKind::Protocol,
                "the server answered in HTTP/1.1: it does not speak HTTP/2 on that port",
            ),
        }
    }
}

/// What the library says of a head in HTTP/1.1 that is larger than allowed; it has no other way to ask a client.
fn is_too_large(error: &hyper::Error) -> bool {
    error.is_parse() && error.to_string() == "message head is too large"
}

/// What the library says of a head in HTTP/2 that is larger than allowed, and of one that is malformed.
fn is_bad_head(error: &hyper::Error) -> bool {
    use h2::Reason;
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    source.filter(|error| error.is_library()).and_then(h2::Error::reason).is_some_and(|reason| {
        [Reason::PROTOCOL_ERROR, Reason::COMPRESSION_ERROR, Reason::ENHANCE_YOUR_CALM].contains(&reason)
    })
}

/// Adds what the server said about the end of the connection.
fn explain(mut failure: Failure, watch: &Watch, method: &Method) -> Failure {
    if failure.kind != ErrorKind::Closed {
        return failure;
    }
    match watch.goaway() {
        Some(goaway) => {
            failure.cause = format!(
                "{} after {goaway}; the {method} may have been processed, so it is not sent again",
                failure.cause
            );
        }
        None if !watch.has_spoken() => failure.cause += NO_HTTP2,
        None => {}
    }
    failure
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("authority", &self.authority).finish_non_exhaustive()
    }
}

/// The connection of an exchange whose body is being read.
pub(crate) enum Lease {
    Http1(Arc<Host>, http1::SendRequest<Content>),
    Http2(Arc<Watch>),
}

impl Lease {
    /// The body was read to its end.
    pub(crate) fn give_back(self, now: Instant) {
        let Self::Http1(host, mut sender) = self else { return };
        if sender.is_ready() {
            host.keep(sender, now);
        } else if !sender.is_closed() {
            // The server answered before it had read the whole request.
            tokio::spawn(async move {
                if sender.ready().await.is_ok() {
                    host.keep(sender, Instant::now());
                }
            });
        }
    }

    /// The body could not be read to its end.
    pub(crate) fn explain(&self, failure: Failure, method: &Method) -> Failure {
        match self {
            Self::Http1(..) => failure,
            Self::Http2(watch) => explain(failure, watch, method),
        }
    }
}
