//! The reconciling scan: what the patterns name now against what is followed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::{
    checkpoint::Entry,
    container::PATH_IDENTITY,
    discovery::rotated,
    files::{Files, Remembered, add},
    fingerprint::{Fingerprint, Inode},
    follower::{Follower, Stage},
    found::Found,
    held::{HELD_BYTES, HELD_FILES},
};

/// How long a file that is gone is remembered.
const MEMORY: Duration = Duration::from_secs(600);

impl Files {
    /// Finds new files, and those that no path leads to any more.
    pub fn scan(&mut self) {
        let paths = self.patterns.paths(&mut self.complaints);
        let mut present = vec![false; self.followers.len()];
        for path in paths {
            if let Err(error) = self.meet(&path, &mut present) {
                self.complaints.about(&path, &error);
            }
        }
        for (follower, present) in self.followers.iter_mut().zip(present) {
            match follower.stage {
                Stage::Present if !present => {
                    debug!(path = %follower.path.display(), "a log file was renamed or deleted; reading it to its end");
                    (follower.stage, follower.ready, follower.grown) = (Stage::Leaving, true, Instant::now());
                }
                // Also after an error of reading: tried again at each scan.
                Stage::Present => follower.ready = true,
                _ => {}
            }
        }
        self.config.counters.files_unreadable.set(self.complaints.settle() as u64);
        if !self.knows_all && self.followers.is_empty() {
            let include = &self.config.include;
            warn!(?include, "there is no log file yet; check `include` and the mounts; looking again at each scan");
        }
        self.is_new |= !std::mem::replace(&mut self.knows_all, true);
        self.hold_at_most(HELD_FILES, HELD_BYTES);
        self.forget();
    }

    /// Follows what `path` leads to, if it is a file and not followed yet.
    fn meet(&mut self, path: &Path, present: &mut Vec<bool>) -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            return Ok(());
        }
        let inode = Inode::of(&metadata);
        if let Some(index) = self.followers.iter().position(|follower| follower.is_at(inode)) {
            present[index] = true;
            let follower = &mut self.followers[index];
            if follower.stage == Stage::Leaving {
                follower.stage = Stage::Present;
            }
            if follower.path != path && !leads_to(&follower.path, inode) {
                follower.path = path.into();
            }
            return Ok(());
        }
        // Opened before anything is made of it: the path may lead elsewhere by now.
        let file = File::open(path)?;
        let inode = Inode::of(&file.metadata()?);
        let base = fs::canonicalize(path)?;
        if path.to_str().is_none() || base.to_str().is_none() {
            // The checkpoints, which are JSON, could not name it.
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, "its path is not UTF-8"));
        }
        let attached = self.attach(path, base, file, inode);
        present.resize(self.followers.len(), true);
        attached
    }

    /// Follows a file that the patterns name, after those that it was rotated away from.
    fn attach(&mut self, path: &Path, base: PathBuf, file: File, inode: Inode) -> io::Result<()> {
        let fingerprint = Fingerprint::of_file(&file)?;
        let is_this = |closed: &Follower| closed.inode() == inode && closed.fingerprint() == fingerprint;
        if fingerprint.is_some() && self.followers.iter().any(is_this) {
            // Read to its end and closed, and back again: followed from there once all of it is delivered.
            return Ok(());
        }
        let found = Found::new(path, &base, path, self.config.host.as_deref(), file, inode);
        let predecessor = self.predecessor(path, &base);
        if predecessor.is_some() {
            self.config.counters.rotations.add(1);
        }
        let behind = self.attach_rotated(path, &base, fingerprint, predecessor);
        let size = found.file.metadata()?.len();
        let entry = self.recall(fingerprint, &found, size);
        self.follow(found, entry, Stage::Present, behind);
        Ok(())
    }

    /// The file that was followed before under this path.
    fn predecessor(&self, path: &Path, base: &Path) -> Option<u64> {
        let mut open = self.followers.iter().filter(|follower| follower.file().is_some());
        open.rfind(|follower| follower.base == base || follower.path == path).map(|follower| follower.number)
    }

    /// Follows the plain rotated files of `base` that are not read to their end, oldest first: those that are
    /// remembered, all that came after one that is known, and all of a container that is new. Returns the number of
    /// the last.
    fn attach_rotated(
        &mut self,
        path: &Path,
        base: &Path,
        current: Option<Fingerprint>,
        mut behind: Option<u64>,
    ) -> Option<u64> {
        let siblings = rotated(base);
        let lost = behind.is_none() && self.lost_track(base, &siblings, current);
        // The predecessor may be compressed by now: what was written after it is as new as what comes behind it here.
        let since = self.last_written(behind);
        let mut known = self.is_news(base);
        for rotated_path in &siblings {
            known |= lost && Some(rotated_path) == siblings.last();
            let (file, metadata, fingerprint) = match open_rotated(rotated_path) {
                Ok(opened) => opened,
                Err(error) => {
                    if error.kind() != io::ErrorKind::NotFound {
                        self.complaints.about(rotated_path, &error);
                    }
                    continue;
                }
            };
            let inode = Inode::of(&metadata);
            known |= since.is_some_and(|since| metadata.modified().is_ok_and(|modified| modified >= since));
            if self.is_open(inode) {
                known = true;
                continue;
            }
            // A copy in the making (copytruncate) of what is followed.
            if fingerprint.is_some() && self.followers.iter().any(|f| f.base == base && f.fingerprint() == fingerprint)
            {
                continue;
            }
            let found = Found::new(path, base, rotated_path, self.config.host.as_deref(), file, inode);
            let entry = self.recall(fingerprint, &found, metadata.len());
            // What was followed before is read on, whatever it is called now.
            if entry.is_none() && (!known || self.patterns.keeps_apart(rotated_path, &found.identity)) {
                continue;
            }
            known = true;
            if entry.is_none() || entry.as_ref().is_some_and(|entry| entry.position().lowest() < metadata.len()) {
                info!(path = %rotated_path.display(), "a rotated log file was not read to its end; reading on");
                behind = Some(self.follow(found, entry, Stage::Leaving, behind));
            } else {
                self.remembered.extend(entry.map(|entry| Remembered { entry, since: Instant::now() }));
            }
        }
        behind
    }

    fn last_written(&self, number: Option<u64>) -> Option<SystemTime> {
        let follower = self.followers.iter().find(|follower| Some(follower.number) == number)?;
        follower.file()?.metadata().ok()?.modified().ok()
    }

    /// Whether the file began in the time that is watched over, so that nothing of it is history: every start but a
    /// first one knows all files there were.
    fn is_news(&self, base: &Path) -> bool {
        let is_known = self.followers.iter().any(|follower| follower.base == base)
            || self.remembered.iter().any(|remembered| remembered.entry.base == base);
        self.knows_all && !is_known
    }

    /// Whether files of this path are remembered, and none of them is there now. The newest of the rotated ones is
    /// then newer than they are.
    fn lost_track(&self, base: &Path, siblings: &[PathBuf], current: Option<Fingerprint>) -> bool {
        let mut remembered = self.remembered.iter().filter(|remembered| remembered.entry.base == base).peekable();
        if remembered.peek().is_none() {
            return false;
        }
        let of_path = |path: &PathBuf| Fingerprint::of_file(&File::open(path).ok()?).ok()?;
        let there: Vec<_> = siblings.iter().filter_map(of_path).chain(current).collect();
        remembered.all(|remembered| !there.contains(&remembered.entry.fingerprint))
    }

    /// What is remembered of a file. The first line decides; but others may begin with the same line, so that the
    /// inode, or else the identity, has to agree as well.
    fn recall(&mut self, fingerprint: Option<Fingerprint>, found: &Found, size: u64) -> Option<Entry> {
        let index_of = |agrees: &dyn Fn(&Entry) -> bool| {
            self.remembered.iter().position(|Remembered { entry, .. }| {
                Some(entry.fingerprint) == fingerprint && entry.furthest() <= size && agrees(entry)
            })
        };
        let by_inode = index_of(&|entry| entry.inode == found.inode);
        // The identity of a plain file is its path alone: another file has it, too, after rotation.
        let by_identity = |entry: &Entry| {
            entry.identity == found.identity && !(entry.identity.starts_with(PATH_IDENTITY) && lies_elsewhere(entry))
        };
        let index = by_inode.or_else(|| index_of(&by_identity))?;
        Some(self.remembered.swap_remove(index).entry)
    }

    fn follow(&mut self, found: Found, entry: Option<Entry>, stage: Stage, behind: Option<u64>) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let mut follower = Follower::new(number, found, entry, self.generation.clone());
        (follower.stage, follower.behind) = (stage, behind);
        self.learn(&mut follower);
        self.followers.push(follower);
        number
    }

    /// The content of a file was cut off under our hands: what is left of the old one is read from its copy, where
    /// rotation made one; the new one is read from its beginning.
    pub(crate) fn split_truncated(&mut self, index: usize) {
        self.config.counters.truncations.add(1);
        let old = &mut self.followers[index];
        let copy = old.fingerprint().and_then(|fingerprint| copy_of(&old.base, fingerprint, old.read()));
        let unread = old.size.max(old.seen()).saturating_sub(old.read());
        info!(path = %old.path.display(), copy = copy.is_some(), "a log file was truncated; reading it from its beginning");
        if copy.is_none() {
            add(&self.generation.ledger().expired_bytes_by("truncated"), unread);
        }
        let (number, stage, inode) = (old.number, old.stage, old.inode());
        let Some(file) = old.leave_for(copy) else { return };
        let found = old.found_again(file, inode);
        self.follow(found, None, stage, Some(number));
    }

    /// Drops the memory of files that are gone for long, and counts what was unread of them.
    fn forget(&mut self) {
        let now = Instant::now();
        self.remembered.retain_mut(|remembered| {
            if now - remembered.since < MEMORY {
                return true;
            }
            let base = &remembered.entry.base;
            let unread = remembered.entry.size.saturating_sub(remembered.entry.position().lowest());
            let exists =
                is_of(base, &remembered.entry) || rotated(base).iter().any(|path| is_of(path, &remembered.entry));
            if exists {
                remembered.since = now;
            } else if unread > 0 {
                warn!(
                    path = %base.display(), unread,
                    "a log file was compressed or deleted before all of it was read; what was unread of it is lost"
                );
                add(&self.generation.ledger().expired_bytes_by("rotated_away"), unread);
            }
            exists
        });
    }
}

fn open_rotated(path: &Path) -> io::Result<(File, fs::Metadata, Option<Fingerprint>)> {
    let file = File::open(path)?;
    let (metadata, fingerprint) = (file.metadata()?, Fingerprint::of_file(&file)?);
    Ok((file, metadata, fingerprint))
}

/// Whether the file that is remembered is there still, under its path or a rotated one, and was not cut off.
fn lies_elsewhere(entry: &Entry) -> bool {
    let is_whole = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.len() >= entry.furthest());
    let is_there = |path: &Path| is_of(path, entry) && is_whole(path);
    is_there(&entry.base) || rotated(&entry.base).iter().any(|path| is_there(path))
}

fn leads_to(path: &Path, inode: Inode) -> bool {
    fs::metadata(path).is_ok_and(|metadata| Inode::of(&metadata) == inode)
}

/// Whether the file is still there; one that cannot be opened now may be opened later.
fn is_of(path: &Path, entry: &Entry) -> bool {
    leads_to(path, entry.inode) && File::open(path).and_then(|file| entry.fingerprint.is_of(&file)).unwrap_or(true)
}

/// The copy that rotation made of a file that begins with this line, if it holds more than was read.
fn copy_of(base: &Path, fingerprint: Fingerprint, read: u64) -> Option<(File, Inode)> {
    rotated(base).into_iter().rev().find_map(|path| {
        let file = File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        let same = metadata.len() >= read && fingerprint.is_of(&file).ok()?;
        same.then(|| (file, Inode::of(&metadata)))
    })
}
