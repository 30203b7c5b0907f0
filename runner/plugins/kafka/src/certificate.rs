//! Why the certificate of a broker was refused.
//!
//! librdkafka says the same of an unknown authority, a wrong name and an expired certificate. So where it refused
//! one, the handshake is made once more by rustls, which says what it is.

use crate::properties::Properties;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// How long the broker may take; it has just answered.
const LIMIT: Duration = Duration::from_secs(2);

/// What librdkafka says before its advice.
const REFUSED: &str = "certificate verify failed";

/// The same in clear words, if it is about the certificate of a broker.
pub(crate) fn explain(text: &str, properties: &Properties) -> Option<String> {
    if !text.contains(REFUSED) {
        return None;
    }
    // `ssl://127.0.0.1:9093/bootstrap: SSL handshake failed: ...`
    let (_, rest) = text.split_once("://")?;
    let address = rest.split('/').next()?;
    let cause = cause(address, properties)?;
    Some(format!("TLS handshake with {address}: {cause}"))
}

/// What is wrong with the certificate at this address; `None` if rustls does not find it either.
fn cause(address: &str, properties: &Properties) -> Option<String> {
    let (host, _) = address.rsplit_once(':')?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).ok()?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots(properties))
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), name).ok()?;
    let mut stream = TcpStream::connect_timeout(&address.to_socket_addrs().ok()?.next()?, LIMIT).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    stream.set_write_timeout(Some(LIMIT)).ok()?;
    while connection.is_handshaking() {
        let Err(error) = connection.complete_io(&mut stream) else { continue };
        if error.kind() == ErrorKind::Interrupted {
            continue;
        }
        let found: &rustls::Error = error.get_ref()?.downcast_ref()?;
        let rustls::Error::InvalidCertificate(invalid) = found else { return None };
        let hint = match invalid {
            CertificateError::UnknownIssuer => {
                "; trust its authority with the property ssl.ca.pem or ssl.ca.location"
            }
            _ => "",
        };
        return Some(format!("{found}{hint}"));
    }
    None
}

/// The authorities that the properties name, or those of the machine.
fn roots(properties: &Properties) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let given = match (properties.get("ssl.ca.pem"), properties.get("ssl.ca.location")) {
        (Some(pem), _) => Some(CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().collect()),
        (None, Some(path)) => {
            let certificates = CertificateDer::pem_file_iter(path).map(|found| found.flatten().collect());
            Some(certificates.unwrap_or_default())
        }
        (None, None) => None,
    };
    let certificates: Vec<CertificateDer<'static>> =
        given.unwrap_or_else(|| rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(certificates);
    roots
}
