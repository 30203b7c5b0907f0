//! The TLS handshakes of a client.

use crate::builder::Version;
use crate::error::{ErrorKind, Failure, HttpError};
use qalipsis_plugin::tls::TlsOptions;
use rustls::client::Resumption;
use std::fmt;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;

/// The configuration of handshakes; the platform's certificates are read on first need only.
pub(crate) struct Tls {
    options: TlsOptions,
    version: Version,
    resume: bool,
    connector: OnceLock<Result<TlsConnector, Failure>>,
}

impl Tls {
    /// `resume` says whether a handshake may resume an earlier session.
    pub(crate) fn new(options: TlsOptions, version: Version, resume: bool) -> Result<Self, HttpError> {
        let tls = Self { options, version, resume, connector: OnceLock::new() };
        // What was given is checked at once; the platform's certificates may never be needed.
        if tls.options.is_given() {
            tls.connector().map_err(|failure| HttpError::new(ErrorKind::Configuration, failure.cause))?;
        }
        Ok(tls)
    }

    pub(crate) fn connector(&self) -> Result<TlsConnector, Failure> {
        self.connector.get_or_init(|| self.build()).clone()
    }

    fn build(&self) -> Result<TlsConnector, Failure> {
        let mut config =
            self.options.client_config().map_err(|error| Failure::new(ErrorKind::Tls, error.to_string()))?;
        if !self.resume {
            config.resumption = Resumption::disabled();
        }
        config.alpn_protocols = match self.version {
            Version::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Version::Http1 => vec![b"http/1.1".to_vec()],
            Version::Http2 => vec![b"h2".to_vec()],
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("options", &self.options).finish_non_exhaustive()
    }
}
