//! A folder whose files nobody else can write: what is in one of them, this user has put there.
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// The beginning of names of files that are being written.
const NEW: &str = ".new-";
/// After this, one that is still there was left behind by a process that was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);
/// Who else may write, in a file's mode.
const OTHERS_WRITE: u32 = 0o022;

/// A folder of one's own. Several processes of one user may share it.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// The user that this process creates files as.
    owner: u32,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("cannot be used as a folder: {0}; name one that this user may create or write to")]
    Unusable(#[from] io::Error),
    #[error("is not a folder itself; name one, or one that does not exist yet")]
    NoFolder,
    #[error(
        "belongs to user {owner}, and this process runs as {own}; name a folder in it that does not exist yet, which is \
         then created"
    )]
    Foreign { owner: u32, own: u32 },
    #[error(
        "can be written by others (mode {mode:o}); take that away with `chmod go-w`, or name a folder in it that does not exist yet"
    )]
    Open { mode: u32 },
}

/// Why a file is not used, although it can be read.
#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("it is no file of its own")]
    NoFile,
    #[error("it belongs to user {0}")]
    Foreign(u32),
    #[error("others can write it (mode {0:o})")]
    Open(u32),
    #[error("it has more than {0} bytes")]
    Large(u64),
}

/// A file of the folder.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    /// In bytes.
    pub size: u64,
    pub used: SystemTime,
}

impl Folder {
    /// Creates the folder, for this user alone, unless it is there.
    ///
    /// # Errors
    /// It cannot be created or written to, or somebody else may write to it.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let mut folder = Self { path: path.to_owned(), owner: 0 };
        let (probe, file) = folder.create()?;
        fs::remove_file(&probe)?;
        folder.owner = file.metadata()?.uid();
        let metadata = fs::symlink_metadata(path)?;
        if !metadata.is_dir() {
            return Err(FolderError::NoFolder);
        }
        if metadata.uid() != folder.owner {
            return Err(FolderError::Foreign { owner: metadata.uid(), own: folder.owner });
        }
        let mode = metadata.mode() & 0o7777;
        if mode & OTHERS_WRITE != 0 {
            return Err(FolderError::Open { mode });
        }
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file, if it is there.
    ///
    /// # Errors
    /// Anybody else may have written it, or it has more than `most` bytes. What was opened is looked at, not what its
    /// name leads to: that may be another file by then.
    pub fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Distrust> {
        // Not blocking: a pipe of this name would never answer.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(self.path.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // That it is a link.
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => return Err(Distrust::NoFile),
            Err(error) => return Err(error.into()),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Distrust::NoFile);
        }
        if metadata.uid() != self.owner {
            return Err(Distrust::Foreign(metadata.uid()));
        }
        if metadata.mode() & OTHERS_WRITE != 0 {
            return Err(Distrust::Open(metadata.mode() & 0o7777));
        }
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most { Err(Distrust::Large(most)) } else { Ok(Some(bytes)) }
    }

    /// Puts a file in place, whole, for this user alone to read and write. After a crash of the machine it may be torn:
    /// for files that are checked when they are read.
    ///
    /// # Errors
    /// It cannot be written; then there is none of it.
    pub fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        self.put(name, parts, |_| Ok(()))
    }

    /// The same of a file that is whole after a crash of the machine as well. It waits for the disk.
    ///
    /// # Errors
    /// As those of [`Folder::write`].
    pub fn write_through(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        self.put(name, parts, File::sync_all)
    }

    fn put(&self, name: &str, parts: &[&[u8]], settle: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let (new, mut file) = self.create()?;
        let written = parts
            .iter()
            .try_for_each(|part| file.write_all(part))
            .and_then(|()| settle(&file))
            .and_then(|()| fs::rename(&new, self.path.join(name)));
        written.inspect_err(|_| drop(fs::remove_file(&new)))
    }

    /// A file is not the oldest any more.
    pub fn touch(&self, name: &str) {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(self.path.join(name));
        // That it goes earlier than it should is all that an error would do.
        let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
    }

    pub fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.path.join(name)).is_ok()
    }

    /// Whether it is gone now.
    pub fn remove(&self, name: &str) -> bool {
        let path = self.path.join(name);
        fs::remove_file(&path).is_ok() || fs::remove_dir(&path).is_ok()
    }

    /// Removes the files that were not used for longest until there are no more than `most` bytes, but for those of
    /// which `stays` is true; and what was left half written. How many files went. Files of which `is_ours` is false
    /// are neither counted nor removed: whoever put them there, it was not this process.
    pub fn tidy(&self, most: u64, is_ours: impl Fn(&str) -> bool, stays: impl Fn(&str) -> bool) -> usize {
        let mut entries = self.entries();
        entries.retain(|entry| is_new(&entry.name) || is_ours(&entry.name));
        entries.sort_by_key(|entry| entry.used);
        let mut size: u64 = entries.iter().map(|entry| entry.size).sum();
        let now = SystemTime::now();
        let mut gone = 0;
        for Entry { name, size: bytes, used } in entries {
            let is_new = is_new(&name);
            let left_behind = is_new && now.duration_since(used).is_ok_and(|age| age > LEFT_BEHIND);
            if (left_behind || size > most && !is_new && !stays(&name)) && self.remove(&name) {
                size -= bytes;
                gone += 1;
            }
        }
        gone
    }

    /// Files only: nobody but a person puts anything else there.
    fn entries(&self) -> Vec<Entry> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            let name = entry.file_name().into_string().ok()?;
            Some(Entry { name, size: metadata.len(), used: metadata.modified().ok()? })
        };
        fs::read_dir(&self.path).map(|entries| entries.filter_map(entry).collect()).unwrap_or_default()
    }

    fn create(&self) -> io::Result<(PathBuf, File)> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        // Processes in containers may share the folder and have the same number: of two, one is a try later.
        let mut error = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..100 {
            let name = format!("{NEW}{}-{}", process::id(), NUMBER.fetch_add(1, Relaxed));
            let path = self.path.join(name);
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(failed) if failed.kind() == io::ErrorKind::AlreadyExists => error = failed,
                Err(failed) => return Err(failed),
            }
        }
        Err(error)
    }
}

/// Whether [`Folder::create`] made up the name.
fn is_new(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = name.strip_prefix(NEW).and_then(|numbers| numbers.split_once('-'));
    numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
}

#[cfg(test)]
mod tests;
