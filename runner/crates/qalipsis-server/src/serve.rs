//! Listens, and serves what comes.

use crate::ends::Ends;
use crate::settings::ServerSettings;
use axum::Router;
use axum::body::Body;
use http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long a client may take for a handshake, or to send the head of a request.
const HEADER_LIMIT: Duration = Duration::from_secs(10);

/// How long a client may leave an answer unread.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// How long requests that are being answered may keep the server from ending.
const END_LIMIT: Duration = Duration::from_secs(2);

/// How long nothing is accepted after that failed, for example because there are no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections at the same time.
const CONNECTIONS: usize = 1_000;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Something else listens there.
    #[error("cannot listen on {0}: the port is taken, stop what listens there or set server.address")]
    Taken(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The certificate or its key cannot be used.
    #[error("cannot use the TLS {what} {}: {why}", path.display())]
    Tls {
        /// `certificate` or `key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// A server that listens, and does not answer yet.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Bound {
    /// Listens as configured.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the certificate not be used.
    pub async fn listen(settings: &ServerSettings) -> Result<Self, ServeError> {
        let tls = settings.tls.as_ref().map(|files| acceptor(&files.certificate, &files.key)).transpose()?;
        let wanted = settings.address;
        let refused = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => ServeError::Taken(wanted),
            _ => ServeError::Listen(wanted, error),
        };
        let listener = TcpListener::bind(wanted).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address, tls })
    }

    /// Where it listens: `http://127.0.0.1:8400`.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `ending` is done; then what is being answered gets a moment.
    pub async fn serve(self, router: Router, ending: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut ending = std::pin::pin!(ending);
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
                (place, self.listener.accept().await)
            };
            let (place, (stream, peer)) = tokio::select! {
                (place, accepted) = accepted => match accepted {
                    Ok(accepted) => (place, accepted),
                    Err(_) => {
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
                () = &mut ending => break,
            };
            let (router, tls, watcher) = (router.clone(), self.tls.clone(), graceful.watcher());
            tokio::spawn(connection(stream, peer, tls, router, watcher, place));
        }
        drop(self.listener);
        let _ = tokio::time::timeout(END_LIMIT, graceful.shutdown()).await;
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
) {
    // Small answers must not wait for more.
    let _ = stream.set_nodelay(true);
    // A client that has gone already has no address.
    let Ok(local) = stream.local_addr() else { return };
    let ends = Ends { peer, local };
    match tls {
        None => answer(stream, ends, router, watcher).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HEADER_LIMIT, acceptor.accept(stream)).await {
                answer(stream, ends, router, watcher).await;
            }
        }
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    ends: Ends,
    router: Router,
    watcher: Watcher,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_LIMIT));
    // The server cannot know which version a silent client speaks, and would wait for it.
    let has_asked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&has_asked);
    let service = router.map_request(move |request| {
        asked.store(true, Relaxed);
        with_ends(request, ends)
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_LIMIT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(WRITE_LIMIT);
    let connection =
        builder.serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(service));
    let silent = async {
        tokio::time::sleep(HEADER_LIMIT).await;
        if has_asked.load(Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        // A client that goes away is none of our business.
        _ = watcher.watch(connection.into_owned()) => {}
        () = silent => {}
    }
}

fn with_ends<B>(request: Request<B>, ends: Ends) -> Request<Body>
where
    B: http_body::Body<Data = axum::body::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ends);
    request
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, ServeError> {
    let wrong = |what: &'static str, path: &Path| {
        let path = path.to_owned();
        move |why: String| ServeError::Tls { what, path, why }
    };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificate).and_then(|certificates| certificates.collect());
    let chain = chain.map_err(|error| wrong("certificate", certificate)(error.to_string()))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("key", key)(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| wrong("certificate", certificate)(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
