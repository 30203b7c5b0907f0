//! Whom a client trusts, and as whom it presents itself.

use crate::builder::Version;
use crate::error::{ErrorKind, Failure, HttpError};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::fmt;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;

/// What the builder was told.
#[derive(Default)]
pub(crate) struct TlsOptions {
    pub(crate) ca_pem: Vec<Vec<u8>>,
    pub(crate) identity_pem: Option<Vec<u8>>,
    pub(crate) accept_any: bool,
    pub(crate) resume: bool,
}

/// The configuration of handshakes; the platform's certificates are read on first need only.
pub(crate) struct Tls {
    roots: Trust,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    version: Version,
    resume: bool,
    connector: OnceLock<Result<TlsConnector, Failure>>,
}

enum Trust {
    Platform,
    Given(RootCertStore),
    Anyone,
}

impl Tls {
    pub(crate) fn new(options: TlsOptions, version: Version) -> Result<Self, HttpError> {
        let bad = |message: String| HttpError::new(ErrorKind::Configuration, message);
        let roots = if options.accept_any {
            Trust::Anyone
        } else if options.ca_pem.is_empty() {
            Trust::Platform
        } else {
            let mut store = RootCertStore::empty();
            for pem in &options.ca_pem {
                let certificates = certificates(pem).map_err(|e| bad(format!("ca_pem: {e}")))?;
                for certificate in certificates {
                    store.add(certificate).map_err(|e| bad(format!("ca_pem: {e}")))?;
                }
            }
            Trust::Given(store)
        };
        let identity = match &options.identity_pem {
            None => None,
            Some(pem) => {
                let chain = certificates(pem).map_err(|e| bad(format!("identity_pem: {e}")))?;
                let key = PrivateKeyDer::from_pem_slice(pem)
                    .map_err(|e| bad(format!("identity_pem: no private key in PEM form: {e}")))?;
                Some((chain, key))
            }
        };
        let tls = Self { roots, identity, version, resume: options.resume, connector: OnceLock::new() };
        // What was given is checked at once; the platform's certificates may never be needed.
        if !matches!(tls.roots, Trust::Platform) || tls.identity.is_some() {
            tls.connector().map_err(|failure| bad(failure.cause))?;
        }
        Ok(tls)
    }

    pub(crate) fn connector(&self) -> Result<TlsConnector, Failure> {
        self.connector.get_or_init(|| self.build()).clone()
    }

    fn build(&self) -> Result<TlsConnector, Failure> {
        let failure = |cause: String| Failure::new(ErrorKind::Tls, cause);
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| failure(e.to_string()))?;
        let config = match &self.roots {
            Trust::Anyone => config
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate { provider })),
            Trust::Given(store) => config.with_root_certificates(store.clone()),
            Trust::Platform => config.with_root_certificates(platform_roots()?),
        };
        let mut config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|e| failure(format!("identity_pem: {e}")))?,
        };
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
        f.debug_struct("Tls").field("identity", &self.identity.is_some()).finish_non_exhaustive()
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    if found.is_empty() { Err("no certificate in PEM form".to_owned()) } else { Ok(found) }
}

fn platform_roots() -> Result<RootCertStore, Failure> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let why = found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
        return Err(Failure::new(
            ErrorKind::Tls,
            format!(
                "no certificate authorities on this machine ({why}): install ca-certificates or give ca_pem"
            ),
        ));
    }
    Ok(store)
}

/// Trusts whoever answers; signatures of the handshake are still checked.
#[derive(Debug)]
struct AcceptAnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
