use std::{io, path::PathBuf};

/// What went wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {what} {path}: {error}", path = path.display())]
    File { what: &'static str, path: PathBuf, error: io::Error },
    #[error("{path} is there already; choose another name, or remove it", path = .0.display())]
    Exists(PathBuf),
    #[error("{name:?} cannot be the name of a plugin: {why}")]
    Name { name: String, why: &'static str },
    #[error("cannot run {program}: {error}; install Rust (https://rustup.rs), so that `cargo --version` answers")]
    NoCargo { program: String, error: io::Error },
    #[error(
        "this Rust cannot compile for wasm32-unknown-unknown yet; type: rustup target add wasm32-unknown-unknown \
         (or, with Debian's compiler: sudo apt-get install rustc-web cargo-web rust-web-src lld-19)"
    )]
    NoTarget,
    #[error("SLUICE_WASM_TOOLCHAIN is {0:?}; write rustup or debian")]
    Toolchain(String),
    #[error("{path} is no plugin's folder: {why}", path = path.display())]
    NoPackage { path: PathBuf, why: String },
    #[error("cargo failed ({status}); what it says stands above, and this repeats it: {line}")]
    Cargo { status: String, line: String },
    #[error("{path} cannot become a component: {why}", path = path.display())]
    Component { path: PathBuf, why: String },
    #[error("{place}: {why}")]
    Example { place: String, why: String },
    #[error("{0}")]
    ConfigMap(String),
}

impl Error {
    /// For `map_err`: which file, and what was to be done with it.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { what, path, error }
    }
}
