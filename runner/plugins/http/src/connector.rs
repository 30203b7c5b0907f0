//! How connections are made, and how long that takes.

use crate::builder::Version;
use crate::error::{ErrorKind, Failure, deepest};
use crate::tls::Tls;
use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use rustls::pki_types::ServerName;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

/// Makes connections to `http` and `https` addresses.
///
/// TLS is negotiated here and not by a connector of a library, because those do not measure the time
/// of the handshake apart from the time of the TCP connection.
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

    pub(crate) async fn connect(mut self, address: Uri) -> Result<(Io, Facts), Failure> {
        let limit = self.timeout;
        match tokio::time::timeout(limit, self.attempt(address)).await {
            Ok(done) => done,
            Err(_) => {
                let cause = format!("no connection within {} ms", limit.as_millis());
                Err(Failure::timeout(ErrorKind::Connect, cause))
            }
        }
    }

    async fn attempt(&mut self, address: Uri) -> Result<(Io, Facts), Failure> {
        let started = Instant::now();
        let host = address.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let secure = address.scheme() == Some(&Scheme::HTTPS);
        let tcp = self.tcp.call(address).await.map_err(|error| connect_failure(&host, &error))?.into_inner();
        let connected = Instant::now();
        let connect = connected - started;
        if !secure {
            return Ok((Io::Plain(tcp), Facts { connect, tls: None }));
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
        let facts = Facts { connect, tls: Some(connected.elapsed()) };
        Ok((Io::Tls { stream: Box::new(stream), is_http2 }, facts))
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

/// rustls puts its own error inside one of io. A hint stands behind what a setting may mend.
fn handshake_cause(error: &io::Error) -> String {
    use rustls::{CertificateError, Error};
    const NO_TLS: &str = "; does that port speak TLS, or is it plain http?";
    let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        let hint = if error.kind() == io::ErrorKind::UnexpectedEof { NO_TLS } else { "" };
        return format!("{}{hint}", deepest(error));
    };
    let hint = match cause {
        Error::InvalidMessage(_) => NO_TLS,
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => "; trust its authority with `ca_pem`",
        _ => "",
    };
    format!("{cause}{hint}")
}

/// The system's resolver, with errors that can be distinguished from those of connecting.
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

/// How a connection came about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// Name resolution and TCP.
    pub(crate) connect: Duration,
    pub(crate) tls: Option<Duration>,
}

/// An open connection.
pub(crate) enum Io {
    Plain(TcpStream),
    Tls { stream: Box<TlsStream<TcpStream>>, is_http2: bool },
}
