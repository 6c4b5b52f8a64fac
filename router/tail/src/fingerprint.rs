//! What tells files apart: their first line, and where they lie.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// The most bytes of the first line that count.
pub const LONGEST: usize = 1024;

/// The hash of a file's first line with its newline, or of its first KiB where the line is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub hash: u64,
    /// How many bytes were hashed.
    pub bytes: u32,
}

/// Where a file lies. Helps following it while it is open, and no further: a number is used again soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Inode {
    pub device: u64,
    pub inode: u64,
}

impl Inode {
    pub fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Times that tell one file from another that is called the same or has the same inode, in nanoseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// When it was made; 0 where the file system does not say.
    pub born: u64,
    /// When it was last written to.
    pub modified: u64,
}

impl Stamp {
    pub fn of(metadata: &Metadata) -> Self {
        let nanos = |time: io::Result<SystemTime>| {
            let since = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
        };
        Self { born: nanos(metadata.created()), modified: nanos(metadata.modified()) }
    }
}

impl Fingerprint {
    /// `line` is the first line with its newline, or as much of it as there will ever be.
    pub fn of_first_line(line: &[u8]) -> Self {
        let line = &line[..line.len().min(LONGEST)];
        Self { hash: xxh3_64(line), bytes: line.len() as u32 }
    }

    /// The fingerprint of a file as it is now; `None` while its first line is incomplete.
    pub fn of_file(file: &File) -> io::Result<Option<Self>> {
        let mut start = [0; LONGEST];
        let length = read_full(file, &mut start, 0)?;
        Ok(Self::of_start(&start[..length]))
    }

    /// The fingerprint of a content that begins so; `None` where that does not hold its first line, or [`LONGEST`] bytes
    /// of it.
    pub fn of_start(start: &[u8]) -> Option<Self> {
        let line = match memchr::memchr(b'\n', start) {
            Some(newline) => &start[..=newline],
            None if start.len() >= LONGEST => start,
            None => return None,
        };
        Some(Self::of_first_line(line))
    }

    /// Whether a file still begins with these bytes.
    pub fn is_of(&self, file: &File) -> io::Result<bool> {
        let mut start = [0; LONGEST];
        let start = &mut start[..(self.bytes as usize).min(LONGEST)];
        Ok(read_full(file, start, 0)? == start.len() && xxh3_64(start) == self.hash)
    }
}

/// Reads at `offset` until `buffer` is full or the file ends; returns the bytes read.
pub fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_first_line_decides() {
        let mut file = tempfile::tempfile().unwrap();
        let mut append = |text: &[u8]| {
            file.write_all(text).unwrap();
            file.try_clone().unwrap()
        };
        assert_eq!(Fingerprint::of_file(&append(b"first")).unwrap(), None);
        let first = Fingerprint::of_file(&append(b" line\n")).unwrap().unwrap();
        assert_eq!(first, Fingerprint::of_first_line(b"first line\n"));
        let grown = append(b"second\n");
        assert_eq!(Fingerprint::of_file(&grown).unwrap(), Some(first));
        assert!(first.is_of(&grown).unwrap());
        assert!(!Fingerprint::of_first_line(b"other line\n").is_of(&grown).unwrap());
        assert!(!Fingerprint::of_first_line(b"first line\nsecond\nthird\n").is_of(&grown).unwrap());
    }

    #[test]
    fn a_long_line_is_known_by_its_first_kibibyte() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 1023]).unwrap();
        assert_eq!(Fingerprint::of_file(&file).unwrap(), None);
        file.write_all(&[b'x'; 2000]).unwrap();
        let expected = Fingerprint::of_first_line(&[b'x'; 5000]);
        assert_eq!((expected.bytes, Fingerprint::of_file(&file).unwrap()), (1024, Some(expected)));
    }
}
