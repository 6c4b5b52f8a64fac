//! What goes wrong with a node: a file or folder that cannot be written.

use std::io;
use std::path::{Path, PathBuf};

/// Each text holds its cause.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `verb` is what was tried, e.g. `create`.
    #[error("node: cannot {verb} {}: {error}; give it another folder or make room", path.display())]
    File { verb: &'static str, path: PathBuf, error: io::Error },
    #[error("node: cannot start the thread of its containers: {0}")]
    Thread(io::Error),
    #[error("node: the thread of its containers panicked; the lines above say where")]
    Panicked,
}

impl Error {
    /// For `map_err`: what was tried, and with which path.
    pub(crate) fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::File { verb, path: path.to_path_buf(), error }
    }
}
