//! What rotation leaves beside a file: other names, that tell their order, plain or compressed.

use std::{
    collections::HashMap,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::content::{is_packed, unpacked_name};

/// A folder that was changed in this time before it was listed may be changed again without showing a later time.
const SETTLED: Duration = Duration::from_millis(100);

/// A file that rotation renamed, copied or compressed.
#[derive(Clone, Debug)]
pub struct Rotated {
    pub path: PathBuf,
    pub metadata: Metadata,
}

/// What rotation appended to a name, as far as it tells the order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    /// `.1`: the higher the older.
    Number(u64),
    /// `.20240101-120000`, `-20240101`, `.2024-01-01`: the digits.
    Date(String),
}

/// The names in folders, each listed once a scan where nothing changes in it.
#[derive(Debug, Default)]
pub struct Folders {
    listings: HashMap<PathBuf, Listing>,
}

#[derive(Debug)]
struct Listing {
    /// Of the folder, before it was listed; `None` where it was too fresh to be told from a later one.
    modified: Option<SystemTime>,
    /// In order.
    names: Vec<String>,
}

impl Folders {
    /// Ends a scan.
    pub fn forget(&mut self) {
        self.listings.clear();
    }

    /// The files that `base` may have been renamed, copied or compressed to by rotation, oldest first. A compressed one
    /// is left out where the plain one is there: it may be in the making.
    pub fn rotated(&mut self, base: &Path) -> io::Result<Vec<Rotated>> {
        let (Some(folder), Some(name)) = (base.parent(), base.file_name().and_then(|name| name.to_str())) else {
            return Ok(Vec::new());
        };
        let names = self.names(folder)?;
        let from = names.partition_point(|other| other.as_str() < name);
        let mut found = Vec::new();
        for suffix in names[from..].iter().map_while(|other| other.strip_prefix(name)) {
            let Some(mark) = Mark::of(suffix.strip_suffix(".gz").unwrap_or(suffix)) else { continue };
            let path = folder.join(format!("{name}{suffix}"));
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_file() => found.push((mark, Rotated { path, metadata })),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(in_order(found))
    }

    /// The restarts before `number` of which a folder `…/<container>` has logs, in order, by the path of their `<n>.log`.
    pub fn restarts_before(&mut self, folder: &Path, number: u32) -> io::Result<Vec<PathBuf>> {
        let of_name = |name: &String| {
            let (restart, suffix) = name.split_once(".log")?;
            let is_log = suffix.is_empty() || Mark::of(suffix.strip_suffix(".gz").unwrap_or(suffix)).is_some();
            restart.parse().ok().filter(|restart| is_log && *restart < number)
        };
        let mut restarts: Vec<u32> = self.names(folder)?.iter().filter_map(of_name).collect();
        restarts.sort_unstable();
        restarts.dedup();
        Ok(restarts.into_iter().map(|restart| folder.join(format!("{restart}.log"))).collect())
    }

    fn names(&mut self, folder: &Path) -> io::Result<&[String]> {
        let modified = match fs::metadata(folder).and_then(|metadata| metadata.modified()) {
            Ok(modified) => modified,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(&[]),
            Err(error) => return Err(error),
        };
        if self.listings.get(folder).is_none_or(|listing| listing.modified != Some(modified)) {
            let listing = Listing::of(folder, modified)?;
            self.listings.insert(folder.into(), listing);
        }
        Ok(self.listings.get(folder).map_or(&[], |listing| &listing.names))
    }
}

impl Listing {
    fn of(folder: &Path, modified: SystemTime) -> io::Result<Self> {
        let is_settled = modified.elapsed().is_ok_and(|since| since >= SETTLED);
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // Others could not be named by checkpoints.
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(Self { modified: is_settled.then_some(modified), names })
    }
}

impl Mark {
    /// Reads what rotation may have appended to a name: `.20240101-120000` (the kubelet), `.1` (docker), `.1`,
    /// `-20240101` (logrotate), `.2024-01-01`. Anything else is another file's name.
    fn of(suffix: &str) -> Option<Self> {
        let rest = suffix.strip_prefix(['.', '-'])?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let enough = if suffix.starts_with('.') { 1 } else { 8 };
        let is_date = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'T');
        if digits < enough || !rest.bytes().all(is_date) {
            return None;
        }
        match rest.parse() {
            Ok(number) if digits < 6 => Some(Self::Number(number)),
            _ => Some(Self::Date(rest.chars().filter(char::is_ascii_digit).collect())),
        }
    }
}

/// Oldest first: by the names where all of them tell the order in the same way, by the times of writing otherwise. A
/// compressed file may have the time at which it was compressed.
fn in_order(mut found: Vec<(Mark, Rotated)>) -> Vec<Rotated> {
    let is_plain = |path: &Path| found.iter().any(|(_, rotated)| rotated.path == path);
    let twins: Vec<PathBuf> = found
        .iter()
        .map(|(_, rotated)| &rotated.path)
        .filter(|path| is_packed(path) && is_plain(&unpacked_name(path)))
        .cloned()
        .collect();
    found.retain(|(_, rotated)| !twins.contains(&rotated.path));
    let numbers = found.iter().filter(|(mark, _)| matches!(mark, Mark::Number(_))).count();
    if numbers == 0 || numbers == found.len() {
        found.sort_by(|(a, _), (b, _)| a.order(b));
    } else {
        found.sort_by_cached_key(|(_, rotated)| (rotated.metadata.modified().ok(), rotated.path.clone()));
    }
    found.into_iter().map(|(_, rotated)| rotated).collect()
}

impl Mark {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => b.cmp(a),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Number(_), Self::Date(_)) => std::cmp::Ordering::Less,
            (Self::Date(_), Self::Number(_)) => std::cmp::Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;

    use super::*;

    fn names(paths: impl IntoIterator<Item = PathBuf>) -> Vec<String> {
        paths.into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    /// Makes these files, each written to a second after the one before.
    fn make(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (age, name) in files.iter().enumerate() {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + age as u64);
            file.set_times(FileTimes::new().set_modified(modified)).unwrap();
        }
        folder
    }

    #[test]
    fn rotated_files_are_found_in_their_order() {
        for (files, expected) in [
            // The kubelet: what was compressed was written to later than what was rotated after it.
            (
                &["0.log.20240101-000002", "0.log.20240101-000003", "0.log.20240101-000001.gz", "0.log"][..],
                &["0.log.20240101-000001.gz", "0.log.20240101-000002", "0.log.20240101-000003"][..],
            ),
            // docker.
            (&["0.log.1", "0.log.10.gz", "0.log.2.gz"], &["0.log.10.gz", "0.log.2.gz", "0.log.1"]),
            // logrotate.
            (&["0.log-20240103", "0.log-20240102.gz"], &["0.log-20240102.gz", "0.log-20240103"]),
            // Names of several kinds: the times of writing.
            (
                &["0.log.20240101-000000", "0.log.3", "0.log-20240102", "0.log.2024-01-03"],
                &["0.log.20240101-000000", "0.log.3", "0.log-20240102", "0.log.2024-01-03"],
            ),
            // In the making.
            (
                &["0.log.20240101-000001", "0.log.20240101-000001.gz", "0.log.20240101-000002.gz.tmp"],
                &["0.log.20240101-000001"],
            ),
            (&["0.log", "1.log", "0.logs", "0.log.tmp", "0.log-admin", "0.log-1", "0.log.old", "0.log.gz"], &[]),
        ] {
            let folder = make(files);
            fs::create_dir(folder.path().join("0.log.5")).unwrap();
            let found = Folders::default().rotated(&folder.path().join("0.log")).unwrap();
            assert_eq!(names(found.into_iter().map(|rotated| rotated.path)), expected, "{files:?}");
        }
        assert!(Folders::default().rotated(Path::new("/nowhere/0.log")).unwrap().is_empty());
    }

    #[test]
    fn restarts_are_found_in_their_order() {
        let folder = make(&[
            "10.log",
            "2.log",
            "2.log.20240101-000001.gz",
            "1.log.20240101-000000",
            "3.txt",
            "x.log",
            "0.log.x",
        ]);
        let mut folders = Folders::default();
        let mut before = |number| names(folders.restarts_before(folder.path(), number).unwrap());
        assert_eq!(before(11), ["1.log", "2.log", "10.log"]);
        assert_eq!(before(10), ["1.log", "2.log"]);
        assert_eq!(before(1), Vec::<String>::new());
    }

    #[test]
    fn a_folder_that_changes_is_listed_again() {
        let folder = make(&["0.log"]);
        let mut folders = Folders::default();
        let mut rotated = || folders.rotated(&folder.path().join("0.log")).unwrap().len();
        for number in 1..5 {
            assert_eq!(rotated(), number - 1);
            fs::write(folder.path().join(format!("0.log.{number}")), "").unwrap();
            assert_eq!(rotated(), number);
        }
    }
}
