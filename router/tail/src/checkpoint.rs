//! The positions of a pipeline's files on disk: one JSON document, replaced whole.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_core::Failure;
use tracing::warn;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    fingerprint::{Fingerprint, Inode},
    format::Format,
    position::Position,
};

const VERSION: u32 = 2;
/// What programs wrote that were older than the checksum.
const FIRST_VERSION: u32 = 1;
const PROGRAM: &str = concat!("sluice ", env!("CARGO_PKG_VERSION"));
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
    /// It was read to its end and will not grow any more, for all that was known.
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

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    /// The program and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// Of `files` as it stands there, as hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
    files: Box<RawValue>,
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

/// What a document says.
#[derive(Debug)]
struct Memory {
    host: Option<String>,
    entries: Vec<Entry>,
}

impl Memory {
    /// The entries as the agent of `host` may use them.
    fn for_host(self, host: Option<&str>, path: &Path) -> Vec<Entry> {
        let (Some(theirs), Some(ours)) = (self.host, host) else { return self.entries };
        if theirs == ours {
            return self.entries;
        }
        warn!(
            checkpoints = %path.display(), written_on = theirs, host = ours,
            "these checkpoints were written on another host; they are used for files that are the same here, and all \
             other files are read from their beginning"
        );
        self.entries.into_iter().map(|entry| Entry { foreign: true, ..entry }).collect()
    }
}

/// A checksum is looked at wherever there is one; only the first version had none.
fn understand(content: &[u8]) -> Result<Memory, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
        written_by: Option<String>,
    }
    let Versioned { version, written_by } = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    if !(FIRST_VERSION..=VERSION).contains(&version) {
        let by = written_by.map_or_else(String::new, |program| format!(" by {program}"));
        return Err(format!("it was written{by} as version {version}, and {PROGRAM} reads versions up to {VERSION}"));
    }
    let Document { host, checksum, files, .. } = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    match checksum {
        Some(checksum) if checksum != checksum_of(&files) => Err("its checksum does not agree".into()),
        None if version > FIRST_VERSION => Err("its checksum is missing".into()),
        _ => {
            let entries = serde_json::from_str(files.get()).map_err(|error| error.to_string())?;
            Ok(Memory { host, entries })
        }
    }
}

/// The document as it would be saved, of one that is understood.
pub fn rewritten(content: &[u8]) -> Option<Vec<u8>> {
    let Memory { host, entries } = understand(content).ok()?;
    document(&entries, host.as_deref()).ok()
}

fn document(entries: &[Entry], host: Option<&str>) -> Result<Vec<u8>, Failure> {
    let write = || {
        let files = RawValue::from_string(serde_json::to_string_pretty(entries)?)?;
        serde_json::to_vec_pretty(&Document {
            version: VERSION,
            written_by: Some(PROGRAM.into()),
            host: host.map(str::to_owned),
            checksum: Some(checksum_of(&files)),
            files,
        })
    };
    write().map_err(|error: serde_json::Error| Failure::fatal(COMPONENT, format!("cannot write checkpoints: {error}")))
}

fn checksum_of(files: &RawValue) -> String {
    format!("{:016x}", xxh3_64(files.get().as_bytes()))
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
    use proptest::prelude::*;
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
            born: 3,
            modified: 4,
            ended: false,
            foreign: false,
        }
    }

    #[test]
    fn what_was_saved_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("a/b");
        {
            let (mut checkpoints, entries) = Checkpoints::open(&nested, "ship", None).unwrap();
            assert_eq!(entries, None);
            checkpoints.save(&[entry()]).unwrap();
        }
        let (mut checkpoints, entries) = Checkpoints::open(&nested, "ship", None).unwrap();
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
        let whole = document(&[entry()], None).unwrap();
        let whole = String::from_utf8(whole).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ship.json");
        for (n, content) in [
            whole[..whole.len() / 2].to_owned(),
            String::new(),
            "\0".repeat(whole.len()),
            whole.replace("\"version\": 2", "\"version\": 3"),
            whole.replace("\"stdout\": 10", "\"stdout\": 90"),
            whole.replace("checksum", "checksun"),
            whole.replace("\"cri\"", "\"cbor\""),
            "[]".into(),
        ]
        .into_iter()
        .enumerate()
        {
            fs::write(&path, &content).unwrap();
            let (_checkpoints, entries) = Checkpoints::open(folder.path(), "ship", None).unwrap();
            assert_eq!(entries, Some(Vec::new()), "{content}");
            let aside = folder.path().join(format!("ship.json.bad-{}", n + 1));
            assert_eq!(fs::read_to_string(aside).unwrap(), content);
        }
    }

    #[test]
    fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Checkpoints::open(folder.path(), "ship", None).unwrap();
        let failure = Checkpoints::open(folder.path(), "ship", None).unwrap_err();
        assert_eq!(failure.kind, Kind::Fatal);
        assert!(failure.text.contains("ship.lock is locked by another process"), "{failure}");
        Checkpoints::open(folder.path(), "other", None).unwrap();
        drop(first);
        Checkpoints::open(folder.path(), "ship", None).unwrap();
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
            assert_eq!(Checkpoints::open(folder.path(), "ship", None).unwrap().1, None);
        }
        Checkpoints::open(folder.path(), "ship", None).unwrap().0.save(&[]).unwrap();
        assert_eq!(Checkpoints::open(folder.path(), "ship", None).unwrap().1, Some(Vec::new()));
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let failure = Checkpoints::open(&file, "ship", None).unwrap_err();
        assert_eq!(failure.kind, Kind::Fatal);
        assert!(failure.text.contains(&file.display().to_string()), "{failure}");
        assert!(failure.text.contains("make it writable"), "{failure}");
    }

    /// As programs wrote it before there was a checksum.
    const OF_THE_FIRST_VERSION: &str = r#"{
  "version": 1,
  "files": [
    {
      "path": "/var/log/containers/a.log",
      "base": "/var/log/pods/a_b_u/c/0.log",
      "device": 1,
      "inode": 2,
      "fingerprint": { "hash": 18446744073709551615, "bytes": 4 },
      "identity": "pod:u/c/0",
      "format": "cri",
      "stdout": 10,
      "stderr": 5,
      "time": 7,
      "size": 12
    }
  ]
}"#;

    #[test]
    fn the_first_version_is_understood_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ship.json");
        fs::write(&path, OF_THE_FIRST_VERSION).unwrap();
        let expected = Entry { born: 0, modified: 0, ..entry() };
        let (mut checkpoints, entries) = Checkpoints::open(folder.path(), "ship", None).unwrap();
        assert_eq!(entries, Some(vec![expected.clone()]));
        checkpoints.save(&[expected]).unwrap();
        assert!(fs::read_to_string(path).unwrap().starts_with("{\n  \"version\": 2,\n  \"written_by\": \"sluice "));
    }

    #[test]
    fn what_a_later_program_wrote_names_it() {
        for (content, expected) in [
            (
                r#"{"version":3,"written_by":"sluice 9.1.0","files":{}}"#,
                "it was written by sluice 9.1.0 as version 3, and sluice 0.1.0 reads versions up to 2",
            ),
            (r#"{"version":0}"#, "it was written as version 0, and sluice 0.1.0 reads versions up to 2"),
        ] {
            assert_eq!(understand(content.as_bytes()).unwrap_err(), expected);
        }
    }

    #[test]
    fn what_another_host_wrote_is_marked() {
        for (theirs, ours, expected) in [
            (Some("a"), Some("b"), true),
            (Some("a"), Some("a"), false),
            (None, Some("b"), false),
            (Some("a"), None, false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let open = |host| Checkpoints::open(folder.path(), "ship", host).unwrap();
            open(theirs).0.save(&[entry()]).unwrap();
            let (mut checkpoints, entries) = open(ours);
            let entries = entries.unwrap();
            assert_eq!(entries[0].foreign, expected, "{theirs:?} {ours:?}");
            // It stays so over further restarts, until the file is found.
            checkpoints.save(&entries).unwrap();
            drop(checkpoints);
            assert_eq!(open(ours).1.unwrap()[0].foreign, expected);
        }
    }

    proptest! {
        /// Whatever becomes of a document, it is used as it was written or not at all.
        #[test]
        fn a_broken_document_never_gives_other_positions(at: prop::sample::Index, byte: u8, cut: bool) {
            let entries = vec![entry(), Entry { stdout: 1_000_000, path: "/b".into(), ..entry() }];
            let mut content = document(&entries, Some("node-1")).unwrap();
            let at = at.index(content.len());
            if cut {
                content.truncate(at);
            } else {
                content[at] = byte;
            }
            let used = understand(&content).map(|memory| memory.entries);
            prop_assert!(used.as_ref().map_or(true, |used| *used == entries), "{used:?}");
        }

        /// The same of a document of the first version: it has no checksum, and only a cut is sure to be seen.
        #[test]
        fn a_cut_document_of_the_first_version_is_not_used(at in 0..OF_THE_FIRST_VERSION.len()) {
            prop_assert!(understand(&OF_THE_FIRST_VERSION.as_bytes()[..at]).is_err());
        }

        #[test]
        fn nothing_makes_it_panic(content: Vec<u8>) {
            let _ = understand(&content);
        }
    }
}
