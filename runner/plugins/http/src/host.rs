//! Open connections to one host, and requests on them.
//!
//! hyper-util's pooled client would do the same and was tried first. It answers before the body is
//! read, so it has to spawn a task for each request that waits until the connection is free. Here
//! a connection goes back when the body was read: a quarter more requests per CPU-second (median of
//! six rounds that alternated between both).

use crate::builder::Version;
use crate::connector::{Connector, Facts, Io};
use crate::error::Failure;
use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Connections that were not used for so long are closed: many servers do so at about this age.
const IDLE_LIMIT: Duration = Duration::from_secs(90);

/// How many closed connections a request may meet.
const ATTEMPTS: usize = 16;

type Content = Full<Bytes>;

/// The connections to one host.
pub(crate) struct Host {
    connector: Connector,
    version: Version,
    scheme: Scheme,
    authority: Authority,
    /// HTTP/1.1 connections that nobody uses, the most recently used last.
    idle: Mutex<VecDeque<(http1::SendRequest<Content>, Instant)>>,
    /// The HTTP/2 connection that all requests share. Locked while it is made, so that one is.
    shared: tokio::sync::Mutex<Option<http2::SendRequest<Content>>>,
    /// Whether the server chose HTTP/1.1, so that there will be no connection to share.
    speaks_http1: AtomicBool,
}

/// An answer whose body is to be read; then the connection goes back.
pub(crate) struct Exchange {
    pub(crate) answer: Response<Incoming>,
    /// How the connection was made, if it was made for this request.
    pub(crate) facts: Option<Facts>,
    lease: Option<(Arc<Host>, http1::SendRequest<Content>)>,
}

enum Sender {
    Http1(http1::SendRequest<Content>),
    Http2(http2::SendRequest<Content>),
}

impl Host {
    pub(crate) fn new(connector: Connector, version: Version, scheme: Scheme, authority: Authority) -> Self {
        let may_share = version == Version::Http2 || (version == Version::Auto && scheme == Scheme::HTTPS);
        Self {
            connector,
            version,
            scheme,
            authority,
            idle: Mutex::default(),
            shared: tokio::sync::Mutex::default(),
            speaks_http1: AtomicBool::new(!may_share),
        }
    }

    /// Sends a request, whose address is to be absolute.
    ///
    /// A connection that the server closed before anything was sent is replaced by another.
    pub(crate) async fn send(self: &Arc<Self>, mut request: Request<Content>) -> Result<Exchange, Failure> {
        let address = request.uri().clone();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (sender, facts) = self.sender().await?;
            let is_new = facts.is_some();
            let sent = match sender {
                Sender::Http1(mut sender) => {
                    self.write_as_http1(&mut request, &address);
                    let sent = sender.try_send_request(request).await;
                    sent.map(|answer| (answer, Some((Arc::clone(self), sender))))
                }
                Sender::Http2(mut sender) => {
                    let sent = sender.try_send_request(request).await;
                    sent.map(|answer| (answer, None))
                }
            };
            match sent {
                Ok((answer, lease)) => return Ok(Exchange { answer, facts, lease }),
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !is_new && attempts < ATTEMPTS => {
                        request = unsent;
                        *request.uri_mut() = address.clone();
                    }
                    _ => return Err(Failure::from_chain(error.error())),
                },
            }
        }
    }

    /// A connection, and how it was made if it is new.
    async fn sender(&self) -> Result<(Sender, Option<Facts>), Failure> {
        if !self.speaks_http1.load(Ordering::Relaxed) {
            let mut shared = self.shared.lock().await;
            if let Some(sender) = shared.as_ref().filter(|sender| !sender.is_closed()) {
                return Ok((Sender::Http2(sender.clone()), None));
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
        if let Some(sender) = self.take_idle() {
            return Ok((Sender::Http1(sender), None));
        }
        // Boxed, because it is seldom needed and large, and every request would carry its size.
        Box::pin(self.connect()).await.map(|(sender, facts)| (sender, Some(facts)))
    }

    fn take_idle(&self) -> Option<http1::SendRequest<Content>> {
        let mut idle = self.idle.lock();
        while let Some((sender, since)) = idle.pop_back() {
            if sender.is_ready() && since.elapsed() < IDLE_LIMIT {
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
            Io::Plain(stream) => handshake(stream, self.version == Version::Http2).await,
            Io::Tls { stream, is_http2 } => handshake(stream, is_http2).await,
        };
        let sender = sender.map_err(|error| Failure::from_chain(&error))?;
        Ok((sender, facts))
    }

    /// HTTP/1.1 has the path in the first line and the host in a header.
    fn write_as_http1(&self, request: &mut Request<Content>, address: &Uri) {
        let path = address.path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        request.headers_mut().entry(HOST).or_insert_with(|| {
            HeaderValue::from_str(self.authority.as_str()).expect("an authority is a valid header value")
        });
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("authority", &self.authority).finish_non_exhaustive()
    }
}

/// Gives the connection of an exchange back when its body was read to the end.
pub(crate) struct Lease(Option<(Arc<Host>, http1::SendRequest<Content>)>);

impl Exchange {
    pub(crate) fn into_parts(self) -> (Response<Incoming>, Option<Facts>, Lease) {
        (self.answer, self.facts, Lease(self.lease))
    }
}

impl Lease {
    pub(crate) fn give_back(self, now: Instant) {
        let Some((host, mut sender)) = self.0 else { return };
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
}

/// Starts to speak HTTP on a connection, which is then driven by a task of its own.
async fn handshake<T>(io: T, is_http2: bool) -> hyper::Result<Sender>
where
    T: Read + Write + Unpin + Send + 'static,
{
    if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let (sender, connection) = builder.timer(TokioTimer::new()).handshake(io).await?;
        tokio::spawn(connection);
        return Ok(Sender::Http2(sender));
    }
    let (sender, connection) = http1::handshake(io).await?;
    tokio::spawn(connection);
    Ok(Sender::Http1(sender))
}
