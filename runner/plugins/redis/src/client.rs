//! A Redis as a scenario reaches it.

use crate::link::Link;
use crate::server::{Route, Server};
use qalipsis_core::fault::Fault;
use qalipsis_core::warm_up::waiting_for;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};
use std::fmt;
use std::sync::Arc;

/// A Redis, connected. Clones share the connection, also between runtimes.
///
/// Its connection lives on the runtime that [`connect`](Self::connect) was awaited on, and is opened again
/// there after an outage.
#[derive(Clone)]
pub struct Redis(pub(crate) Arc<Link>);

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.0.server.name).finish()
    }
}

/// How to connect. Made by [`Redis::at`].
#[must_use = "nothing is connected before `connect()` is awaited"]
pub struct Connector {
    urls: Vec<String>,
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "only a cluster asks"))]
    cluster: bool,
    #[cfg(feature = "tls")]
    root_certificate: Option<Vec<u8>>,
    #[cfg(feature = "tls")]
    identity: Option<Vec<u8>>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URLs hold passwords.
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

impl Redis {
    /// Connects to `redis://[user][:password@]host[:port][/database]`, within 10 s.
    ///
    /// # Errors
    /// A URL that can't be read; a server that can't be reached or refuses the login. They name the
    /// server and the cause, never the password.
    pub async fn connect(url: impl Into<String>) -> Result<Self, Fault> {
        Self::at(url).connect().await
    }

    /// What [`connect`](Self::connect) does, with more to say.
    pub fn at(url: impl Into<String>) -> Connector {
        Connector {
            urls: vec![url.into()],
            cluster: false,
            #[cfg(feature = "tls")]
            root_certificate: None,
            #[cfg(feature = "tls")]
            identity: None,
        }
    }

    /// A cluster that these nodes belong to. One that is reachable is enough to find the others.
    #[cfg(feature = "cluster")]
    pub fn at_cluster<U: Into<String>>(urls: impl IntoIterator<Item = U>) -> Connector {
        let mut connector = Self::at("");
        connector.urls = urls.into_iter().map(Into::into).collect();
        connector.cluster = true;
        connector
    }

    /// The server as named in messages: `127.0.0.1:6379`.
    pub fn target(&self) -> &str {
        &self.0.server.name
    }
}

impl Connector {
    /// Trusts servers whose certificate is signed by this one (PEM), instead of those that the system
    /// trusts.
    #[cfg(feature = "tls")]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Presents this certificate (and its chain) with this private key, both in one PEM text. Default: no
    /// client certificate.
    #[cfg(feature = "tls")]
    pub fn identity_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.identity = Some(pem.into());
        self
    }

    /// Connects, within 10 s.
    ///
    /// # Errors
    /// As [`Redis::connect`].
    pub async fn connect(self) -> Result<Redis, Fault> {
        let server = self.server()?;
        let _waiting = waiting_for(|| format!("Redis at {}", server.name));
        let link = Arc::new(Link::new(server));
        link.connection().await?;
        Ok(Redis(link))
    }

    fn server(self) -> Result<Server, Fault> {
        let mut names = Vec::new();
        let mut passwords = Vec::new();
        let mut clients = Vec::new();
        for url in &self.urls {
            let info = read(url)?;
            names.push(name(&info));
            passwords.extend(info.redis_settings().password().map(str::to_owned));
            clients.push(self.client(info)?);
        }
        let (name, first) = (names.join(","), clients.first().cloned());
        #[cfg(feature = "cluster")]
        if self.cluster {
            let route = Route::Cluster(crate::server::Cluster {
                seeds: clients,
                #[cfg(feature = "tls")]
                certificates: self.certificates(),
            });
            return Ok(Server { name: format!("cluster {name}"), passwords, route });
        }
        let client = first.ok_or_else(|| Fault::error("no redis url was given").code("configuration"))?;
        Ok(Server { name, passwords, route: Route::Single(client) })
    }

    fn client(&self, info: ConnectionInfo) -> Result<Client, Fault> {
        let place = name(&info);
        #[cfg(feature = "tls")]
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            // Fails when there is a provider already, which then is the one to use.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        #[cfg(feature = "tls")]
        let client = match (info.addr(), self.certificates()) {
            (ConnectionAddr::TcpTls { .. }, Some(certificates)) => Client::build_with_tls(info, certificates),
            _ => Client::open(info),
        };
        #[cfg(not(feature = "tls"))]
        let client = Client::open(info);
        client.map_err(|error| {
            Fault::error(format!("redis at {place}: {}", crate::text::cause(&error))).code("configuration")
        })
    }

    #[cfg(feature = "tls")]
    fn certificates(&self) -> Option<redis::TlsCertificates> {
        if self.root_certificate.is_none() && self.identity.is_none() {
            return None;
        }
        // Each reads its part of the text.
        let client_tls = self
            .identity
            .clone()
            .map(|pem| redis::ClientTlsConfig { client_cert: pem.clone(), client_key: pem });
        Some(redis::TlsCertificates { client_tls, root_cert: self.root_certificate.clone() })
    }
}

/// Reads a URL, without ever showing it: it may hold a password.
fn read(url: &str) -> Result<ConnectionInfo, Fault> {
    let unreadable = |problem: &str| {
        Fault::error(format!(
            "not a redis url: {problem}, expected redis://[user][:password@]host[:port][/database]"
        ))
        .code("configuration")
    };
    if !cfg!(feature = "tls") && (url.starts_with("rediss:") || url.starts_with("valkeys:")) {
        return Err(unreadable("TLS needs the feature `tls` of qalipsis-redis"));
    }
    let info = url.into_connection_info().map_err(|error| {
        let text = error.to_string();
        unreadable(&text.split(" - ").next().unwrap_or_default().to_lowercase())
    })?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err(unreadable("TLS without checking the certificate is not offered"));
    }
    // The third version of the protocol reports connections that are lost, also while nobody asks.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(settings))
}

fn name(info: &ConnectionInfo) -> String {
    match info.redis_settings().db() {
        0 => info.addr().to_string(),
        database => format!("{}/{database}", info.addr()),
    }
}
