//! A file as it is found, opened and not read.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use sluice_core::{Origin, Place};

use crate::{container, fingerprint::Inode};

#[derive(Debug)]
pub struct Found {
    /// As the patterns found it; of a rotated file, the path of its successor.
    pub path: PathBuf,
    /// Without symbolic links, and without what rotation appended.
    pub base: PathBuf,
    pub file: File,
    pub inode: Inode,
    /// The part of the stream identity that is not in the file.
    pub identity: String,
    /// Where it lies itself.
    pub place: Arc<Place>,
    pub origin: Arc<Origin>,
}

impl Found {
    /// `lies_at` is what errors about the file name; `host` becomes a part of its origin.
    pub fn new(path: &Path, base: &Path, lies_at: &Path, host: Option<&str>, file: File, inode: Inode) -> Self {
        Self {
            path: path.into(),
            base: base.into(),
            file,
            inode,
            identity: container::identity(path, base),
            place: Arc::new(Place::File { path: lies_at.display().to_string() }),
            origin: Arc::new(container::origin(path, host)),
        }
    }
}
