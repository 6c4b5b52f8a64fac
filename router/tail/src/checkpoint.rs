//! The positions of a pipeline's files on disk: one JSON document, replaced whole.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sluice_core::Failure;
use tracing::warn;

use crate::{
    fingerprint::{Fingerprint, Inode},
    format::Format,
    position::Position,
};

mod document;
#[cfg(test)]
mod tests;

use document::{document, understand};

pub use document::rewritten;

const COMPONENT: &str = "files source";

/// What is remembered of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As the patterns found it.
    pub path: PathBuf,
    /// Without symbolic links, and without what rotation appended.
    pub base: PathBuf,
    #[serde(flatten)]
    pub inode: Inode,
    pub fingerprint: Fingerprint,
    /// The part of the stream identity that is not in the file.
    pub identity: String,
    pub format: Format,
    pub stdout: u64,
    pub stderr: u64,
    /// The time of malformed lines (see [`Position::time`]).
    pub time: u64,
    /// Its length when it was last looked at.
    #[serde(default)]
    pub size: u64,
    /// When it was made, and last written to; 0 where that is not known (see [`crate::fingerprint::Stamp`]).
    #[serde(default)]
    pub born: u64,
    #[serde(default)]
    pub modified: u64,
    /// It was delivered to its end and will not grow any more, for all that was known.
    #[serde(default)]
    pub ended: bool,
    /// Another host wrote this: a path there is another file here.
    #[serde(default)]
    pub foreign: bool,
}

impl Entry {
    pub fn position(&self) -> Position {
        Position { stdout: self.stdout, stderr: self.stderr, memory: 0, time: self.time }
    }

    /// Up to where some of the file was delivered: it was as long as that at least.
    pub fn furthest(&self) -> u64 {
        self.stdout.max(self.stderr)
    }
}

/// The document of one pipeline, held by one process at a time.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    path: PathBuf,
    /// Who writes, as far as the config tells.
    host: Option<String>,
    /// The document as it is on disk.
    saved: Vec<u8>,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Checkpoints {
    /// Takes the checkpoints of `pipeline` in `folder`, and what they remember: `None` at a first start.
    ///
    /// A document that cannot be understood is set aside, and its files are read from their beginning.
    ///
    /// `host` is this node. What another one wrote is used for the files that prove to be the same.
    pub fn open(folder: &Path, pipeline: &str, host: Option<&str>) -> Result<(Self, Option<Vec<Entry>>), Failure> {
        fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
        let lock = lock(folder, pipeline)?;
        let path = folder.join(format!("{pipeline}.json"));
        let host = host.map(str::to_owned);
        let mut checkpoints = Self { folder: folder.into(), path, host, saved: Vec::new(), _lock: lock };
        // Found out now and not at the first save: a folder that nobody can write to. No document is made of it: one
        // without files says that there is no history.
        checkpoints.probe().map_err(|error| unusable(folder, &error))?;
        let entries = checkpoints.load()?;
        Ok((checkpoints, entries))
    }

    fn probe(&self) -> io::Result<()> {
        let temporary = self.temporary();
        File::create(&temporary)?;
        fs::remove_file(temporary)
    }

    fn temporary(&self) -> PathBuf {
        self.path.with_extension("json.new")
    }

    fn load(&mut self) -> Result<Option<Vec<Entry>>, Failure> {
        let content = match fs::read(&self.path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&self.path, &error)),
        };
        let entries = match understand(&content) {
            Ok(remembered) => remembered.for_host(self.host.as_deref(), &self.path),
            Err(reason) => {
                let aside = set_aside(&self.path).map_err(|error| unusable(&self.folder, &error))?;
                self.replace(&document(&[], self.host.as_deref())?).map_err(|error| {
                    // Without any document the next start would be a first one.
                    fs::rename(&aside, &self.path).ok();
                    unusable(&self.folder, &error)
                })?;
                warn!(
                    checkpoints = %self.path.display(), %reason, set_aside = %aside.display(),
                    "the checkpoints cannot be used; all files are read again from their beginning"
                );
                Vec::new()
            }
        };
        self.saved = content;
        Ok(Some(entries))
    }

    /// Replaces the document, where it changed. After a crash it is the old one or the new one, never a part.
    pub fn save(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let content = document(entries, self.host.as_deref())?;
        if content == self.saved {
            return Ok(());
        }
        self.replace(&content).map_err(|error| {
            let text =
                format!("cannot save {}: {error}; make room on the disk or make it writable", self.path.display());
            Failure::transient(COMPONENT, text)
        })?;
        self.saved = content;
        Ok(())
    }

    fn replace(&self, content: &[u8]) -> io::Result<()> {
        let temporary = self.temporary();
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)?;
        File::open(&self.folder)?.sync_all()
    }
}

fn lock(folder: &Path, pipeline: &str) -> Result<File, Failure> {
    let path = folder.join(format!("{pipeline}.lock"));
    let file = File::create(&path).map_err(|error| unusable(folder, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let text = format!(
                "{} is locked by another process: two agents must not share checkpoints; stop the other one, or give this \
                 pipeline another folder in `checkpoints`",
                path.display()
            );
            Err(Failure::fatal(COMPONENT, text))
        }
        Err(TryLockError::Error(error)) => Err(unusable(&path, &error)),
    }
}

/// Fatal where only a person can help; a disk that is full has room again at some time.
fn unusable(path: &Path, error: &io::Error) -> Failure {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    let text = format!(
        "cannot use {} for checkpoints: {error}; make it writable for this process, or name another folder in `checkpoints`",
        path.display()
    );
    match error.kind() {
        AlreadyExists | IsADirectory | NotADirectory | PermissionDenied | ReadOnlyFilesystem => {
            Failure::fatal(COMPONENT, text)
        }
        _ => Failure::transient(COMPONENT, text),
    }
}

/// Renames the document to the first `….bad-<n>` that is free.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    for n in 1u32.. {
        let aside = PathBuf::from(format!("{}.bad-{n}", path.display()));
        if !aside.exists() {
            fs::rename(path, &aside)?;
            return Ok(aside);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
