//! The reconciling scan: what the patterns name now against what is followed.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::{
    attach::Log,
    checkpoint::Entry,
    container,
    descriptors::are_exhausted,
    files::Files,
    fingerprint::{Inode, Stamp},
    follower::{Follower, Stage},
    found::Found,
    held::{HELD_BYTES, HELD_FILES, HELD_FOR},
    lost::lose,
};

/// How often a path is looked at that leads elsewhere each time.
const ATTEMPTS: usize = 5;

impl Files {
    /// Finds new files, and those that no path leads to any more.
    pub fn scan(&mut self) {
        let paths = self.patterns.paths(&mut self.complaints);
        self.index_inodes();
        let mut present = vec![false; self.followers.len()];
        let (mut new, mut dangling) = (Vec::new(), Vec::new());
        for path in paths {
            match self.meet(&path, &mut present) {
                Ok(true) => {}
                Ok(false) => new.push(path),
                Err(error) => {
                    self.complaints.about(&path, &error);
                    dangling.extend((error.kind() == io::ErrorKind::NotFound).then_some(path));
                }
            }
        }
        self.notice_absence(&present);
        self.begin_rotated(dangling);
        // The restarts of a container in their order: each waits for the one before.
        new.sort_by_cached_key(|path| container::restart(path));
        for path in new {
            if let Err(error) = self.begin(&path) {
                self.complaints.about(&path, &error);
            }
        }
        self.config.counters.files_unreadable.set(self.complaints.settle() as u64);
        if !self.knows_all && self.followers.is_empty() {
            let include = &self.config.include;
            warn!(?include, "there is no log file yet; check `include` and the mounts; looking again at each scan");
        }
        self.is_new |= !std::mem::replace(&mut self.knows_all, true);
        self.hold_at_most(HELD_FILES, HELD_BYTES, HELD_FOR);
        self.forget();
        self.folders.forget();
    }

    /// Finds the follower of the file that `path` leads to; false where there is none yet, and there should be.
    fn meet(&mut self, path: &Path, present: &mut [bool]) -> io::Result<bool> {
        let metadata = fs::metadata(path)?;
        let inode = Inode::of(&metadata);
        let Some(index) = self.open_at(inode) else { return Ok(!metadata.is_file()) };
        if let Some(present) = present.get_mut(index) {
            *present = true;
        }
        let follower = &mut self.followers[index];
        if follower.stage == Stage::Leaving {
            follower.stage = Stage::Present;
        }
        if follower.path.as_os_str() != path.as_os_str() && !leads_to(&follower.path, inode) {
            follower.path = path.into();
        }
        Ok(true)
    }

    /// Has the files leave that no path leads to any more. A folder that could not be listed just now is no reason.
    fn notice_absence(&mut self, present: &[bool]) {
        for (follower, present) in self.followers.iter_mut().zip(present) {
            if follower.stage == Stage::Present && !present && !leads_to(&follower.path, follower.inode()) {
                debug!(path = %follower.path.display(), "a log file was renamed or deleted; reading it to its end");
                (follower.stage, follower.ready, follower.grown) = (Stage::Leaving, true, Instant::now());
            }
        }
    }

    /// Follows the file that `path` leads to.
    fn begin(&mut self, path: &Path) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            // Opened before anything is made of it: the path may lead elsewhere by now.
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            let base = fs::canonicalize(path)?;
            if path.to_str().is_none() || base.to_str().is_none() {
                // The checkpoints, which are JSON, could not name it.
                return Err(io::Error::new(io::ErrorKind::InvalidFilename, "its path is not UTF-8"));
            }
            let inode = Inode::of(&metadata);
            if self.is_open(inode) || !metadata.is_file() {
                return Ok(());
            }
            if leads_to(&base, inode) {
                return self.attach(path, &base, file, &metadata);
            }
        }
        Err(changes_too_fast())
    }

    pub(crate) fn follow(&mut self, found: Found, entry: Option<Entry>, stage: Stage, behind: Option<u64>) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let is_known = entry.is_some();
        let mut follower = Follower::new(number, found, entry, self.generation.clone());
        (follower.stage, follower.behind) = (stage, behind);
        // What is cut off before the first look at it is known to have been there.
        let metadata = follower.file().filter(|_| !follower.is_packed()).and_then(|file| file.metadata().ok());
        follower.size = metadata.map_or(follower.size, |metadata| metadata.len());
        self.lies_at(number, follower.inode());
        if let Some(before) = behind.and_then(|behind| self.index_of(behind)) {
            self.followers[before].has_next = true;
        }
        self.followers.push(follower);
        let index = self.followers.len() - 1;
        self.learn(index);
        if !is_known {
            self.skip_history(index);
        }
        number
    }

    /// The content of a file was cut off under our hands: what is left of the old one is read from its copy, where
    /// rotation made one; the new one is read from its beginning.
    pub(crate) fn split_truncated(&mut self, index: usize) {
        let old = &self.followers[index];
        let (base, fingerprint, read) = (old.base.clone(), old.fingerprint(), old.read());
        let copy = match fingerprint.map(|fingerprint| self.copy_of(&base, fingerprint, read)).transpose() {
            Ok(copy) => copy.flatten(),
            // The next look finds it truncated still.
            Err(error) if are_exhausted(&error) => return self.complaints.about(&base, &error),
            Err(_) => None,
        };
        self.config.counters.truncations.add(1);
        let old = &mut self.followers[index];
        let unread = old.unread();
        info!(path = %old.path.display(), copy = copy.is_some(), "a log file was truncated; reading it from its beginning");
        let has_copy = copy.is_some();
        let (number, stage, inode, stamp) = (old.number, old.stage, old.inode(), old.stamp());
        let Some(file) = old.leave_for(copy) else { return };
        let metadata = file.metadata();
        let is_deleted = metadata.as_ref().is_ok_and(|metadata| metadata.nlink() == 0);
        let stamp = metadata.map_or(stamp, |metadata| Stamp::of(&metadata));
        let found = old.found_again(file, inode, stamp);
        let copy = old.inode();
        self.lies_at(number, copy);
        let mut behind = Some(number);
        // Truncated more than once between two looks: what lies behind the copy is newer. Beside a file that is deleted
        // may lie what came after it as well: that is found with the next file of its name.
        if !is_deleted {
            let current = Some((inode, found.content.fingerprint().ok().flatten()));
            let log = Log { path: &found.path, base: &found.base, predecessor: Some(number), current };
            behind = self.attach_rotated(log, behind).unwrap_or_else(|error| {
                self.complaints.about(&base, &error);
                Some(number)
            });
        }
        // Without a first line nothing tells a copy but that it is new.
        if !has_copy && (fingerprint.is_some() || behind == Some(number)) {
            lose(&found.path, unread, "truncated", &self.config.counters, &self.generation);
        }
        self.follow(found, None, stage, behind);
    }
}

pub(crate) fn changes_too_fast() -> io::Error {
    io::Error::other("it is renamed faster than it can be opened")
}

pub(crate) fn leads_to(path: &Path, inode: Inode) -> bool {
    fs::metadata(path).is_ok_and(|metadata| Inode::of(&metadata) == inode)
}
