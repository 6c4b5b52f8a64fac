//! Secrets are read when a pipeline is built, never when a document is checked.

use std::fs;

use anyhow::{Context, Result};

use crate::config::Secret;

/// The value; of a file without the line break at its end.
pub(super) fn read(secret: &Secret) -> Result<String> {
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
