//! Files whose changes matter, looked at twice a second: a look costs a system call a file, needs no notification, and
//! sees what the kubelet does (it swaps the link `..data`, so that the same path leads to another file).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long a file may be gone or empty before that is told: editors and the kubelet do so in passing.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the file system says of a file without reading it; links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    /// As a copy may bring the time of its original, while this one is the file system's own.
    changed: (i64, i64),
}

/// What a look at one file says.
#[derive(Debug, PartialEq, Eq)]
enum Sight {
    /// As it was when it was last read, or gone for a moment.
    Quiet,
    /// Another than at the last look.
    Moving,
    /// Another than the one that was read last, and the same at two looks: to be read now.
    Settled,
    /// Gone for long; said once.
    Gone,
}

#[derive(Debug, Default)]
struct File {
    /// When it was last to be read.
    read: Option<Stamp>,
    /// At the last look.
    seen: Option<Stamp>,
    gone_since: Option<Instant>,
    gone_told: bool,
}

/// The files that are followed.
#[derive(Debug, Default)]
pub(super) struct Watch {
    files: BTreeMap<PathBuf, File>,
    /// Since when one of them or another is another at each look.
    moving_since: Option<Instant>,
}

/// What a look at all files says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sights {
    /// Files to be read now. A file is in here for the first time when it has been the same for two looks, and no other
    /// one moves: a config and its components change together, and not all of them in one moment.
    pub settled: BTreeSet<PathBuf>,
    /// Files that have been gone or empty for too long; each is in here once.
    pub gone: Vec<PathBuf>,
}

impl Watch {
    /// From now on exactly these are followed; what is known of one that was stays known.
    pub fn follow<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) {
        let mut before = std::mem::take(&mut self.files);
        self.files = paths.map(|path| (path.to_owned(), before.remove(path).unwrap_or_default())).collect();
    }

    pub fn look(&mut self, now: Instant) -> Sights {
        let (mut sights, mut moves) = (Sights::default(), false);
        for (path, file) in &mut self.files {
            match file.look(stamp_of(path), now) {
                Sight::Quiet => {}
                Sight::Moving => moves = true,
                Sight::Settled => {
                    sights.settled.insert(path.clone());
                }
                Sight::Gone => sights.gone.push(path.clone()),
            }
        }
        self.moving_since = moves.then(|| self.moving_since.unwrap_or(now));
        if self.moving_since.is_some_and(|since| now.duration_since(since) < PATIENCE) {
            self.again(&std::mem::take(&mut sights.settled));
        }
        sights
    }

    /// Whether all files are what they were at the last look: what was read since then belongs together.
    pub fn is_still(&self) -> bool {
        self.files.iter().all(|(path, file)| stamp_of(path) == file.seen)
    }

    /// These are to be read again when nothing moves any more.
    pub fn again(&mut self, paths: &BTreeSet<PathBuf>) {
        for path in paths {
            if let Some(file) = self.files.get_mut(path) {
                file.read = None;
            }
        }
    }
}

impl File {
    fn look(&mut self, stamp: Option<Stamp>, now: Instant) -> Sight {
        let before = std::mem::replace(&mut self.seen, stamp);
        if stamp.is_none() {
            let gone_since = *self.gone_since.get_or_insert(now);
            if now.duration_since(gone_since) < PATIENCE || self.gone_told {
                return Sight::Quiet;
            }
            self.gone_told = true;
            return Sight::Gone;
        }
        (self.gone_since, self.gone_told) = (None, false);
        if stamp == self.read {
            return Sight::Quiet;
        }
        if stamp != before {
            return Sight::Moving;
        }
        self.read = stamp;
        Sight::Settled
    }
}

/// Nothing for a file that is gone or empty.
fn stamp_of(path: &Path) -> Option<Stamp> {
    stamp(path).ok().filter(|stamp| stamp.size > 0)
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// One letter a look, half a second apart: what the file was like (`.` for gone), and what the look said
    /// (`.` nothing, `!` settled, `?` gone).
    #[track_caller]
    fn check(looks: &str, expect: &str) {
        let began = Instant::now();
        let mut file = File::default();
        let said = looks.chars().zip(0u32..).map(|(look, number)| {
            let size = u64::from(look);
            let stamp = Stamp { device: 1, inode: 1, size, modified: (1, 0), changed: (1, 0) };
            let now = began + number * Duration::from_millis(500);
            match file.look((look != '.').then_some(stamp), now) {
                Sight::Quiet | Sight::Moving => '.',
                Sight::Settled => '!',
                Sight::Gone => '?',
            }
        });
        assert_eq!(said.collect::<String>(), expect, "{looks}");
    }

    #[test]
    fn a_change_is_told_when_it_has_settled() {
        check("aaaa", ".!..");
        check("aaabbb", ".!..!.");
        // Still being copied.
        check("aabcdeee", ".!....!.");
        // There and back within two looks.
        check("aabaa", ".!...");
        check("aabbaa", ".!.!.!");
    }

    #[test]
    fn a_file_that_is_gone_is_told_once_and_only_after_a_while() {
        check("aa..aa", ".!....");
        check("aa..bb", ".!...!");
        check("aa.............", ".!..........?..");
        check("aa............aa............", ".!..........?.............?.");
        check("............", "..........?.");
    }

    /// One of two files goes on changing: the other one waits for it, and not for ever.
    #[test]
    fn files_that_change_together_are_read_together() {
        let folder = tempfile::tempdir().unwrap();
        let [config, component] = ["sluice.yaml", "f.wasm"].map(|name| folder.path().join(name));
        let write = |path: &Path, text: &str| fs::write(path, text).unwrap();
        write(&config, "1");
        write(&component, "1");
        let (mut watch, began) = (Watch::default(), Instant::now());
        watch.follow([config.as_path(), component.as_path()].into_iter());
        let mut looks = 0;
        let mut look = |watch: &mut Watch| {
            looks += 1;
            let settled = watch.look(began + looks * Duration::from_millis(500)).settled;
            [settled.contains(&config), settled.contains(&component)]
        };
        assert_eq!([look(&mut watch), look(&mut watch), look(&mut watch)], [[false; 2], [true; 2], [false; 2]]);
        write(&config, "22");
        assert_eq!(look(&mut watch), [false; 2]);
        write(&component, "22");
        assert!(!watch.is_still(), "what is read now is not what was looked at");
        assert_eq!([look(&mut watch), look(&mut watch)], [[false; 2], [true; 2]]);
        assert!(watch.is_still());
        // What was read while something moved is read again.
        watch.again(&BTreeSet::from([config.clone()]));
        assert_eq!([look(&mut watch), look(&mut watch)], [[true, false], [false; 2]]);
        write(&config, "333");
        let waited = (0..20).take_while(|number| {
            write(&component, &"3".repeat(10 + number));
            look(&mut watch) == [false; 2]
        });
        assert_eq!(waited.count(), 10, "five seconds");
    }

    /// What the kubelet does to a mounted ConfigMap: a new folder, a link to it, and a rename over `..data`.
    #[test]
    fn the_swap_of_a_mounted_config_map_is_a_change_of_the_file() {
        let mount = tempfile::tempdir().unwrap();
        let publish = |version: &str, text: &str| {
            let folder = mount.path().join(format!("..{version}"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("sluice.yaml"), text).unwrap();
            symlink(format!("..{version}"), mount.path().join("..data_tmp")).unwrap();
            fs::rename(mount.path().join("..data_tmp"), mount.path().join("..data")).unwrap();
        };
        publish("1", "same");
        let path = mount.path().join("sluice.yaml");
        symlink("..data/sluice.yaml", &path).unwrap();
        let mut watch = Watch::default();
        watch.follow([path.as_path()].into_iter());
        let mut is_settled = || watch.look(Instant::now()).settled.contains(&path);
        assert_eq!([is_settled(), is_settled(), is_settled()], [false, true, false]);
        // Alike in size and text: another file all the same.
        publish("2", "same");
        assert_eq!([is_settled(), is_settled(), is_settled()], [false, true, false]);
        fs::remove_dir_all(mount.path().join("..1")).unwrap();
        assert!(!is_settled());
    }
}
