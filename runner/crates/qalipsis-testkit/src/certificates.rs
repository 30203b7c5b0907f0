//! Certificates for tests of TLS.

use anyhow::Context;
use rand::RngExt;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::fs;
use std::path::{Path, PathBuf};

/// A certificate authority of one test.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its private key, in PEM form.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

/// The files of a server's identity.
#[derive(Debug, Clone)]
pub struct IdentityFiles {
    /// The authority of clients and of the server.
    pub ca: PathBuf,
    /// The certificate of the server.
    pub certificate: PathBuf,
    /// The private key of the server.
    pub key: PathBuf,
}

impl Authority {
    /// A new authority, which nobody else knows.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        // A name of its own: one authority is not to be taken for another, nor for a certificate that it signs.
        let name = format!("authority {:016x} of a test", rand::rng().random::<u64>());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    /// Its certificate, in PEM form.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for these names (DNS names and IP addresses), as a server and as a client.
    ///
    /// # Errors
    ///
    /// When a name is not one.
    pub fn identity(&self, names: &[&str]) -> anyhow::Result<Identity> {
        self.sign(names, |_| ())
    }

    /// A certificate for these names that expired in 2001.
    ///
    /// # Errors
    ///
    /// When a name is not one.
    pub fn expired_identity(&self, names: &[&str]) -> anyhow::Result<Identity> {
        self.sign(names, |params| {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        })
    }

    fn sign(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> anyhow::Result<Identity> {
        let key = KeyPair::generate()?;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let common_name = names.first().cloned().context("a certificate needs a name")?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Identity {
    /// The certificate and the key in one text.
    pub fn pem(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }

    /// Writes it and its authority into a directory, for a server to read.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write(&self, authority: &Authority, directory: &Path) -> anyhow::Result<IdentityFiles> {
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
            fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
            anyhow::Ok(path)
        };
        Ok(IdentityFiles {
            ca: write("ca.pem", &authority.pem())?,
            certificate: write("certificate.pem", &self.certificate)?,
            key: write("key.pem", &self.key)?,
        })
    }
}
