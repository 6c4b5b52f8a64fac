//! The folder of the crash bundles: a bounded number of files that nobody else can read.
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const START: &str = "crash-";
const END: &str = ".json";
/// What a file is called until it is whole.
const TEMPORARY: &str = ".new";
/// The age at which such a file is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(600);
/// Characters of a plugin's name in a file's.
const LONGEST_NAME: usize = 64;

/// A name for a bundle: names sort by time. `number` tells apart what falls into one millisecond.
pub(super) fn name(when: SystemTime, plugin: &str, number: u64) -> String {
    let when = jiff::Timestamp::try_from(when).unwrap_or_default().strftime("%Y%m%dT%H%M%S.%3fZ");
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || *character == '-';
    let plugin: String = plugin.chars().filter(is_plain).take(LONGEST_NAME).collect();
    format!("{START}{when}-{plugin}-{number}{END}")
}

/// Writes a bundle, whole or not at all, and removes the oldest ones so that there are at most `keep`.
pub(super) fn write(path: &Path, bytes: &[u8], keep: usize) -> io::Result<()> {
    put(path, keep, |file| file.write_all(bytes))
}

fn put(path: &Path, keep: usize, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    make_room(folder, keep.saturating_sub(1))?;
    let temporary = path.with_extension(format!("{}{TEMPORARY}", &END[1..]));
    let whole = |mut file: File| fill(&mut file).and_then(|()| file.sync_all());
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
    let written = created.and_then(whole).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // A part of a bundle on a full disk helps nobody.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    File::open(folder)?.sync_all()
}

/// Removes the oldest bundles until there are at most `most`, and what a process left half written. Other files in the
/// folder are not touched, nor what only has the name of a bundle. In place of one that cannot be removed the next goes.
fn make_room(folder: &Path, most: usize) -> io::Result<()> {
    let mut bundles: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        if !entry.file_type().is_ok_and(|of| of.is_file()) {
            continue;
        }
        let path = entry.path();
        let Some(name) = path.file_name().and_then(OsStr::to_str).filter(|name| name.starts_with(START)) else {
            continue;
        };
        if name.ends_with(END) {
            bundles.push(path);
        } else if name.ends_with(&format!("{END}{TEMPORARY}")) && is_abandoned(&path) {
            // Perhaps another process did so at this moment.
            let _ = fs::remove_file(path);
        }
    }
    bundles.sort_unstable();
    let mut surplus = bundles.len().saturating_sub(most);
    for oldest in &bundles {
        if surplus == 0 {
            break;
        }
        let removed = fs::remove_file(oldest);
        surplus -= usize::from(!removed.is_err_and(|error| error.kind() != io::ErrorKind::NotFound));
    }
    Ok(())
}

fn is_abandoned(path: &Path) -> bool {
    let age = |path: &Path| fs::metadata(path).ok()?.modified().ok()?.elapsed().ok();
    age(path).is_some_and(|age| age > ABANDONED)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::UNIX_EPOCH;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn names_say_when_and_who_and_sort_by_time() {
        let at = |milliseconds| UNIX_EPOCH + Duration::from_millis(milliseconds);
        let first = name(at(1_700_000_000_007), "drop-debug", 3);
        assert_eq!(first, "crash-20231114T221320.007Z-drop-debug-3.json");
        assert!(first < name(at(1_700_000_000_100), "a", 0));
        assert_eq!(name(at(0), "../a b/\u{e9}\0", 1), "crash-19700101T000000.000Z-ab-1.json");
    }

    #[test]
    fn the_oldest_make_room_and_strangers_stay() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a/b");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("readme.json"), "").unwrap();
        for second in 0..5 {
            let name = name(UNIX_EPOCH + Duration::from_secs(second), "p", second);
            write(&folder.join(name), b"{}", 3).unwrap();
        }
        let expect = [2, 3, 4].map(|n| format!("crash-19700101T00000{n}.000Z-p-{n}.json"));
        assert_eq!(names(&folder), [&expect[..], &["readme.json".into()]].concat());
    }

    #[test]
    fn what_is_no_file_neither_counts_nor_hinders() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir_all(folder.join("crash-0.json/x")).unwrap();
        fs::create_dir(folder.join("crash-0.json.new")).unwrap();
        std::os::unix::fs::symlink("/nowhere", folder.join("crash-1.json")).unwrap();
        for n in 2..5 {
            write(&folder.join(format!("crash-{n}.json")), b"{}", 2).unwrap();
        }
        let expect = ["crash-0.json", "crash-0.json.new", "crash-1.json", "crash-3.json", "crash-4.json"];
        assert_eq!(names(folder), expect);
    }

    #[test]
    fn bundles_are_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/crash-a.json");
        write(&path, b"{}", 3).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read(&path).unwrap(), b"{}");
    }

    #[test]
    fn what_was_left_half_written_goes_when_nobody_writes_it_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let (old, young) = (folder.path().join("crash-1.json.new"), folder.path().join("crash-2.json.new"));
        for (path, age) in [(&old, ABANDONED * 2), (&young, Duration::ZERO)] {
            File::create(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
        }
        write(&folder.path().join("crash-3.json"), b"{}", 1).unwrap();
        assert_eq!(names(folder.path()), ["crash-2.json.new", "crash-3.json"]);
    }

    #[test]
    fn a_disk_that_fills_up_keeps_no_part_of_a_bundle() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("crash-1.json"), b"{}", 3).unwrap();
        let half = |file: &mut File| file.write_all(b"{").and(Err(io::ErrorKind::StorageFull.into()));
        let error = put(&folder.path().join("crash-2.json"), 3, half).unwrap_err();
        assert_eq!((error.kind(), names(folder.path())), (io::ErrorKind::StorageFull, vec!["crash-1.json".into()]));
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(write(&folder.path().join("file/crash-1.json"), b"{}", 3).is_err());
        // A folder stands where the bundle is to be: it cannot be renamed.
        fs::create_dir_all(folder.path().join("crash-1.json/x")).unwrap();
        assert!(write(&folder.path().join("crash-1.json"), b"{}", 3).is_err());
        assert_eq!(names(folder.path()), ["crash-1.json", "file"]);
    }
}
