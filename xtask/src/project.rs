//! Where the project's workspaces lie and where their output goes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::step::cargo;

/// Workspaces whose packages become WebAssembly components: what is shipped, and what the host must withstand.
const GUESTS: [&str; 2] = ["plugins", "tests/hostile"];

pub(crate) struct Project {
    /// The checkout.
    pub(crate) root: PathBuf,
    pub(crate) cache: PathBuf,
}

impl Project {
    pub(crate) fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().context("xtask lies in no folder")?.to_path_buf();
        Ok(Self { root, cache: sluice_servers::cache_folder()? })
    }

    /// The folders of the guests' workspaces.
    pub(crate) fn guests(&self) -> impl Iterator<Item = PathBuf> {
        GUESTS.iter().map(|folder| self.root.join(folder))
    }

    /// Takes one `NAME.wasm` for each package of the guests' workspaces.
    pub(crate) fn components(&self) -> PathBuf {
        self.cache.join("components")
    }

    /// A cargo command for the router's workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        cargo(&self.root, &self.cache.join("target"), arguments)
    }

    /// A cargo command for the workspace of guests in `folder`.
    pub(crate) fn guest_cargo(&self, folder: &Path, arguments: &[&str]) -> Command {
        cargo(folder, &self.cache.join("plugins"), arguments)
    }
}

/// The packages of the workspace in `folder`, as `cargo metadata` describes them.
pub(crate) fn packages(folder: &Path) -> Result<Vec<Value>> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(folder)
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata in {}: {}", folder.display(), String::from_utf8_lossy(&output.stderr));
    }
    let mut metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => bail!("cargo metadata in {} lists no packages", folder.display()),
    }
}
