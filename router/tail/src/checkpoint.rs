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

const VERSION: u32 = 1;
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

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    files: Vec<Entry>,
}

/// The document of one pipeline, held by one process at a time.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    path: PathBuf,
    /// The document as it is on disk.
    saved: Vec<u8>,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Checkpoints {
    /// Takes the checkpoints of `pipeline` in `folder`, and what they remember: `None` at a first start.
    ///
    /// A document that cannot be understood is set aside, and its files are read from their beginning.
    pub fn open(folder: &Path, pipeline: &str) -> Result<(Self, Option<Vec<Entry>>), Failure> {
        fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
        let lock = lock(folder, pipeline)?;
        let path = folder.join(format!("{pipeline}.json"));
        let mut checkpoints = Self { folder: folder.into(), path, saved: Vec::new(), _lock: lock };
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
            Ok(entries) => entries,
            Err(reason) => {
                let aside = set_aside(&self.path).map_err(|error| unusable(&self.folder, &error))?;
                self.replace(&document(&[])?).map_err(|error| {
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
        self.saved = document(&entries)?;
        Ok(Some(entries))
    }

    /// Replaces the document, where it changed. After a crash it is the old one or the new one, never a part.
    pub fn save(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let content = document(entries)?;
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

fn understand(content: &[u8]) -> Result<Vec<Entry>, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let Versioned { version } = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!("version {version} is not {VERSION}"));
    }
    let document: Document = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    Ok(document.files)
}

fn document(entries: &[Entry]) -> Result<Vec<u8>, Failure> {
    let document = Document { version: VERSION, files: entries.to_vec() };
    serde_json::to_vec_pretty(&document)
        .map_err(|error| Failure::fatal(COMPONENT, format!("cannot write checkpoints: {error}")))
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

#[cfg(test)]
mod tests {
    use sluice_core::Kind;

    use super::*;

    fn entry() -> Entry {
        Entry {
            path: "/var/log/containers/a.log".into(),
            base: "/var/log/pods/a_b_u/c/0.log".into(),
            inode: Inode { device: 1, inode: 2 },
            fingerprint: Fingerprint { hash: u64::MAX, bytes: 4 },
            identity: "pod:u/c/0".into(),
            format: Format::Cri,
            stdout: 10,
            stderr: 5,
            time: 7,
            size: 12,
        }
    }

    #[test]
    fn what_was_saved_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("a/b");
        {
            let (mut checkpoints, entries) = Checkpoints::open(&nested, "ship").unwrap();
            assert_eq!(entries, None);
            checkpoints.save(&[entry()]).unwrap();
        }
        let (mut checkpoints, entries) = Checkpoints::open(&nested, "ship").unwrap();
        assert_eq!(entries, Some(vec![entry()]));
        assert_eq!(entry().position(), Position { stdout: 10, stderr: 5, memory: 0, time: 7 });
        // Unchanged, it is not written again: the file may be removed and stays away.
        fs::remove_file(nested.join("ship.json")).unwrap();
        checkpoints.save(&[entry()]).unwrap();
        assert!(!nested.join("ship.json").exists());
        checkpoints.save(&[]).unwrap();
        assert!(nested.join("ship.json").exists());
    }

    #[test]
    fn what_cannot_be_understood_is_set_aside() {
        let whole = document(&[entry()]).unwrap();
        let whole = String::from_utf8(whole).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ship.json");
        for (n, content) in [
            whole[..whole.len() / 2].to_owned(),
            String::new(),
            "\0".repeat(whole.len()),
            whole.replace("\"version\": 1", "\"version\": 2"),
            whole.replace("\"cri\"", "\"cbor\""),
            "[]".into(),
        ]
        .into_iter()
        .enumerate()
        {
            fs::write(&path, &content).unwrap();
            let (_checkpoints, entries) = Checkpoints::open(folder.path(), "ship").unwrap();
            assert_eq!(entries, Some(Vec::new()), "{content}");
            let aside = folder.path().join(format!("ship.json.bad-{}", n + 1));
            assert_eq!(fs::read_to_string(aside).unwrap(), content);
        }
    }

    #[test]
    fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Checkpoints::open(folder.path(), "ship").unwrap();
        let failure = Checkpoints::open(folder.path(), "ship").unwrap_err();
        assert_eq!(failure.kind, Kind::Fatal);
        assert!(failure.text.contains("ship.lock is locked by another process"), "{failure}");
        Checkpoints::open(folder.path(), "other").unwrap();
        drop(first);
        Checkpoints::open(folder.path(), "ship").unwrap();
    }

    #[test]
    fn only_what_a_person_must_cure_is_fatal() {
        use io::ErrorKind::{Interrupted, NotADirectory, PermissionDenied, ReadOnlyFilesystem, StorageFull};
        for (kind, expected) in [
            (PermissionDenied, Kind::Fatal),
            (NotADirectory, Kind::Fatal),
            (ReadOnlyFilesystem, Kind::Fatal),
            (StorageFull, Kind::Transient),
            (Interrupted, Kind::Transient),
        ] {
            assert_eq!(unusable(Path::new("/c"), &kind.into()).kind, expected, "{kind}");
        }
    }

    #[test]
    fn opening_makes_no_document() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            assert_eq!(Checkpoints::open(folder.path(), "ship").unwrap().1, None);
        }
        Checkpoints::open(folder.path(), "ship").unwrap().0.save(&[]).unwrap();
        assert_eq!(Checkpoints::open(folder.path(), "ship").unwrap().1, Some(Vec::new()));
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let failure = Checkpoints::open(&file, "ship").unwrap_err();
        assert_eq!(failure.kind, Kind::Fatal);
        assert!(failure.text.contains(&file.display().to_string()), "{failure}");
        assert!(failure.text.contains("make it writable"), "{failure}");
    }
}
