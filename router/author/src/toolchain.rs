//! Who compiles to wasm32.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Error;

/// What components are made from.
pub const TARGET: &str = "wasm32-unknown-unknown";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The toolchain of the folder, with the target added by rustup.
    Rustup,
    /// Debian's `rustc-web`, which has no library for the target but its source, so that cargo builds that first.
    Debian,
}

impl Toolchain {
    /// What `SLUICE_WASM_TOOLCHAIN` says; without it, what can build in `folder`.
    pub fn find(folder: &Path) -> Result<Self, Error> {
        match Self::named(env::var("SLUICE_WASM_TOOLCHAIN").ok().as_deref())? {
            Some(named) => Ok(named),
            None if has_target(folder)? => Ok(Self::Rustup),
            None if Path::new("/usr/lib/rustlib/src/rust/library").is_dir() && Path::new("/usr/bin/cargo").exists() => {
                Ok(Self::Debian)
            }
            None => Err(Error::NoTarget),
        }
    }

    fn named(name: Option<&str>) -> Result<Option<Self>, Error> {
        match name {
            None | Some("") => Ok(None),
            Some("rustup") => Ok(Some(Self::Rustup)),
            Some("debian") => Ok(Some(Self::Debian)),
            Some(other) => Err(Error::Toolchain(other.to_owned())),
        }
    }

    /// Two compilers never share a folder: each would rebuild what the other left.
    pub fn target_folder(self, target: &Path) -> PathBuf {
        match self {
            Self::Rustup => target.to_owned(),
            Self::Debian => {
                let mut name = target.file_name().unwrap_or_default().to_owned();
                name.push("-debian");
                target.with_file_name(name)
            }
        }
    }

    /// A build of the packages `names` of the workspace in `folder`, into `target`.
    pub fn command(self, folder: &Path, target: &Path, names: &[String]) -> Command {
        let mut arguments = vec!["build", "--release", "--target", TARGET];
        arguments.extend(names.iter().flat_map(|name| ["--package", name.as_str()]));
        let mut command = match self {
            Self::Rustup => Command::new("cargo"),
            Self::Debian => {
                arguments.push("-Zbuild-std=std,panic_abort");
                let mut command = Command::new("/usr/bin/cargo");
                command
                    .env("RUSTC", "/usr/bin/rustc")
                    // Building the library is not offered to stable compilers otherwise.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-19");
                command
            }
        };
        command.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", target);
        command
    }

    /// Where a build leaves the core module of a package.
    pub fn module(target: &Path, name: &str) -> PathBuf {
        target.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")))
    }
}

/// Whether the compiler of the folder has a library for the target.
fn has_target(folder: &Path) -> Result<bool, Error> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(folder)
        .output()
        .map_err(|error| Error::NoCargo { program: "rustc".to_owned(), error })?;
    let library = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(output.status.success() && library.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_toolchains_build_the_same_packages() {
        let names = ["a".to_owned(), "b".to_owned()];
        for toolchain in [Toolchain::Rustup, Toolchain::Debian] {
            let command = toolchain.command(Path::new("/"), Path::new("/t"), &names);
            let arguments: Vec<&str> = command.get_args().filter_map(|argument| argument.to_str()).collect();
            assert!(arguments.join(" ").contains("--package a --package b"), "{arguments:?}");
        }
    }

    #[test]
    fn compilers_have_folders_of_their_own() {
        assert_eq!(Toolchain::Rustup.target_folder(Path::new("/c/plugins")), Path::new("/c/plugins"));
        assert_eq!(Toolchain::Debian.target_folder(Path::new("/c/plugins")), Path::new("/c/plugins-debian"));
    }

    #[test]
    fn the_environment_chooses() {
        for (name, expect) in [
            (None, Some(None)),
            (Some(""), Some(None)),
            (Some("rustup"), Some(Some(Toolchain::Rustup))),
            (Some("debian"), Some(Some(Toolchain::Debian))),
            (Some("nightly"), None),
        ] {
            assert_eq!(Toolchain::named(name).ok(), expect, "{name:?}");
        }
    }
}
