//! Looking at the files that are followed: growth, truncation, replacement, and the end of those that left.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    content::is_packed,
    files::{Files, Remembered},
    fingerprint::{Fingerprint, Inode, Stamp},
    follower::{Follower, Stage},
    lines::Settings,
    rotation::Rotated,
    scan::leads_to,
};

/// How long a file that no path leads to may be silent before it counts as ended, once it is deleted or its successor
/// is written to. A writer finishes a line in that time.
const SILENCE: Duration = Duration::from_secs(5);
/// The same for a file that is still there and has no successor with a line in it: its writer may not know yet.
const SILENCE_WITHOUT_SUCCESSOR: Duration = Duration::from_secs(60);
/// Compressed files that need not be opened again; with more, some are opened to find that they were read.
const MOST_PASSED: usize = 10_000;

impl Files {
    /// Looks at the files that are busy, or at all, for growth, truncation and replacement. True where only a scan can
    /// tell more.
    pub fn poll(&mut self, all: bool) -> bool {
        let now = Instant::now();
        let (mut rescan, mut lag) = (false, 0);
        for index in 0..self.followers.len() {
            if all || self.followers[index].is_busy(now) {
                rescan |= self.look_at(index);
            }
            let follower = &mut self.followers[index];
            lag += follower.size.saturating_sub(follower.delivered());
            follower.ready |= all && follower.is_silent(Settings::of(&self.config));
        }
        self.retire();
        self.config.counters.lag_bytes.set(lag);
        let open = self.followers.iter().filter(|follower| follower.file().is_some()).count();
        self.config.counters.files_open.set(open as u64);
        rescan
    }

    /// Looks at one file; true if it is not where it was.
    fn look_at(&mut self, index: usize) -> bool {
        let follower = &self.followers[index];
        let Some(file) = follower.file() else { return false };
        if follower.is_packed() {
            return self.look_at_packed(index);
        }
        let there = fs::metadata(&follower.path).ok();
        let here = there.as_ref().filter(|metadata| follower.is_at(Inode::of(metadata)));
        let moved = match follower.stage {
            Stage::Present => here.is_none(),
            // The path of a file that left leads nowhere, or to a successor that is known or is to be found.
            _ => there.as_ref().is_some_and(|metadata| !self.is_open(Inode::of(metadata))),
        };
        let (size, modified) = match here {
            Some(metadata) => (metadata.len(), Stamp::of(metadata).modified),
            None => file.metadata().map_or((follower.seen(), follower.modified), |metadata| {
                (metadata.len(), Stamp::of(&metadata).modified)
            }),
        };
        if self.was_truncated(index, size, modified) {
            self.split_truncated(index);
            return moved;
        }
        let follower = &mut self.followers[index];
        (follower.size, follower.modified) = (size, modified);
        // Shorter where an incomplete line was taken back.
        if size != follower.seen() {
            (follower.ready, follower.grown) = (true, Instant::now());
            // Known before anything of it is read: a copy that rotation makes of it is found by its first line.
            self.learn(index);
        }
        moved
    }

    /// A compressed file is written once. Where it ended in the middle, more of it may be there now.
    fn look_at_packed(&mut self, index: usize) -> bool {
        let there = fs::metadata(&self.followers[index].path).ok();
        let moved = there.is_some_and(|metadata| !self.is_open(Inode::of(&metadata)));
        let follower = &mut self.followers[index];
        if let Some(metadata) = follower.file().and_then(|file| file.metadata().ok()) {
            let (modified, packed) = (Stamp::of(&metadata).modified, metadata.len());
            let before = std::mem::replace(&mut follower.packed, packed);
            if modified != follower.modified || packed != before && before != 0 {
                (follower.modified, follower.ready, follower.grown) = (modified, true, Instant::now());
            }
        }
        follower.size = follower.length();
        moved
    }

    pub(crate) fn is_open(&self, inode: Inode) -> bool {
        self.open_at(inode).is_some()
    }

    fn was_truncated(&mut self, index: usize, size: u64, modified: u64) -> bool {
        let follower = &self.followers[index];
        if size < follower.read() || follower.is_rewritten() {
            return true;
        }
        // Emptied and written to again up to the old position or beyond: another first line tells.
        let Some(file) = follower.file() else { return false };
        let is_changed = size != follower.seen() || modified != follower.modified;
        let beginning = follower.fingerprint().or(follower.beginning());
        if is_changed && beginning.is_some_and(|beginning| !beginning.is_of(file).unwrap_or(true)) {
            return true;
        }
        // A first line may have come and gone since the last look, into a copy that rotation made.
        is_changed && follower.fingerprint().is_none() && (size < follower.seen() || self.has_new_copy(index))
    }

    /// Whether something lies beside the file that was rotated since it was last looked at, and is not known.
    fn has_new_copy(&mut self, index: usize) -> bool {
        let follower = &self.followers[index];
        let (base, own, modified) = (follower.base.clone(), follower.inode(), follower.modified);
        let Ok(rotated) = self.folders.rotated(&base) else { return false };
        // What comes behind the file itself, which was renamed then, is newer.
        let renamed_to = rotated.iter().position(|rotated| Inode::of(&rotated.metadata) == own);
        let count = renamed_to.or_else(|| leads_to(&base, own).then_some(rotated.len())).unwrap_or_default();
        // What is compressed was there before, under its plain name.
        let mut plain = rotated[..count].iter().filter(|rotated| !is_packed(&rotated.path));
        plain.any(|rotated| {
            Stamp::of(&rotated.metadata).modified >= modified && !self.is_known(&base, rotated).unwrap_or(true)
        })
    }

    /// Whether a rotated file of a log was followed.
    fn is_known(&self, base: &Path, rotated: &Rotated) -> io::Result<bool> {
        let (inode, born) = (Inode::of(&rotated.metadata), Stamp::of(&rotated.metadata).born);
        let fingerprint = Fingerprint::of_file(&File::open(&rotated.path)?)?;
        // An inode may be that of a file that is gone, and a file may have been copied to another one.
        let is_it = |other: Inode, other_born: u64, other_base: &Path, line: Option<Fingerprint>| {
            other == inode && other_born == born
                || fingerprint.is_some() && line == fingerprint && other_base.as_os_str() == base.as_os_str()
        };
        let remembered = || {
            let mut entries = self.remembered.iter().map(|remembered| &remembered.entry);
            entries.any(|entry| is_it(entry.inode, entry.born, &entry.base, Some(entry.fingerprint)))
        };
        let mut followers = self.followers.iter();
        let followed = followers.any(|it| is_it(it.inode(), it.stamp().born, &it.base, it.fingerprint()));
        Ok(followed || remembered() || self.passed.contains(&(inode, rotated.metadata.len())))
    }

    /// Moves files that left on to their end, and those that are done to what is remembered.
    fn retire(&mut self) {
        self.release();
        let now = Instant::now();
        for index in 0..self.followers.len() {
            let follower = &self.followers[index];
            let silent = now - follower.grown;
            if follower.stage == Stage::Leaving
                && !follower.ready
                && silent >= SILENCE
                && silent >= self.silence_of(follower)
            {
                let follower = &mut self.followers[index];
                (follower.stage, follower.ready) = (Stage::Finishing, true);
            }
        }
        let Self { remembered, passed, .. } = self;
        if passed.len() > MOST_PASSED {
            passed.clear();
        }
        self.followers.retain_mut(|follower| {
            let done = follower.is_done();
            if done {
                passed.extend(follower.passed());
                remembered.extend(follower.entry().map(|entry| Remembered { entry, since: now }));
            }
            !done
        });
    }

    fn silence_of(&self, leaving: &Follower) -> Duration {
        let deleted =
            leaving.file().and_then(|file| file.metadata().ok()).is_some_and(|metadata| metadata.nlink() == 0);
        let is_successor =
            |other: &Follower| other.base == leaving.base && other.number > leaving.number && !other.is_empty();
        if deleted || self.followers.iter().any(is_successor) { SILENCE } else { SILENCE_WITHOUT_SUCCESSOR }
    }

    /// Has these files looked at often for a while.
    pub fn wake(&mut self, grown: &[PathBuf]) {
        if grown.is_empty() {
            return;
        }
        let now = Instant::now();
        for follower in self.followers.iter_mut().filter(|follower| grown.contains(&follower.base)) {
            follower.grown = now;
        }
    }

    /// Whether files are to be looked at often.
    pub fn is_busy(&self) -> bool {
        let now = Instant::now();
        self.followers.iter().any(|follower| follower.is_busy(now))
    }

    /// The files of which notifications are to be switched on or off, which they then are: on for the silent ones.
    pub fn switch_watches(&mut self) -> impl Iterator<Item = (&Path, bool)> {
        let now = Instant::now();
        self.followers.iter_mut().filter_map(move |follower| {
            let wanted = follower.stage == Stage::Present && !follower.is_busy(now);
            let switched = wanted != std::mem::replace(&mut follower.is_watched, wanted);
            switched.then_some((follower.base.as_path(), wanted))
        })
    }
}
