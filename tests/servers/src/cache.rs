//! Where downloads and build output live: outside the checkout, shared by every run.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// `$SLUICE_CACHE`, else `$XDG_CACHE_HOME/sluice`, else `$HOME/.cache/sluice`: the same order as in `./dev`.
pub fn cache_folder() -> Result<PathBuf> {
    let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("SLUICE_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("sluice")))
        .or_else(|| from("HOME").map(|home| home.join(".cache/sluice")))
        .context("no cache folder: set SLUICE_CACHE, XDG_CACHE_HOME or HOME")
}

/// The folder of downloaded servers, created if need be.
pub(crate) fn servers_folder() -> Result<PathBuf> {
    create(cache_folder()?.join("servers"))
}

/// Like [`servers_folder`], but one whose files another user can read: a server that refuses to run as root runs as
/// nobody, and root's home is commonly closed to others.
pub(crate) fn public_servers_folder() -> Result<PathBuf> {
    let folder = servers_folder()?;
    if open_to_others(&folder)? { Ok(folder) } else { create(PathBuf::from("/var/cache/sluice/servers")) }
}

fn create(folder: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// True if every folder on the way can be searched by users who are neither its owner nor in its group.
fn open_to_others(folder: &Path) -> Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let folder = fs::canonicalize(folder).with_context(|| format!("cannot resolve {}", folder.display()))?;
    for step in folder.ancestors() {
        let mode = fs::metadata(step).with_context(|| format!("cannot read {}", step.display()))?.permissions().mode();
        if mode & 0o001 == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}
