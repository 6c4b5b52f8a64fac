//! A plugin's folder, as cargo knows it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{Error, Toolchain, component, examples};

/// A package that becomes a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub folder: PathBuf,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
}

impl Package {
    /// The package whose manifest lies in `folder`.
    pub fn find(folder: &Path) -> Result<Self, Error> {
        let wrong = |why: String| Error::NoPackage { path: folder.to_owned(), why };
        let manifest = folder.join("Cargo.toml");
        let Ok(manifest) = manifest.canonicalize() else {
            let why = "it has no Cargo.toml; `sluice plugin new NAME --kind filter` makes a folder that has one";
            return Err(wrong(why.to_owned()));
        };
        let output = Command::new("cargo")
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(folder)
            .output()
            .map_err(|error| Error::NoCargo { program: "cargo".to_owned(), error })?;
        if !output.status.success() {
            return Err(wrong(format!("cargo cannot read it: {}", String::from_utf8_lossy(&output.stderr).trim())));
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| wrong(format!("cargo metadata: {error}")))?;
        Self::of_metadata(&metadata, &manifest).map_err(wrong)
    }

    fn of_metadata(metadata: &Value, manifest: &Path) -> Result<Self, String> {
        let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_here =
            |package: &&Value| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest);
        let Some(package) = packages.iter().find(is_here) else {
            let names: Vec<_> = packages.iter().filter_map(plugin_name).collect();
            return Err(format!("it is a workspace; name the folder of one of its packages: {}", names.join(", ")));
        };
        let Some(name) = plugin_name(package) else {
            let why =
                "its library does not become a module; write under [lib] in Cargo.toml: crate-type = [\"cdylib\"]";
            return Err(why.to_owned());
        };
        let target = metadata["target_directory"].as_str().unwrap_or("target").into();
        let version = package["version"].as_str().unwrap_or_default().to_owned();
        Ok(Self { name, version, folder: manifest.parent().unwrap_or(Path::new(".")).to_owned(), target })
    }

    /// Where its component is put without other words.
    pub fn component(&self) -> PathBuf {
        self.folder.join(format!("{}.wasm", self.name))
    }

    /// Builds the component, with its examples in it, and returns its bytes. Cargo speaks on standard error.
    pub fn build(&self, toolchain: Toolchain, examples: &str) -> Result<Vec<u8>, Error> {
        let target = toolchain.target_folder(&self.target);
        let mut command = toolchain.command(&self.folder, &target, std::slice::from_ref(&self.name));
        let line = format!("cd {} && {}", self.folder.display(), words(&command));
        let status = command
            .status()
            .map_err(|error| Error::NoCargo { program: command.get_program().to_string_lossy().into_owned(), error })?;
        if !status.success() {
            return Err(Error::Cargo { status: status.to_string(), line });
        }
        component::wrap(&Toolchain::module(&target, &self.name), &self.version, examples)
    }

    /// The examples in its folder, one a line.
    pub fn examples(&self) -> Result<String, Error> {
        examples::collect(&self.folder)
    }
}

/// The name of a package of `cargo metadata`, if it has a library of the kind that becomes a module.
pub fn plugin_name(package: &Value) -> Option<String> {
    let targets = package["targets"].as_array()?;
    let becomes_module = targets
        .iter()
        .filter_map(|target| target["crate_types"].as_array())
        .any(|kinds| kinds.iter().any(|kind| kind == "cdylib"));
    Some(package["name"].as_str().filter(|_| becomes_module)?.to_owned())
}

fn words(command: &Command) -> String {
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), value?.to_string_lossy())));
    let typed = std::iter::once(command.get_program()).chain(command.get_args());
    set.chain(typed.map(|word| word.to_string_lossy().into_owned())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, kinds: &[&str]) -> Value {
        let manifest = format!("/p/{name}/Cargo.toml");
        json!({ "name": name, "manifest_path": manifest, "targets": [{ "crate_types": kinds }] })
    }

    #[test]
    fn only_dynamic_libraries_are_plugins() {
        assert_eq!(plugin_name(&package("level-filter", &["lib"])), None);
        assert_eq!(plugin_name(&package("level-filter", &["cdylib", "rlib"])), Some("level-filter".to_owned()));
    }

    #[test]
    fn the_package_of_the_folder_is_found_in_its_workspace() {
        let packages = [package("sdk", &["lib"]), package("a", &["cdylib"]), package("b", &["cdylib"])];
        let metadata = json!({ "packages": packages, "target_directory": "/t" });
        let find = |manifest: &str| Package::of_metadata(&metadata, Path::new(manifest));
        let found = find("/p/b/Cargo.toml").unwrap();
        assert_eq!(found.component(), Path::new("/p/b/b.wasm"));
        assert_eq!(found.target, Path::new("/t"));
        assert!(find("/p/Cargo.toml").unwrap_err().ends_with("name the folder of one of its packages: a, b"));
        assert!(find("/p/sdk/Cargo.toml").unwrap_err().ends_with("crate-type = [\"cdylib\"]"));
    }

    #[test]
    fn a_folder_without_a_package_says_what_to_type() {
        let folder = tempfile::tempdir().unwrap();
        let error = Package::find(folder.path()).unwrap_err().to_string();
        assert!(error.contains("it has no Cargo.toml; `sluice plugin new NAME --kind filter`"), "{error}");
    }
}
