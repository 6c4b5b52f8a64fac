//! The files that are not followed now, and what is known of them when they come back.

use std::{
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;
use tracing::warn;

use crate::{
    checkpoint::Entry,
    container::PATH_IDENTITY,
    content::{Content, is_packed},
    descriptors::are_exhausted,
    files::{Files, Remembered},
    fingerprint::{Fingerprint, Inode, Stamp},
    found::Found,
    lost::lose,
    rotation::{Folders, Rotated},
};

/// How long a file that is gone is remembered.
const MEMORY: Duration = Duration::from_secs(600);
/// What a time of writing may lose on its way into a compressed file, in nanoseconds.
const ROUNDED: u64 = 1_000_000_000;

impl Files {
    /// Whether a file of this path is followed or remembered.
    pub(crate) fn knows(&self, base: &Path) -> bool {
        let base = base.as_os_str();
        self.followers.iter().any(|follower| follower.base.as_os_str() == base)
            || self.remembered.iter().any(|remembered| remembered.entry.base.as_os_str() == base)
    }

    /// The path by which a file was found that is remembered, or was followed until now.
    pub(crate) fn path_of(&self, base: &Path) -> Option<PathBuf> {
        let remembered = self.remembered.iter().map(|Remembered { entry, .. }| (&entry.base, &entry.path));
        let followed = self.followers.iter().map(|follower| (&follower.base, &follower.path));
        let mut known = remembered.chain(followed);
        known.find(|(other, _)| other.as_os_str() == base.as_os_str()).map(|(_, path)| path.clone())
    }

    /// The path of an earlier restart of which nothing is known: the link to the next one, where that led to a restart
    /// before as well and so is the link of them all; else where it lies.
    pub(crate) fn path_of_unknown(&self, log: &Path, next: &Path, base: &Path) -> PathBuf {
        let remembered = self.remembered.iter().map(|Remembered { entry, .. }| (&entry.base, &entry.path));
        let followed = self.followers.iter().map(|follower| (&follower.base, &follower.path));
        let mut known = remembered.chain(followed);
        let moves = known.any(|(other, path)| {
            path.as_os_str() == next.as_os_str()
                && other.parent() == base.parent()
                && other.as_os_str() != base.as_os_str()
        });
        if moves { next.into() } else { log.into() }
    }

    /// Whether the file began in the time that is watched over, so that nothing of it is history: every start but a
    /// first one knows all files there were.
    pub(crate) fn is_news(&self, base: &Path) -> bool {
        self.knows_all && !self.knows(base)
    }

    /// What is remembered of a file. The first line decides; but others may begin with the same line, so that the
    /// inode, or else the identity, has to agree as well.
    pub(crate) fn recall(&mut self, fingerprint: Option<Fingerprint>, found: &Found) -> Option<Entry> {
        let fingerprint = fingerprint?;
        let most = found.content.most().ok()?;
        let Self { remembered, folders, .. } = self;
        let alike = |entry: &Entry| entry.fingerprint == fingerprint && entry.furthest() <= most;
        let by_inode = remembered.iter().position(|Remembered { entry, .. }| {
            alike(entry) && entry.inode == found.inode && !is_reused(entry, found.stamp)
        });
        let by_identity = || {
            let mut agrees = |entry: &Entry| {
                alike(entry)
                    && entry.identity == found.identity
                    && (!entry.identity.starts_with(PATH_IDENTITY) || may_be(entry, found, folders))
            };
            let agreeing = remembered.iter().enumerate().filter(|(_, remembered)| agrees(&remembered.entry));
            agreeing.max_by_key(|(_, remembered)| remembered.entry.modified).map(|(index, _)| index)
        };
        let index = by_inode.or_else(by_identity)?;
        Some(remembered.swap_remove(index).entry)
    }

    /// Drops the memory of files that are gone for long, and counts what was unread of them.
    pub(crate) fn forget(&mut self) {
        let now = Instant::now();
        let Self { remembered, folders, generation, config, .. } = self;
        remembered.retain_mut(|Remembered { entry, since }| {
            if now - *since < MEMORY {
                return true;
            }
            let unread = entry.size.saturating_sub(entry.position().lowest());
            let exists = exists(entry, folders);
            if exists {
                *since = now;
            } else if unread > 0 {
                warn!(
                    path = %entry.base.display(), unread,
                    "a log file was deleted before all of it was read; what was unread of it is lost"
                );
                lose(&entry.path, unread, "rotated_away", &config.counters, generation);
            }
            exists
        });
    }

    /// The copy that rotation made of a file that begins with this line, if it holds all that was read.
    pub(crate) fn copy_of(
        &mut self,
        base: &Path,
        fingerprint: Fingerprint,
        read: u64,
    ) -> io::Result<Option<(Content, Metadata)>> {
        for Rotated { path, .. } in self.folders.rotated(base)?.into_iter().rev() {
            let file = match File::open(&path) {
                Err(error) if are_exhausted(&error) => return Err(error),
                Err(_) => continue,
                Ok(file) => file,
            };
            let (metadata, content) = (file.metadata()?, Content::new(file, &path));
            let is_it = content.fingerprint()? == Some(fingerprint) && content.most()? >= read;
            if is_it && !self.is_open(Inode::of(&metadata)) {
                return Ok(Some((content, metadata)));
            }
        }
        Ok(None)
    }
}

/// Whether the inode was given to another file since. Not every file system tells.
fn is_reused(entry: &Entry, stamp: Stamp) -> bool {
    entry.born != 0 && stamp.born != 0 && entry.born != stamp.born
}

/// Whether a file whose identity is its path alone, and which others had before, may be the one that is remembered.
fn may_be(entry: &Entry, found: &Found, folders: &mut Folders) -> bool {
    if entry.foreign {
        return false;
    }
    if found.content.is_packed() {
        return found.stamp.modified.saturating_add(ROUNDED) >= entry.modified && !lies_plain(entry, folders);
    }
    let is_reused = entry.inode == found.inode && is_reused(entry, found.stamp);
    !entry.ended && !is_reused && !lies_plain(entry, folders) && !lies_packed(entry, folders)
}

/// Whether the file that is remembered is there still, under its path or a rotated one; where that cannot be told, it
/// may be.
fn exists(entry: &Entry, folders: &mut Folders) -> bool {
    let listed = folders.rotated(&entry.base);
    let Ok(rotated) = listed else { return true };
    is_of(&entry.base, entry)
        || rotated.iter().any(
            |Rotated { path, metadata }| {
                if is_packed(path) { holds(path, metadata, entry) } else { is_of(path, entry) }
            },
        )
}

/// Whether the file that is remembered is there still and was not cut off.
fn lies_plain(entry: &Entry, folders: &mut Folders) -> bool {
    let is_whole = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.len() >= entry.furthest());
    let is_there = |path: &Path| is_of(path, entry) && is_whole(path);
    is_there(&entry.base)
        || folders.rotated(&entry.base).is_ok_and(|rotated| rotated.iter().any(|rotated| is_there(&rotated.path)))
}

/// Whether a compressed file may be the one that is remembered.
fn lies_packed(entry: &Entry, folders: &mut Folders) -> bool {
    folders.rotated(&entry.base).is_ok_and(|rotated| {
        rotated.iter().any(|rotated| is_packed(&rotated.path) && holds(&rotated.path, &rotated.metadata, entry))
    })
}

/// Whether the file is still there; one that cannot be opened now may be opened later.
fn is_of(path: &Path, entry: &Entry) -> bool {
    let is_there = |metadata: Metadata| Inode::of(&metadata) == entry.inode && !is_reused(entry, Stamp::of(&metadata));
    fs::metadata(path).is_ok_and(is_there)
        && File::open(path).and_then(|file| entry.fingerprint.is_of(&file)).unwrap_or(true)
}

/// Whether what is remembered was compressed to this file, for all that is known.
fn holds(path: &Path, metadata: &Metadata, entry: &Entry) -> bool {
    let is_older = entry.identity.starts_with(PATH_IDENTITY)
        && Stamp::of(metadata).modified.saturating_add(ROUNDED) < entry.modified;
    let fingerprint = || File::open(path).and_then(|file| Content::new(file, path).fingerprint());
    !is_older
        && fingerprint()
            .map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |it| it == Some(entry.fingerprint))
}
