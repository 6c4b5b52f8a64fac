//! Files that only our descriptors keep: how much of the disk, and how many descriptors, they may take.

use std::os::unix::fs::MetadataExt;

use tracing::warn;

use crate::files::{Files, add};

/// Files that no name leads to any more and that are held open to be read.
pub const HELD_FILES: usize = 1000;
/// Bytes of them that are not read.
pub const HELD_BYTES: u64 = 1 << 30;

impl Files {
    /// Gives up the oldest of the files that have no name any more, where there are more than `files` of them or more
    /// than `bytes` of them are not read: while the sink has no room, each rotation adds one.
    pub(crate) fn hold_at_most(&mut self, files: usize, bytes: u64) {
        let (mut held, mut unread_of_all) = (0, 0);
        let (mut kept, mut unread_of_kept) = (0, 0);
        // The newest first, in the order in which they were found.
        for follower in self.followers.iter_mut().rev() {
            let Some(metadata) = follower.file().and_then(|file| file.metadata().ok()) else { continue };
            if metadata.nlink() > 0 {
                continue;
            }
            let unread = metadata.len().saturating_sub(follower.read());
            held += 1;
            unread_of_all += unread;
            if held > files || unread_of_all > bytes {
                warn!(
                    path = %follower.path.display(), unread,
                    "a deleted log file is given up unread: too many are held open while the sink has no room"
                );
                add(&self.generation.ledger().expired_bytes_by("held_too_long"), unread);
                follower.give_up();
            } else {
                (kept, unread_of_kept) = (kept + 1, unread_of_kept + unread);
            }
        }
        self.config.counters.files_deleted.set(kept);
        self.config.counters.deleted_bytes.set(unread_of_kept);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use sluice_core::{Generation, Ledger};

    use crate::{Config, files::Files};

    /// Four files of 10 bytes, the newest of which still has its name.
    fn check(files: usize, bytes: u64, open: usize) {
        let (folder, ledger) = (tempfile::tempdir().unwrap(), Arc::<Ledger>::default());
        let config = Config { include: vec![format!("{}/*.log", folder.path().display())], ..Config::default() };
        let mut tail = Files::new(config, None, Generation::new(ledger.clone())).unwrap();
        let paths = ["a", "b", "c", "d"].map(|name| folder.path().join(format!("{name}.log")));
        for path in &paths {
            fs::write(path, format!("{}\n", &path.file_name().unwrap().to_str().unwrap()[..1].repeat(9))).unwrap();
            tail.scan();
        }
        paths[..3].iter().for_each(|path| fs::remove_file(path).unwrap());
        tail.scan();
        tail.hold_at_most(files, bytes);
        let is_open: Vec<_> = tail.followers.iter().map(|follower| follower.file().is_some()).collect();
        // The oldest go first.
        assert_eq!(is_open, [open > 3, open > 2, open > 1, true], "{files} {bytes}");
        let expired: u64 = ledger.balance().expired_bytes.get("held_too_long").copied().unwrap_or_default();
        assert_eq!(expired, 10 * (4 - open as u64), "{files} {bytes}");
        // All but the one that is still there.
        let (deleted, unread) = (&tail.config.counters.files_deleted, &tail.config.counters.deleted_bytes);
        assert_eq!((deleted.get(), unread.get()), (open as u64 - 1, 10 * (open as u64 - 1)), "{files} {bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_are_given_up() {
        check(3, 30, 4);
        check(2, 30, 3);
        check(3, 29, 3);
        check(0, 30, 1);
        check(3, 0, 1);
    }
}
