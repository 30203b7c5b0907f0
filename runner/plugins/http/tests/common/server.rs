//! Servers that end with their test's runtime.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Multipart, Path, Request};
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use qalipsis_testkit::certificates::Identity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn https_url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Returns when no connection is open any more.
    pub(crate) async fn all_closed(&self) {
        until(|| self.open.load(Ordering::SeqCst) == 0).await;
    }

    /// Returns when so many connections were accepted.
    pub(crate) async fn accepted(&self, count: usize) {
        until(|| self.connections() == count).await;
    }
}

async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it holds within 10 s");
}

pub(crate) struct TlsSettings<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) client_authority: Option<String>,
    pub(crate) alpn: &'a [&'a str],
}

pub(crate) async fn plain() -> Server {
    start(None).await
}

pub(crate) async fn tls(settings: TlsSettings<'_>) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match settings.client_authority {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(settings.identity.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(settings.identity.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = settings.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    start(Some(TlsAcceptor::from(Arc::new(config)))).await
}

async fn start(tls: Option<TlsAcceptor>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (connections, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = Server { address, connections: Arc::clone(&connections), open: Arc::clone(&open) };
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::SeqCst);
            open.fetch_add(1, Ordering::SeqCst);
            let (tls, open) = (tls.clone(), Arc::clone(&open));
            tokio::spawn(async move {
                let service = TowerToHyperService::new(routes());
                let http = auto::Builder::new(TokioExecutor::new());
                match tls {
                    None => drop(http.serve_connection(TokioIo::new(stream), service).await),
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            drop(http.serve_connection(TokioIo::new(stream), service).await);
                        }
                    }
                }
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    server
}

fn routes() -> Router {
    Router::new()
        .route("/echo", any(echo))
        .route("/echo/{*rest}", any(echo))
        .route("/big/{bytes}", get(|Path(bytes): Path<usize>| async move { vec![b'x'; bytes] }))
        .route("/count", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/multipart", post(multipart))
        .route("/headers/{count}/{bytes}", any(headers))
        .route("/hang", any(std::future::pending::<()>))
        .route("/loop", any(|| async { redirect(StatusCode::FOUND, "/loop") }))
        .route("/to/{status}", any(to))
        .route("/login", any(|| async { (cookie("session=s3cret; Path=/"), "in") }))
        .route(
            "/status/{status}",
            any(|Path(status): Path<u16>| async move { StatusCode::from_u16(status).unwrap() }),
        )
}

/// So many header lines of so many bytes each.
async fn headers(Path((count, bytes)): Path<(usize, usize)>) -> impl IntoResponse {
    let mut headers = HeaderMap::new();
    for index in 0..count {
        let name = header::HeaderName::try_from(format!("x-{index}")).unwrap();
        headers.insert(name, "v".repeat(bytes).parse().unwrap());
    }
    headers
}

fn redirect(status: StatusCode, location: &str) -> impl IntoResponse + use<> {
    (status, [(header::LOCATION, location.to_owned())])
}

fn cookie(value: &'static str) -> [(header::HeaderName, &'static str); 1] {
    [(header::SET_COOKIE, value)]
}

/// Redirects with this status to where the query says, by default to `/echo`.
async fn to(Path(status): Path<u16>, request: Request) -> impl IntoResponse {
    let location = request.uri().query().unwrap_or("/echo").to_owned();
    redirect(StatusCode::from_u16(status).unwrap(), &location)
}

/// Answers with what was received.
async fn echo(request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let headers: serde_json::Map<String, serde_json::Value> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    axum::Json(serde_json::json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "http2": parts.version == Version::HTTP_2,
        "authority": parts.uri.authority().map(ToString::to_string),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    }))
}

async fn multipart(headers: HeaderMap, mut form: Multipart) -> String {
    let mut text = headers.contains_key(header::CONTENT_LENGTH).to_string();
    while let Some(field) = form.next_field().await.unwrap() {
        let name = field.name().unwrap().to_owned();
        let file = field.file_name().map(ToOwned::to_owned);
        let content_type = field.content_type().map(ToOwned::to_owned);
        let content = field.bytes().await.unwrap();
        text.push_str(&format!("|{name},{file:?},{content_type:?},{content:?}"));
    }
    text
}

/// Reads one request of each connection, answers with these bytes and closes it.
pub(crate) async fn raw(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_head(&mut stream).await;
            stream.write_all(answer).await.unwrap();
        }
    });
    address
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}
