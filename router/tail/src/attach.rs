//! Following a new file, after all that its container wrote before: rotated files, plain or compressed, and earlier
//! restarts.

use std::{
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
};

use tokio::time::Instant;
use tracing::info;

use crate::{
    checkpoint::Entry,
    container::{self, PATH_IDENTITY},
    content::{Content, is_packed},
    descriptors::are_exhausted,
    files::{Files, Remembered},
    fingerprint::{Fingerprint, Inode, Stamp},
    follower::{Follower, Stage},
    found::Found,
    rotation::Rotated,
    scan::changes_too_fast,
};

/// How often rotated files are listed that are renamed before they can be opened.
const ATTEMPTS: usize = 5;

/// Whose rotated files are looked at.
#[derive(Clone, Copy)]
pub(crate) struct Log<'a> {
    /// As the patterns found it.
    pub path: &'a Path,
    /// Where rotation renames it.
    pub base: &'a Path,
    /// The number of the file that was followed before under this path.
    pub predecessor: Option<u64>,
    /// What lies there now and is followed by itself; `None` where nothing of this log is named by the patterns.
    pub current: Option<(Inode, Option<Fingerprint>)>,
}

/// A rotated file as it was found.
struct Sibling {
    path: PathBuf,
    metadata: Metadata,
    /// `None` where it is followed, or was read.
    opened: Option<(Content, Option<Fingerprint>)>,
}

impl Sibling {
    fn inode(&self) -> Inode {
        Inode::of(&self.metadata)
    }

    fn modified(&self) -> u64 {
        Stamp::of(&self.metadata).modified
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        self.opened.as_ref()?.1
    }
}

impl Files {
    /// Follows a file that the patterns name, after those that it was rotated away from.
    pub(crate) fn attach(&mut self, path: &Path, base: &Path, file: File, metadata: &Metadata) -> io::Result<()> {
        let (inode, fingerprint) = (Inode::of(metadata), Fingerprint::of_file(&file)?);
        let is_this = |closed: &Follower| closed.inode() == inode && closed.fingerprint() == fingerprint;
        if fingerprint.is_some() && self.followers.iter().any(is_this) {
            // Read to its end and closed, and back again: followed from there once all of it is delivered.
            return Ok(());
        }
        let predecessor = self.predecessor(path, base);
        let behind = predecessor.max(self.attach_restarts(path)?);
        let log = Log { path, base, predecessor, current: Some((inode, fingerprint)) };
        let behind = self.attach_rotated(log, behind)?;
        if predecessor.is_some() {
            self.config.counters.rotations.add(1);
        }
        let found = Found::new(path, base, path, self.config.host.as_deref(), Content::Plain(file), metadata);
        let entry = self.recall(fingerprint, &found);
        self.follow(found, entry, Stage::Present, behind);
        Ok(())
    }

    /// The file that was followed before under this path.
    pub(crate) fn predecessor(&self, path: &Path, base: &Path) -> Option<u64> {
        let (path, base) = (path.as_os_str(), base.as_os_str());
        let mut open = self.followers.iter().filter(|follower| follower.file().is_some());
        let is_it = |follower: &&Follower| follower.base.as_os_str() == base || follower.path.as_os_str() == path;
        open.rfind(is_it).map(|follower| follower.number)
    }

    /// Follows what is not read of the container's earlier restarts, of which no path may tell any more: those that are
    /// remembered, all that came after one that is known, and all of a container that is new. Returns the number of the
    /// last one that is open.
    fn attach_restarts(&mut self, path: &Path) -> io::Result<Option<u64>> {
        let Some((folder, number)) = container::restart(path) else { return Ok(None) };
        let own = fs::canonicalize(path)?;
        let logs = self.folders.restarts_before(&folder, number)?;
        let located: Vec<_> = logs.iter().map(|log| fs::canonicalize(log).unwrap_or_else(|_| log.clone())).collect();
        let is_known = located.iter().chain([&own]).any(|base| self.knows(base));
        let (mut known, mut behind) = (self.knows_all && !is_known, None);
        for (log, base) in logs.iter().zip(&located) {
            known |= self.knows(base);
            if !known || self.patterns.excludes(log) {
                continue;
            }
            let mut open = self.followers.iter_mut().filter(|follower| follower.file().is_some());
            let predecessor = open.rfind(|follower| follower.base.as_os_str() == base.as_os_str()).map(|follower| {
                // Its writer has ended: one more look, then its end is the end.
                follower.ready = true;
                follower.number
            });
            // The link that led to it tells the container's id.
            let path = self.path_of(base).unwrap_or_else(|| self.path_of_unknown(log, path, base));
            let log = Log { path: &path, base, predecessor, current: None };
            behind = behind.max(self.attach_rotated(log, behind.max(predecessor))?);
        }
        Ok(behind)
    }

    /// Follows the rotated files of a log that are not read to their end, oldest first: those that are remembered, all
    /// that came after one that is known, and all of a container that is new. Returns the number of the last.
    pub(crate) fn attach_rotated(&mut self, log: Log<'_>, mut behind: Option<u64>) -> io::Result<Option<u64>> {
        let siblings = self.open_siblings(log)?;
        let newest = self.newest_lost(log, &siblings);
        let since = self.left_at(log.predecessor, &siblings);
        let mut known = self.is_news(log.base);
        let last = siblings.len().saturating_sub(1);
        for (index, sibling) in siblings.into_iter().enumerate() {
            known |= newest.is_some_and(|newest| index == last || sibling.modified() >= newest);
            known |= since.is_some_and(|since| sibling.modified() >= since);
            let Sibling { path: lies_at, metadata, opened } = sibling;
            let Some((content, fingerprint)) = opened else {
                known = true;
                continue;
            };
            if self.is_copy_of_followed(log.base, fingerprint, &content, &metadata) {
                known |= content.is_packed();
                continue;
            }
            let found = Found::new(log.path, log.base, &lies_at, self.config.host.as_deref(), content, &metadata);
            let entry = self.recall(fingerprint, &found);
            // What was followed before is read on, whatever it is called now.
            if entry.is_none() && (!known || self.patterns.keeps_apart(&lies_at, &found.identity)) {
                continue;
            }
            known = true;
            match entry {
                Some(entry) if is_read(&entry, &found) => {
                    self.remembered.push(Remembered { entry, since: Instant::now() });
                }
                entry => {
                    info!(path = %lies_at.display(), "a rotated log file was not read to its end; reading on");
                    behind = Some(self.follow(found, entry, Stage::Leaving, behind));
                }
            }
        }
        Ok(behind)
    }

    /// The rotated files of a log, oldest first, opened: they may be called otherwise a moment later.
    fn open_siblings(&mut self, log: Log<'_>) -> io::Result<Vec<Sibling>> {
        for _ in 0..ATTEMPTS {
            let mut rotated = match self.folders.rotated(log.base) {
                Ok(rotated) => rotated,
                Err(error) if are_exhausted(&error) => return Err(error),
                Err(error) => {
                    self.complaints.about(log.base.parent().unwrap_or(log.base), &error);
                    Vec::new()
                }
            };
            if log.current.is_none()
                && let Ok(metadata) = fs::metadata(log.base)
                && metadata.is_file()
            {
                rotated.push(Rotated { path: log.base.into(), metadata });
            }
            if let Some(siblings) = self.open_all(rotated, log)? {
                return Ok(siblings);
            }
            self.folders.forget();
        }
        Err(changes_too_fast())
    }

    /// `None` where one of them is not there any more.
    fn open_all(&mut self, rotated: Vec<Rotated>, log: Log<'_>) -> io::Result<Option<Vec<Sibling>>> {
        let mut siblings = Vec::new();
        for Rotated { path, metadata } in rotated {
            let inode = Inode::of(&metadata);
            if log.current.is_some_and(|(current, _)| current == inode) {
                // It was renamed meanwhile: what comes after it is newer.
                break;
            }
            // Before a first start nothing is known, and what is compressed is history.
            if is_packed(&path) && !self.knows_all {
                continue;
            }
            if self.is_open(inode) || self.passed.contains(&(inode, metadata.len())) {
                siblings.push(Sibling { path, metadata, opened: None });
                continue;
            }
            let opened = File::open(&path).and_then(|file| {
                let metadata = file.metadata()?;
                let content = Content::new(file, &path);
                Ok((metadata, content.fingerprint()?, content))
            });
            match opened {
                Ok((metadata, _, _)) if Inode::of(&metadata) != inode => return Ok(None),
                Ok((metadata, fingerprint, content)) => {
                    siblings.push(Sibling { path, metadata, opened: Some((content, fingerprint)) });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) if are_exhausted(&error) => return Err(error),
                Err(error) => self.complaints.about(&path, &error),
            }
        }
        Ok(Some(siblings))
    }

    /// When the predecessor was last written to: what was written after it is as new as what comes behind it. `None`
    /// where it is among the siblings, whose order tells more.
    fn left_at(&self, predecessor: Option<u64>, siblings: &[Sibling]) -> Option<u64> {
        let follower = &self.followers[self.index_of(predecessor?)?];
        let is_it = |sibling: &Sibling| {
            sibling.inode() == follower.inode()
                || sibling.fingerprint().is_some() && sibling.fingerprint() == follower.fingerprint()
        };
        if siblings.iter().any(is_it) {
            return None;
        }
        let metadata = follower.file().and_then(|file| file.metadata().ok());
        Some(metadata.map_or(follower.modified, |metadata| Stamp::of(&metadata).modified))
    }

    /// Whether this is a copy, in the making or compressed, of what is followed.
    fn is_copy_of_followed(
        &self,
        base: &Path,
        fingerprint: Option<Fingerprint>,
        content: &Content,
        metadata: &Metadata,
    ) -> bool {
        let modified = Stamp::of(metadata).modified;
        fingerprint.is_some()
            && self.followers.iter().any(|follower| {
                let is_alike = follower.fingerprint() == fingerprint && follower.base.as_os_str() == base.as_os_str();
                // Plain files may all begin with the same line. What was compressed of this one is not older than it.
                let is_older = content.is_packed()
                    && follower.identity().starts_with(PATH_IDENTITY)
                    && modified < follower.modified;
                is_alike && !is_older
            })
    }

    /// Whether files of this log are remembered, and none of them is there now: what is there was written after them.
    /// Returns when the newest of them was last written to.
    fn newest_lost(&self, log: Log<'_>, siblings: &[Sibling]) -> Option<u64> {
        if log.predecessor.is_some() || siblings.iter().any(|sibling| sibling.opened.is_none()) {
            return None;
        }
        let current = log.current.and_then(|(_, fingerprint)| fingerprint);
        let there: Vec<_> = siblings.iter().filter_map(Sibling::fingerprint).chain(current).collect();
        let remembered = self.remembered.iter().map(|remembered| &remembered.entry);
        let of_log: Vec<&Entry> = remembered.filter(|entry| entry.base.as_os_str() == log.base.as_os_str()).collect();
        let is_there = |entry: &&Entry| there.contains(&entry.fingerprint);
        if of_log.iter().any(is_there) {
            return None;
        }
        of_log.iter().map(|entry| entry.modified).max()
    }
}

/// Whether what is remembered of a file reaches its end.
fn is_read(entry: &Entry, found: &Found) -> bool {
    let is_ended = found.content.is_packed() && entry.ended && entry.inode == found.inode;
    is_ended || found.content.may_end_at(entry.position().lowest()).unwrap_or(false)
}
