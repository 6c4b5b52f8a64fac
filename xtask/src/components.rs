//! Guests become components: cargo makes a core module of each `cdylib` package, `wit-component` wraps it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use wit_component::ComponentEncoder;

use crate::project::{Project, packages};
use crate::step::{cargo, run as run_command};

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the components of every workspace of guests.
pub(crate) fn run(project: &Project) -> Result<()> {
    let toolchain = Toolchain::chosen()?;
    project.guests().try_for_each(|guests| {
        build(&guests, &project.components(), toolchain, &toolchain.target_folder(&project.cache))
    })
}

/// Who compiles to wasm32. `./dev` chooses, and says so in `SLUICE_WASM_TOOLCHAIN`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Toolchain {
    /// The pinned toolchain, with the target added by rustup.
    Rustup,
    /// Debian's `rustc-web`, which has no library for the target but its source, so that cargo builds that first.
    Debian,
}

impl Toolchain {
    fn chosen() -> Result<Self> {
        match env::var("SLUICE_WASM_TOOLCHAIN").as_deref() {
            Err(_) | Ok("" | "rustup") => Ok(Self::Rustup),
            Ok("debian") => Ok(Self::Debian),
            Ok(other) => bail!("SLUICE_WASM_TOOLCHAIN is {other:?}; write rustup or debian"),
        }
    }

    /// Two compilers never share a folder: each would rebuild what the other left.
    fn target_folder(self, cache: &Path) -> PathBuf {
        cache.join(match self {
            Self::Rustup => "plugins",
            Self::Debian => "plugins-debian",
        })
    }

    fn command(self, folder: &Path, target: &Path, names: &[String]) -> Command {
        let mut arguments = vec!["build", "--release", "--target", TARGET];
        arguments.extend(names.iter().flat_map(|name| ["--package", name.as_str()]));
        match self {
            Self::Rustup => cargo(folder, target, &arguments),
            Self::Debian => {
                arguments.push("-Zbuild-std=std,panic_abort");
                let mut command = Command::new("/usr/bin/cargo");
                command
                    .args(arguments)
                    .current_dir(folder)
                    .env("CARGO_TARGET_DIR", target)
                    .env("RUSTC", "/usr/bin/rustc")
                    // Building the library is not offered to stable compilers otherwise.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-19");
                command
            }
        }
    }
}

/// Builds every guest of the workspace in `folder` and writes one component for each into `components`.
fn build(folder: &Path, components: &Path, toolchain: Toolchain, target: &Path) -> Result<()> {
    let names: Vec<String> = packages(folder)?.iter().filter_map(guest_name).collect();
    if names.is_empty() {
        bail!("no package of {} is a cdylib", folder.display());
    }
    run_command(toolchain.command(folder, target, &names))?;
    fs::create_dir_all(components).with_context(|| format!("cannot create {}", components.display()))?;
    for name in &names {
        let module = target.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")));
        wrap(&module, &components.join(format!("{name}.wasm")))?;
    }
    Ok(())
}

/// Its name, if the package has a library of the kind that becomes a module.
fn guest_name(package: &Value) -> Option<String> {
    let targets = package["targets"].as_array()?;
    let is_guest = targets
        .iter()
        .filter_map(|target| target["crate_types"].as_array())
        .any(|kinds| kinds.iter().any(|kind| kind == "cdylib"));
    Some(package["name"].as_str().filter(|_| is_guest)?.to_owned())
}

/// Wraps the core module and writes the component, unless it is there already, byte for byte.
fn wrap(module: &Path, component: &Path) -> Result<()> {
    let code = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let bytes = ComponentEncoder::default()
        .validate(true)
        .module(&code)
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("{} cannot become a component", module.display()))?;
    let unchanged = fs::read(component).is_ok_and(|old| old == bytes);
    if !unchanged {
        // Renamed into place: a test or a demo beside us reads the old one or the new one, never half of it.
        let part = component.with_extension("wasm.part");
        fs::write(&part, &bytes).with_context(|| format!("cannot write {}", part.display()))?;
        fs::rename(&part, component).with_context(|| format!("cannot write {}", component.display()))?;
    }
    let note = if unchanged { ", unchanged" } else { "" };
    eprintln!("{}: {} bytes{note}", component.display(), bytes.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_dynamic_libraries_are_guests() {
        let package = |kinds: Value| json!({ "name": "level-filter", "targets": [{ "crate_types": kinds }] });
        assert_eq!(guest_name(&package(json!(["lib"]))), None);
        assert_eq!(guest_name(&package(json!(["cdylib", "rlib"]))), Some("level-filter".to_owned()));
    }

    #[test]
    fn both_toolchains_build_the_same_packages() {
        let names = ["a".to_owned(), "b".to_owned()];
        for toolchain in [Toolchain::Rustup, Toolchain::Debian] {
            let command = toolchain.command(Path::new("/"), Path::new("/t"), &names);
            let arguments: Vec<&str> = command.get_args().filter_map(|argument| argument.to_str()).collect();
            assert!(arguments.join(" ").contains("--package a --package b"), "{arguments:?}");
        }
    }
}
