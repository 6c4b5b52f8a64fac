//! Files that only our descriptors keep: how much of the disk, how many descriptors and how long they may take.

use std::{os::unix::fs::MetadataExt, time::Duration};

use tokio::time::Instant;
use tracing::{info, warn};

use crate::{files::Files, lost::lose};

/// Files that no name leads to any more and that are held open to be read.
pub const HELD_FILES: usize = 1000;
/// Bytes of them that are not read.
pub const HELD_BYTES: u64 = 1 << 30;
/// How long they are held: an outage of an hour and catching up after it cost nothing, and a disk gets its space back.
pub const HELD_FOR: Duration = Duration::from_secs(2 * 3600);

impl Files {
    /// Lets files go that have no name any more, where there are more than `files` of them, or more than `bytes` of them
    /// are not read, or they have none for longer than `time`: while the sink has no room, each rotation adds one. The
    /// oldest go first. Where one was compressed it is read on from there, and nothing of it is lost.
    pub(crate) fn hold_at_most(&mut self, files: usize, bytes: u64, time: Duration) {
        let (mut kept, mut unread_of_kept) = (0, 0u64);
        // The newest first, in the order in which they were found.
        for index in (0..self.followers.len()).rev() {
            let Some((unread, since)) = self.held(index) else { continue };
            let is_too_much = kept + 1 > files || unread_of_kept + unread > bytes;
            if is_too_much || since.elapsed() >= time {
                self.let_go(index, unread);
            } else {
                (kept, unread_of_kept) = (kept + 1, unread_of_kept + unread);
            }
        }
        self.config.counters.files_deleted.set(kept as u64);
        self.config.counters.deleted_bytes.set(unread_of_kept);
    }

    /// What is not read of a file that has no name any more, and since when it was seen to have none.
    fn held(&mut self, index: usize) -> Option<(u64, Instant)> {
        let follower = &mut self.followers[index];
        let is_deleted = follower.file()?.metadata().is_ok_and(|metadata| metadata.nlink() == 0);
        if !is_deleted {
            follower.deleted = None;
            return None;
        }
        let since = *follower.deleted.get_or_insert_with(Instant::now);
        Some((follower.length().saturating_sub(follower.read()), since))
    }

    fn let_go(&mut self, index: usize, unread: u64) {
        let follower = &self.followers[index];
        let (base, fingerprint, read) = (follower.base.clone(), follower.fingerprint(), follower.read());
        let copy = fingerprint.and_then(|fingerprint| self.copy_of(&base, fingerprint, read).ok().flatten());
        let follower = &mut self.followers[index];
        if let Some((copy, metadata)) = copy {
            info!(path = %follower.path.display(), "a deleted log file is read on from where rotation copied it to");
            follower.go_on_in(copy, &metadata);
            let (number, inode) = (follower.number, follower.inode());
            return self.lies_at(number, inode);
        }
        warn!(
            path = %follower.path.display(), unread,
            "a deleted log file is given up unread: too many are held open, or too long, while the sink has no room"
        );
        lose(&follower.path, unread, "held_too_long", &self.config.counters, &self.generation);
        follower.give_up();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, sync::Arc};

    use flate2::{Compression, write::GzEncoder};
    use sluice_core::{Generation, Ledger};

    use tokio::time::advance;

    use super::*;
    use crate::Config;

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
        tail.hold_at_most(files, bytes, HELD_FOR);
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

    #[tokio::test(start_paused = true)]
    async fn none_is_held_for_ever() {
        let (folder, ledger) = (tempfile::tempdir().unwrap(), Arc::<Ledger>::default());
        let config = Config { include: vec![format!("{}/*.log", folder.path().display())], ..Config::default() };
        let mut tail = Files::new(config, None, Generation::new(ledger.clone())).unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "line\n").unwrap();
        tail.scan();
        // A file that has its name is open for as long as it is there.
        advance(HELD_FOR * 2).await;
        tail.scan();
        fs::remove_file(&path).unwrap();
        for (wait, is_open) in [(Duration::ZERO, true), (HELD_FOR - Duration::from_secs(1), true), (HELD_FOR, false)] {
            advance(wait).await;
            tail.scan();
            assert_eq!(tail.followers[0].file().is_some(), is_open, "{wait:?}");
        }
        assert_eq!(ledger.balance().expired_bytes["held_too_long"], 5);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_compressed_is_read_on_from_there() {
        let (folder, ledger) = (tempfile::tempdir().unwrap(), Arc::<Ledger>::default());
        let config = Config { include: vec![format!("{}/*.log", folder.path().display())], ..Config::default() };
        let mut tail = Files::new(config, None, Generation::new(ledger.clone())).unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "line\n").unwrap();
        tail.scan();
        let mut packed =
            GzEncoder::new(fs::File::create(folder.path().join("a.log.1.gz")).unwrap(), Compression::fast());
        packed.write_all(b"line\n").unwrap();
        packed.finish().unwrap();
        fs::remove_file(&path).unwrap();
        tail.hold_at_most(0, 0, HELD_FOR);
        assert!(tail.followers[0].is_packed());
        assert!(ledger.balance().expired_bytes.is_empty());
        // That is gone as well.
        fs::remove_file(folder.path().join("a.log.1.gz")).unwrap();
        tail.hold_at_most(0, 0, HELD_FOR);
        assert_eq!(ledger.balance().expired_bytes["held_too_long"], 5);
    }
}
