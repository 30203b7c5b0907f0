//! The configuration of TLS handshakes: which servers a client trusts, and how it identifies itself.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::fmt;
use std::sync::Arc;

/// What the builder of a client was given.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// Certificate authorities in PEM form. Without any, those of this machine are trusted.
    pub ca_pem: Vec<Vec<u8>>,
    /// Certificate and private key of the client in PEM form.
    pub identity_pem: Option<Vec<u8>>,
    /// Whether every certificate is accepted. Signatures of the handshake are still checked.
    pub accept_any: bool,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// An option has a value that cannot be used.
    #[error("{option}: {reason}")]
    Option {
        /// Name of the option, as methods of builders are named.
        option: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// This machine has no certificate authorities.
    #[error("no certificate authorities on this machine ({reason}): install ca-certificates or give ca_pem")]
    NoAuthorities {
        /// What the search for them met.
        reason: String,
    },
    /// The TLS library has no such configuration.
    #[error(transparent)]
    Library(#[from] rustls::Error),
}

impl TlsOptions {
    /// Whether any option was given.
    pub fn is_given(&self) -> bool {
        *self != Self::default()
    }

    /// The configuration of a client's handshakes.
    ///
    /// # Errors
    /// When an option has a value that cannot be used, or when authorities of this machine are needed and there are none.
    pub fn client_config(&self) -> Result<ClientConfig, TlsError> {
        self.config(platform_roots)
    }

    /// The same for a client that does not use TLS unless the options ask for it: without `ca_pem` it trusts
    /// no authority, and nothing is read from this machine.
    ///
    /// # Errors
    /// When an option has a value that cannot be used.
    pub fn client_config_without_platform(&self) -> Result<ClientConfig, TlsError> {
        self.config(|| Ok(RootCertStore::empty()))
    }

    fn config(
        &self,
        platform: impl FnOnce() -> Result<RootCertStore, TlsError>,
    ) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = if self.accept_any {
            config.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate { provider }))
        } else if self.ca_pem.is_empty() {
            config.with_root_certificates(platform()?)
        } else {
            config.with_root_certificates(self.given_roots()?)
        };
        let Some(pem) = &self.identity_pem else { return Ok(config.with_no_client_auth()) };
        let of_identity = |reason| TlsError::Option { option: "identity_pem", reason };
        let chain = certificates(pem).map_err(of_identity)?;
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|error| of_identity(format!("no private key in PEM form: {error}")))?;
        config.with_client_auth_cert(chain, key).map_err(|error| of_identity(error.to_string()))
    }

    fn given_roots(&self) -> Result<RootCertStore, TlsError> {
        let of_authority = |reason| TlsError::Option { option: "ca_pem", reason };
        let mut roots = RootCertStore::empty();
        for pem in &self.ca_pem {
            for certificate in certificates(pem).map_err(of_authority)? {
                roots.add(certificate).map_err(|error| of_authority(error.to_string()))?;
            }
        }
        Ok(roots)
    }
}

impl fmt::Debug for TlsOptions {
    /// Without the private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("ca_pem", &self.ca_pem.len())
            .field("identity_pem", &self.identity_pem.is_some())
            .field("accept_any", &self.accept_any)
            .finish()
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if found.is_empty() { Err("no certificate in PEM form".to_owned()) } else { Ok(found) }
}

fn platform_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
        return Err(TlsError::NoAuthorities { reason });
    }
    Ok(roots)
}

/// Trusts every server; signatures of the handshake are still checked.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(options: &TlsOptions) -> String {
        options.client_config_without_platform().unwrap_err().to_string()
    }

    #[test]
    fn an_option_that_cannot_be_used_is_named() {
        let options = TlsOptions { ca_pem: vec![b"nothing".to_vec()], ..TlsOptions::default() };
        assert_eq!(problem(&options), "ca_pem: no certificate in PEM form");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let with = |pem: String| TlsOptions { identity_pem: Some(pem.into_bytes()), ..TlsOptions::default() };
        assert_eq!(problem(&with(key.clone())), "identity_pem: no certificate in PEM form");
        let reason = problem(&with(certificate.clone()));
        assert!(reason.starts_with("identity_pem: no private key in PEM form: "), "{reason}");
        with(certificate + &key).client_config_without_platform().unwrap();
    }

    #[test]
    fn a_private_key_is_not_shown() {
        let options = TlsOptions { identity_pem: Some(b"secret".to_vec()), ..TlsOptions::default() };
        assert!(options.is_given() && !TlsOptions::default().is_given());
        assert_eq!(format!("{options:?}"), "TlsOptions { ca_pem: 0, identity_pem: true, accept_any: false }");
    }
}
