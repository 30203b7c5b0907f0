//! How connections are made, and how long that takes.

use crate::builder::Version;
use crate::error::{ErrorKind, Failure, deepest};
use crate::tls::Tls;
use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

/// Makes connections to `http` and `https` addresses.
///
/// TLS is negotiated here and not by a connector of a library, because those do not tell the time
/// of the handshake from the time of the TCP connection.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector<Resolver>,
    tls: Arc<Tls>,
    version: Version,
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(tls: Arc<Tls>, version: Version, timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self { tcp, tls, version, timeout }
    }

    pub(crate) async fn connect(mut self, address: Uri) -> Result<Stream, Failure> {
        let limit = self.timeout;
        match tokio::time::timeout(limit, self.attempt(address)).await {
            Ok(done) => done,
            Err(_) => {
                let cause = format!("no connection within {} ms", limit.as_millis());
                Err(Failure::timeout(ErrorKind::Connect, cause))
            }
        }
    }

    async fn attempt(&mut self, address: Uri) -> Result<Stream, Failure> {
        let started = Instant::now();
        let host = address.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let secure = address.scheme() == Some(&Scheme::HTTPS);
        let tcp = self.tcp.call(address).await.map_err(|error| connect_failure(&host, &error))?.into_inner();
        let connected = Instant::now();
        let facts = |tls| Arc::new(Facts { connect: connected - started, tls, used: AtomicBool::new(false) });
        if !secure {
            return Ok(Stream { io: Io::Plain(TokioIo::new(tcp)), facts: facts(None) });
        }

        let tls = |cause: String| Failure::new(ErrorKind::Tls, cause);
        let name = ServerName::try_from(host).map_err(|error| tls(error.to_string()))?;
        let stream = self
            .tls
            .connector()?
            .connect(name, tcp)
            .await
            .map_err(|error| tls(format!("TLS handshake: {}", handshake_cause(&error))))?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if self.version == Version::Http2 && !is_http2 {
            return Err(tls("the server does not offer HTTP/2 (ALPN h2)".to_owned()));
        }
        let facts = facts(Some(connected.elapsed()));
        Ok(Stream { io: Io::Tls { stream: Box::new(TokioIo::new(stream)), is_http2 }, facts })
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Failure>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        Box::pin(self.clone().connect(address))
    }
}

fn connect_failure(host: &str, error: &(dyn Error + 'static)) -> Failure {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(Unresolved(cause)) = current.downcast_ref() {
            return Failure::new(ErrorKind::Dns, format!("cannot resolve '{host}': {cause}"));
        }
        next = current.source();
    }
    Failure::new(ErrorKind::Connect, deepest(error))
}

/// rustls puts its own error inside one of io.
fn handshake_cause(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => error.to_string(),
        None => deepest(error),
    }
}

/// The system's resolver, with errors that can be told from those of connecting.
#[derive(Debug, Clone)]
struct Resolver(GaiResolver);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unresolved(String);

impl Service<Name> for Resolver {
    type Response = <GaiResolver as Service<Name>>::Response;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Unresolved>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.0.call(name);
        Box::pin(async move { resolving.await.map_err(|error| Unresolved(deepest(&error))) })
    }
}

/// How a connection came about; the pool hands it out with every answer.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Name resolution and TCP.
    pub(crate) connect: Duration,
    pub(crate) tls: Option<Duration>,
    used: AtomicBool,
}

impl Facts {
    /// Whether this is the first answer on the connection.
    pub(crate) fn is_first_use(&self) -> bool {
        !self.used.load(Ordering::Relaxed) && !self.used.swap(true, Ordering::Relaxed)
    }
}

/// An open connection.
pub(crate) struct Stream {
    io: Io,
    facts: Arc<Facts>,
}

enum Io {
    Plain(TokioIo<TcpStream>),
    Tls { stream: Box<TokioIo<TlsStream<TcpStream>>>, is_http2: bool },
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(Arc::clone(&self.facts));
        match &self.io {
            Io::Tls { is_http2: true, .. } => connected.negotiated_h2(),
            Io::Tls { .. } | Io::Plain(_) => connected,
        }
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Io::Tls { stream, .. } => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Io::Tls { stream, .. } => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Io::Tls { stream, .. } => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Tls { stream, .. } => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(stream) => stream.is_write_vectored(),
            Io::Tls { stream, .. } => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Io::Tls { stream, .. } => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }
}
