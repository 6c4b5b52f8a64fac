//! A file as it is found, opened and not read.

use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    sync::Arc,
};

use sluice_core::{Origin, Place};

use crate::{
    container,
    content::Content,
    fingerprint::{Inode, Stamp},
};

#[derive(Debug)]
pub struct Found {
    /// As the patterns found it; of a rotated file, the path of its successor.
    pub path: PathBuf,
    /// Without symbolic links, and without what rotation appended.
    pub base: PathBuf,
    pub content: Content,
    pub inode: Inode,
    pub stamp: Stamp,
    /// The part of the stream identity that is not in the file.
    pub identity: String,
    /// Where it lies itself.
    pub place: Arc<Place>,
    pub origin: Arc<Origin>,
}

impl Found {
    /// `lies_at` is what errors about the file name; `host` becomes a part of its origin.
    pub fn new(
        path: &Path,
        base: &Path,
        lies_at: &Path,
        host: Option<&str>,
        content: Content,
        metadata: &Metadata,
    ) -> Self {
        Self {
            path: path.into(),
            base: base.into(),
            content,
            inode: Inode::of(metadata),
            stamp: Stamp::of(metadata),
            identity: container::identity(path, base),
            place: Arc::new(Place::File { path: lies_at.display().to_string() }),
            origin: Arc::new(container::origin(path, host)),
        }
    }
}
