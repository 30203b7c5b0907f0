//! Whom a connection trusts, and as whom it presents itself.

use qalipsis_core::fault::Fault;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// What the builder was told, in PEM form.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    pub(crate) ca_pem: Vec<Vec<u8>>,
    pub(crate) identity_pem: Option<Vec<u8>>,
    config: Option<Arc<ClientConfig>>,
}

impl Tls {
    /// Makes the configuration of handshakes, once. What was given is checked here.
    pub(crate) fn prepare(&mut self) -> Result<(), Fault> {
        self.config =
            Some(Arc::new(self.build().map_err(|problem| {
                Fault::error(format!("rabbitmq TLS: {problem}")).code("configuration")
            })?));
        Ok(())
    }

    /// The configuration; there is one if the URL asked for TLS.
    pub(crate) fn config(&self) -> Option<Arc<ClientConfig>> {
        self.config.clone()
    }

    fn build(&self) -> Result<ClientConfig, String> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(self.roots()?);
        let Some(pem) = &self.identity_pem else { return Ok(config.with_no_client_auth()) };
        let chain = certificates(pem).map_err(|error| format!("identity_pem: {error}"))?;
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|error| format!("identity_pem: no private key in PEM form: {error}"))?;
        config.with_client_auth_cert(chain, key).map_err(|error| format!("identity_pem: {error}"))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut store = RootCertStore::empty();
        for pem in &self.ca_pem {
            for certificate in certificates(pem).map_err(|error| format!("ca_pem: {error}"))? {
                store.add(certificate).map_err(|error| format!("ca_pem: {error}"))?;
            }
        }
        if !self.ca_pem.is_empty() {
            return Ok(store);
        }
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            let why = found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
            return Err(format!(
                "no certificate authorities on this machine ({why}): install ca-certificates or give ca_pem"
            ));
        }
        Ok(store)
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if found.is_empty() { Err("no certificate in PEM form".to_owned()) } else { Ok(found) }
}
