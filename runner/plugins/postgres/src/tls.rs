//! Whom connections trust, and as whom they present themselves.

use qalipsis_core::fault::Fault;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What the builder was told.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsOptions {
    pub(crate) ca_pem: Vec<Vec<u8>>,
    pub(crate) identity_pem: Option<Vec<u8>>,
    pub(crate) accept_any: bool,
}

impl TlsOptions {
    /// Whether somebody cared.
    pub(crate) fn is_given(&self) -> bool {
        *self != Self::default()
    }

    /// The handshake of all connections. Without `needed` nothing is read from this machine.
    pub(crate) fn connector(&self, needed: bool) -> Result<MakeRustlsConnect, Fault> {
        self.configuration(needed)
            .map(MakeRustlsConnect::new)
            .map_err(|problem| Fault::error(format!("postgres: {problem}")).code("configuration"))
    }

    fn configuration(&self, needed: bool) -> Result<ClientConfig, String> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let config = if self.accept_any {
            config.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate { provider }))
        } else {
            let mut roots = RootCertStore::empty();
            for pem in &self.ca_pem {
                for certificate in certificates(pem).map_err(|problem| format!("ca_pem: {problem}"))? {
                    roots.add(certificate).map_err(|error| format!("ca_pem: {error}"))?;
                }
            }
            if self.ca_pem.is_empty() && needed {
                roots = platform_roots()?;
            }
            config.with_root_certificates(roots)
        };
        let Some(pem) = &self.identity_pem else { return Ok(config.with_no_client_auth()) };
        let chain = certificates(pem).map_err(|problem| format!("identity_pem: {problem}"))?;
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|error| format!("identity_pem: no private key in PEM form: {error}"))?;
        config.with_client_auth_cert(chain, key).map_err(|error| format!("identity_pem: {error}"))
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if found.is_empty() { Err("no certificate in PEM form".to_owned()) } else { Ok(found) }
}

fn platform_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
        return Err(format!(
            "no certificate authorities on this machine ({why}): install ca-certificates or give ca_pem"
        ));
    }
    Ok(roots)
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
