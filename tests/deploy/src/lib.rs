//! What `deploy/` holds, and how it is made: the chart is written by hand, and everything else of it comes from there.
//!
//! `./dev manifests` writes what is generated; the tests of this package hold it against the chart, the chart against
//! the binary, and the rest of `deploy/` against what really exists.

pub mod chart;
mod document;
pub mod generated;
mod schema;
mod shape;
mod tools;
pub mod values;
pub mod yaml;

pub use tools::{kustomize, sluice};

use std::path::{Path, PathBuf};

/// The checkout.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_owned()
}
