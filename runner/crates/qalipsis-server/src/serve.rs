//! Listens, and serves what comes.

use crate::ends::Ends;
use crate::service::CampaignService;
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
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
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

    /// Serves until `ending` is done; then what is being answered gets a moment. Clients that leave answers unread are cut
    /// off, and counted by the service.
    pub async fn serve(self, router: Router, service: CampaignService, ending: impl Future<Output = ()>) {
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
            let service = service.clone();
            tokio::spawn(async move {
                let _place = place;
                if connection(stream, peer, tls, router, watcher).await == End::Unread {
                    service.count_cut_off();
                }
            });
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
) -> End {
    // Small answers must not wait for more.
    let _ = stream.set_nodelay(true);
    // A client that has gone already has no address.
    let Ok(local) = stream.local_addr() else { return End::Gone };
    let ends = Ends { peer, local };
    match tls {
        None => answer(stream, ends, router, watcher).await,
        Some(acceptor) => match tokio::time::timeout(HEADER_LIMIT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => answer(stream, ends, router, watcher).await,
            _ => End::Gone,
        },
    }
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The client went away, or was silent.
    Gone,
    /// The client left an answer unread, and was cut off.
    Unread,
}

impl End {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            // Nothing but writing has a limit of the stream.
            if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
            {
                return Self::Unread;
            }
            cause = error.source();
        }
        Self::Gone
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    ends: Ends,
    router: Router,
    watcher: Watcher,
) -> End {
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
        outcome = watcher.watch(connection.into_owned()) => outcome.map_or_else(|error| End::of(&*error), |()| End::Gone),
        () = silent => End::Gone,
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// How a connection ends whose client asks for 1 MiB and then reads so many bytes.
    async fn end_of(read: usize) -> End {
        let (mut client, server) = tokio::io::duplex(1024);
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let router = Router::new().route("/", get(|| async { vec![0_u8; 1 << 20] }));
        let graceful = GracefulShutdown::new();
        let ends = Ends { peer: address, local: address };
        let serving = tokio::spawn(answer(server, ends, router, graceful.watcher()));
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        client.read_exact(&mut vec![0; read]).await.unwrap();
        let keeps_open = tokio::time::timeout(2 * WRITE_LIMIT, serving).await;
        keeps_open.expect("the connection ends").unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_an_answer_unread_is_cut_off_and_counted() {
        assert_eq!(end_of(100).await, End::Unread);
        // It has read all, asks for nothing more, and is no slow reader.
        assert_eq!(end_of(1 << 20).await, End::Gone);
    }
}
