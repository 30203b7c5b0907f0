//! The options of a client.

use crate::client::{Http, Inner};
use crate::connector::Connector;
use crate::error::{ErrorKind, HttpError};
use crate::pool::{ConnectionOptions, Pools};
use crate::target::{self, Base};
use crate::tls::Tls;
use http::header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use qalipsis_plugin::tls::TlsOptions;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The version of HTTP that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// HTTP/1.1; over TLS HTTP/2 where the server offers it.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only: by ALPN over TLS, with prior knowledge otherwise.
    Http2,
}

/// Who shares connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pool {
    /// All minions that run on one thread of a factory: the fewest connections, the most requests.
    #[default]
    PerFactory,
    /// Every minion has connections of its own, as separate users do. TLS sessions are not resumed.
    PerMinion,
}

/// What happens when the server answers 301, 302, 303, 307 or 308.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// The redirect is the answer.
    None,
    /// At most so many are followed in a row; one more is an error.
    Follow(u8),
}

/// The default: ten, as browsers and the field's tools do.
impl Default for Redirects {
    fn default() -> Self {
        Self::Follow(10)
    }
}

/// Collects the options of an [`Http`] client. [`HttpBuilder::build`] reports the errors in them.
#[must_use = "a client is made by `.build()`"]
pub struct HttpBuilder {
    address: String,
    version: Version,
    pool: Pool,
    redirects: Redirects,
    cookies: bool,
    headers: HeaderMap,
    tls: TlsOptions,
    connect_timeout: Duration,
    timeout: Option<Duration>,
    max_body: usize,
    head: HeadLimits,
    error: Option<HttpError>,
}

/// How large the head of an answer may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadLimits {
    pub(crate) lines: usize,
    pub(crate) bytes: u32,
}

/// Browsers take 256 KB, however many lines that are.
const MAX_HEADER_BYTES: u32 = 256 << 10;

/// Browsers have no such limit. Room for so many lines is set aside and cleared for each answer: of the
/// instructions of a small request, 1,000 lines cost a fifth and 256 a sixteenth.
const MAX_HEADER_LINES: usize = 256;

/// The least that the client library reads at once.
const MIN_HEADER_BYTES: u32 = 8 << 10;

/// The most that a map of headers takes, with room to spare.
const MOST_HEADER_LINES: usize = 20_000;

impl HttpBuilder {
    pub(crate) fn new(address: &str) -> Self {
        let mut headers = HeaderMap::new();
        let agent = concat!("qalipsis/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        Self {
            address: address.to_owned(),
            version: Version::default(),
            pool: Pool::default(),
            redirects: Redirects::default(),
            cookies: false,
            headers,
            tls: TlsOptions::default(),
            connect_timeout: Duration::from_secs(10),
            timeout: None,
            max_body: 100 << 20,
            head: HeadLimits { lines: MAX_HEADER_LINES, bytes: MAX_HEADER_BYTES },
            error: None,
        }
    }

    /// The version of HTTP. Default [`Version::Auto`].
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Trusts servers certified by these authorities (PEM, one or more) and by no others; may repeat.
    /// Default: the certificate authorities of the machine.
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.ca_pem.push(pem.as_ref().to_vec());
        self
    }

    /// Presents this certificate (and its chain) with this private key, both in one PEM text.
    /// Default: no client certificate.
    pub fn identity_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls.identity_pem = Some(pem.as_ref().to_vec());
        self
    }

    /// Trusts whoever answers. For servers with throw-away certificates only.
    pub fn accept_any_certificate(mut self) -> Self {
        self.tls.accept_any = true;
        self
    }

    /// Who shares connections. Default [`Pool::PerFactory`].
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pool = pool;
        self
    }

    /// What to do with redirects. Default `Redirects::Follow(10)`.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Whether each minion keeps the cookies that it is given. Default `false`.
    pub fn cookies(mut self, keep: bool) -> Self {
        self.cookies = keep;
        self
    }

    /// A header of every request; a request may set its own instead.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: fmt::Display>,
        V: TryInto<HeaderValue, Error: fmt::Display>,
    {
        match header(name, value) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(error) => self.error = self.error.or(Some(error)),
        }
        self
    }

    /// `Authorization: Bearer secret`, sent to the base address only.
    pub fn bearer(self, secret: &str) -> Self {
        match bearer(secret) {
            Ok(value) => self.header(AUTHORIZATION, value),
            Err(error) => Self { error: self.error.or(Some(error)), ..self },
        }
    }

    /// `Authorization: Basic ...`, sent to the base address only.
    pub fn basic(self, user: &str, secret: &str) -> Self {
        self.header(AUTHORIZATION, target::basic(user, secret))
    }

    /// How long resolving the name, connecting and the TLS handshake may take together.
    /// Default 10 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long a request may take to its last byte. Default: no limit but that of the step.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The largest body of an answer, in bytes. Default 100 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// The most header lines of an answer in HTTP/1.1, at most 20,000. Default 256: room for them is set aside
    /// for each answer, so that many more make every request slower.
    pub fn max_header_lines(mut self, lines: usize) -> Self {
        self.head.lines = lines.clamp(1, MOST_HEADER_LINES);
        self
    }

    /// The largest head of an answer in bytes, at least 8 KB; in HTTP/2 with 32 bytes more for each line.
    /// Default 256 KB, as browsers have it.
    pub fn max_header_bytes(mut self, bytes: u32) -> Self {
        self.head.bytes = bytes.max(MIN_HEADER_BYTES);
        self
    }

    /// Makes the client. It connects with its first request; see [`Http::check`].
    ///
    /// # Errors
    /// The address is not one, a header is not one, or certificates cannot be read.
    pub fn build(mut self) -> Result<Http, HttpError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let (base, authorization) = Base::parse(&self.address)?;
        if let Some(value) = authorization {
            self.headers.entry(AUTHORIZATION).or_insert(value);
        }
        let resume = self.pool == Pool::PerFactory;
        let tls = Arc::new(Tls::new(self.tls, self.version, resume)?);
        if base.is_secure() {
            // Authorities that cannot be read are reported now, not by the first step.
            tls.connector().map_err(|failure| failure.into_error(base.shown()))?;
        }

        let mut foreign_headers = self.headers.clone();
        foreign_headers.remove(AUTHORIZATION);
        foreign_headers.remove(HOST);
        let mut own_headers = self.headers;
        // HTTP/2 has a field of its own for the host. Setting the header here spares the
        // formatting of one for each request.
        let may_be_http2 =
            self.version == Version::Http2 || (self.version == Version::Auto && base.is_secure());
        if !may_be_http2 {
            own_headers.entry(HOST).or_insert_with(|| base.host_header());
        }
        let connector = Connector::new(tls, self.version, self.connect_timeout);
        let (scheme, authority) = base.server();
        let options =
            ConnectionOptions { connector, version: self.version, head: self.head, scheme, authority };
        Ok(Http::from_inner(Inner {
            base,
            own_headers: Arc::new(own_headers),
            foreign_headers: Arc::new(foreign_headers),
            pools: Pools::new(options, self.pool, self.cookies),
            redirects: self.redirects,
            timeout: self.timeout,
            max_body: self.max_body,
        }))
    }
}

impl fmt::Debug for HttpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = crate::redaction::url(&self.address);
        f.debug_struct("HttpBuilder").field("address", &address).finish_non_exhaustive()
    }
}

pub(crate) fn header<N, V>(name: N, value: V) -> Result<(HeaderName, HeaderValue), HttpError>
where
    N: TryInto<HeaderName, Error: fmt::Display>,
    V: TryInto<HeaderValue, Error: fmt::Display>,
{
    let name = name.try_into().map_err(|e| HttpError::new(ErrorKind::Header, format!("header: {e}")))?;
    // The value is not shown: it may be a secret.
    let value =
        value.try_into().map_err(|e| HttpError::new(ErrorKind::Header, format!("header '{name}': {e}")))?;
    Ok((name, value))
}

pub(crate) fn bearer(secret: &str) -> Result<HeaderValue, HttpError> {
    let (_, mut value) = header(AUTHORIZATION, format!("Bearer {secret}"))?;
    value.set_sensitive(true);
    Ok(value)
}
