//! What a follower reads: a file as it lies there, or the content of one that was compressed.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use crate::{
    fingerprint::{Fingerprint, read_full},
    packed::{End, Packed},
};

#[derive(Debug)]
pub enum Content {
    Plain(File),
    Packed(Packed),
}

impl Content {
    /// `path` is where the file was opened: its name tells whether it is compressed.
    pub fn new(file: File, path: &Path) -> Self {
        if is_packed(path) { Self::Packed(Packed::new(file, path)) } else { Self::Plain(file) }
    }

    /// The file as it lies there: its metadata, not its content.
    pub fn file(&self) -> &File {
        match self {
            Self::Plain(file) => file,
            Self::Packed(packed) => packed.file(),
        }
    }

    pub fn is_packed(&self) -> bool {
        matches!(self, Self::Packed(_))
    }

    /// Fills `buffer` with the content at `at`, as far as there is any. Its first `has` bytes are there already.
    pub fn read(&mut self, buffer: &mut [u8], has: usize, at: u64) -> io::Result<(usize, End)> {
        match self {
            Self::Plain(file) => {
                let filled = has + read_full(file, &mut buffer[has..], at + has as u64)?;
                Ok((filled, if filled < buffer.len() { End::ForNow } else { End::NotYet }))
            }
            Self::Packed(packed) => Ok(packed.read(buffer, at)),
        }
    }

    /// `None` while the first line is incomplete.
    pub fn fingerprint(&self) -> io::Result<Option<Fingerprint>> {
        match self {
            Self::Plain(file) => Fingerprint::of_file(file),
            Self::Packed(packed) => Ok(packed.fingerprint()),
        }
    }

    /// Whether the content begins as it did. What is compressed is not written to any more.
    pub fn still_is(&self, fingerprint: Fingerprint) -> io::Result<bool> {
        match self {
            Self::Plain(file) => fingerprint.is_of(file),
            Self::Packed(_) => Ok(true),
        }
    }

    /// The most bytes that the content may have.
    pub fn most(&self) -> io::Result<u64> {
        match self {
            Self::Plain(file) => Ok(file.metadata()?.len()),
            Self::Packed(packed) => packed.length().map(|length| length.most()),
        }
    }

    /// About how many bytes the content has, of which `found` were found already.
    pub fn about(&self, found: u64) -> u64 {
        match self {
            Self::Plain(file) => file.metadata().map_or(found, |metadata| metadata.len()),
            Self::Packed(packed) => packed.length().map_or(found, |length| length.about(found)),
        }
    }

    /// Whether it may end at this byte.
    pub fn may_end_at(&self, at: u64) -> io::Result<bool> {
        match self {
            Self::Plain(file) => Ok(file.metadata()?.len() <= at),
            Self::Packed(packed) => packed.length().map(|length| length.is(at)),
        }
    }
}

/// Whether the name is that of a file that rotation compressed in a way that can be read here.
pub fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// The name before it was compressed.
pub fn unpacked_name(path: &Path) -> PathBuf {
    if is_packed(path) { path.with_extension("") } else { path.into() }
}
