//! Guests become components: cargo makes a core module of each `cdylib` package, `sluice-author` wraps it with the
//! examples of its folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use sluice_author::{Toolchain, component, examples, package::plugin_name};

use crate::project::{Project, packages};
use crate::step::run as run_command;

/// Builds the components of every workspace of guests.
pub(crate) fn run(project: &Project) -> Result<()> {
    let toolchain = Toolchain::find(&project.root)?;
    let target = toolchain.target_folder(&project.cache.join("plugins"));
    project.guests().try_for_each(|guests| build(&guests, &project.components(), toolchain, &target))
}

/// Builds every guest of the workspace in `folder` and writes one component for each into `components`.
fn build(folder: &Path, components: &Path, toolchain: Toolchain, target: &Path) -> Result<()> {
    let guests: Vec<(String, String, PathBuf)> = packages(folder)?.iter().filter_map(guest).collect();
    if guests.is_empty() {
        bail!("no package of {} is a cdylib", folder.display());
    }
    let names: Vec<String> = guests.iter().map(|(name, ..)| name.clone()).collect();
    run_command(toolchain.command(folder, target, &names))?;
    fs::create_dir_all(components).with_context(|| format!("cannot create {}", components.display()))?;
    for (name, version, folder) in &guests {
        let bytes = component::wrap(&Toolchain::module(target, name), version, &examples::collect(folder)?)?;
        let file = components.join(format!("{name}.wasm"));
        let note = if component::write(&file, &bytes)? { ", unchanged" } else { "" };
        eprintln!("{}: {} bytes{note}", file.display(), bytes.len());
    }
    Ok(())
}

/// The name, the version and the folder of a package that becomes a component.
fn guest(package: &Value) -> Option<(String, String, PathBuf)> {
    let folder = Path::new(package["manifest_path"].as_str()?).parent()?;
    Some((plugin_name(package)?, package["version"].as_str()?.to_owned(), folder.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn guests_have_a_name_a_version_and_a_folder() {
        let package = |kind: &str| {
            json!({
                "name": "level-filter",
                "version": "0.1.0",
                "manifest_path": "/p/level-filter/Cargo.toml",
                "targets": [{ "crate_types": [kind] }],
            })
        };
        assert_eq!(
            guest(&package("cdylib")),
            Some(("level-filter".to_owned(), "0.1.0".to_owned(), "/p/level-filter".into()))
        );
        assert_eq!(guest(&package("lib")), None);
    }
}
