//! Secrets are read when a pipeline is built, never when a document is checked.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::config::Secret;

/// The value; of a file without the line break at its end.
pub(crate) fn read(secret: &Secret) -> Result<String> {
    match secret {
        Secret::Value(value) => Ok(value.clone()),
        Secret::File(path) => {
            let text = fs::read_to_string(path).with_context(|| {
                format!("cannot read the secret {}; mount it, or name another file", path.display())
            })?;
            Ok(text.trim_end_matches(['\n', '\r']).to_owned())
        }
    }
}

/// A file with certificates to trust.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read the certificates in {} (tls.ca_file)", path.display()))
}
