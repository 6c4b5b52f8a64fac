//! A certificate authority for one test server, and the server's own certificate.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;

/// PEM files for the server, and the authority for clients.
pub(crate) struct Certificate {
    pub(crate) authority_file: PathBuf,
    pub(crate) certificate_file: PathBuf,
    pub(crate) key_file: PathBuf,
    pub(crate) authority: CertificateDer<'static>,
}

/// Writes `ca.pem`, `http.pem` and `http.key` into `folder`; they name `127.0.0.1` and `localhost`.
pub(crate) fn create(folder: &Path) -> Result<Certificate> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    // OpenSSL takes a certificate whose issuer has its own name for a self-signed one.
    params.distinguished_name.push(DnType::CommonName, "sluice test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let server = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        anyhow::Ok(path)
    };
    Ok(Certificate {
        authority_file: write("ca.pem", authority.pem())?,
        certificate_file: write("http.pem", server.pem())?,
        key_file: write("http.key", key.serialize_pem())?,
        authority: authority.der().clone(),
    })
}
